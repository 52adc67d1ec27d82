"""Whatever the votes are: a clear error that names line, column and value, or a defined result."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from reliability import Method, Options
from reliability.__main__ import main

HEADER = "item,annotator,expression\n"
FULL = "".join(f"i{j},p{i},{1 + (j + i * j // 9) % 3}\n" for j in range(12) for i in range(6))
TIES = "".join(f"i{j},p{i},{1 + i % 2}\n" for j in range(8) for i in range(4))
REFUSED = {
    "empty file": (b"", "line 1"),
    "header alone": (HEADER.encode(), "no votes"),
    "missing column": (b"item,annotator\na,x\n", "line 1: the columns are item,annotator"),
    "unknown column": (b"item,annotator,expression,mood\na,x,1,2\n", "mood"),
    "short line": ((HEADER + "a,x,1\na,y\n").encode(), "line 3: 2 cells"),
    "empty cell": ((HEADER + "a,x,1\nb,,2\n").encode(), "line 3: column annotator is empty"),
    "class outside": ((HEADER + "a,x,fear\nb,x,9\n").encode(), "line 3: expression is '9'"),
    "voting twice": (
        (HEADER + "a,x,1\nb,x,2\na,x,2\n").encode(),
        "line 4: 'x' votes on 'a' again, after line 2",
    ),
    "not UTF-8": (HEADER.encode() + b"a,x,\xff\n", "not UTF-8"),
}
DEFINED = {
    "one annotator": HEADER + "".join(f"i{j},x,{1 + j % 3}\n" for j in range(9)),
    "one item": HEADER + "".join(f"i,p{i},{1 + i % 3}\n" for i in range(9)),
    "one vote": HEADER + "a,x,1\n",
    "all votes equal": HEADER + "".join(f"i{j},p{i},2\n" for j in range(5) for i in range(4)),
    "items with one vote": HEADER + FULL + "lonely,p0,1\n",
    "annotators with one vote": HEADER + FULL + "i0,newcomer,1\n",
    "ties everywhere": HEADER + TIES,
    "byte order mark": "\ufeff" + HEADER + FULL,
    "CR line ends": (HEADER + FULL).replace("\n", "\r"),
    "CRLF line ends": (HEADER + FULL).replace("\n", "\r\n"),
    "names like formulas and numbers": HEADER + "=1+1,-5,1\n=1+1,7,2\n@x,-5,1\n",
    "optional columns": "voted_at,item,annotator,expression,response_ms\n,a,x,1,9\n,b,x,2,\n",
}


def estimated(path: Path, out: Path, *more: str) -> int:
    asked = ["estimate", str(path), "--out", str(out), "--no-figures", "--quiet", *more]
    return main([*asked, "--classes", "happiness,fear,anger,fright"])


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_by_line_column_and_value(case, tmp_path, capsys):
    content, words = REFUSED[case]
    (tmp_path / "votes.csv").write_bytes(content)
    assert estimated(tmp_path / "votes.csv", tmp_path / "out") == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # so few votes may not converge
@pytest.mark.parametrize("case", DEFINED)
@pytest.mark.parametrize("method", list(Method))
def test_what_can_be_read_has_a_result_without_a_nan(case, method, tmp_path):
    (tmp_path / "votes.csv").write_bytes(DEFINED[case].encode())
    assert estimated(tmp_path / "votes.csv", tmp_path / "out", "--method", method) == 0
    for name in ("annotators.csv", "items.csv"):
        with (tmp_path / "out" / name).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for column, value in row.items():
                    if column.startswith(("p_", "g_")) or column in _NUMBERS:
                        assert np.isfinite(float(value)), (name, column, value)
    told = json.loads((tmp_path / "out" / "report.json").read_text(), parse_constant=_refuse)
    assert (
        told["n_votes"] == DEFINED[case].replace("\r\n", "\n").replace("\r", "\n").count("\n") - 1
    )


_NUMBERS = ("reliability", "std_error", "votes", "accuracy", "confidence", "easiness", "entropy")


def _refuse(constant: str) -> None:
    raise AssertionError(f"report.json holds {constant}")


@pytest.mark.parametrize("name", ["reliability_mean", "reliability_sd", "easiness_sd"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_priors_that_are_not_finite_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Options(**{name: value})


def test_the_files_hold_what_is_promised_key_by_key_and_column_by_column(tmp_path):
    (tmp_path / "votes.csv").write_text(HEADER + FULL)
    assert estimated(tmp_path / "votes.csv", tmp_path / "out") == 0
    classes = ["happiness", "fear", "anger", "fright"]
    heads = {
        "annotators.csv": [
            "annotator",
            "reliability",
            "std_error",
            "votes",
            "accuracy",
            "kept",
            "reason",
        ],
        "items.csv": ["item", "consensus", "confidence", "easiness", "entropy", "subset"]
        + [f"p_{c}" for c in classes]
        + [f"g_{c}" for c in classes],
    }
    for name, head in heads.items():
        with (tmp_path / "out" / name).open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            assert next(rows) == head
            for row in rows:
                assert len(row) == len(head)
    promised = """method n_items n_annotators n_votes n_classes log_likelihood
        penalised_log_likelihood converged iterations history cronbach_alpha fleiss_kappa
        krippendorff_alpha screened seconds"""
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert set(promised.split()) <= set(told)
    sizes = [told[key] for key in ("n_items", "n_annotators", "n_votes", "n_classes")]
    assert sizes == [12, 6, 72, 4]
    assert told["history"][-1] == told["penalised_log_likelihood"]
    assert len(told["history"]) == told["iterations"] + 1
    assert told["log_likelihood"] > told["penalised_log_likelihood"]


def test_nothing_is_written_where_a_rule_is_out_of_range(tmp_path, capsys):
    (tmp_path / "votes.csv").write_text(HEADER + FULL)
    assert estimated(tmp_path / "votes.csv", tmp_path / "out", "--confidence", "1.5") == 2
    assert "confidence is 1.5" in capsys.readouterr().err
