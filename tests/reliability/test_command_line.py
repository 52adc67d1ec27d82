"""The command line and its files: what goes in, what comes out, what is refused and how."""

import csv
import json
from pathlib import Path

import pytest

from reliability.__main__ import main
from reliability.votes_file import read_votes

DATA = Path(__file__).parent / "data"
HEADER = "item,annotator,expression\n"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_estimate_writes_one_row_per_person_and_item_and_a_report(tmp_path):
    out = tmp_path / "out"
    votes = str(DATA / "dog" / "votes.csv")
    command = ["estimate", votes, "--out", str(out), "--no-figures", "--no-screening", "--quiet"]
    assert main(command) == 0
    assert len(rows(out / "annotators.csv")) == 109
    items = rows(out / "items.csv")
    assert len(items) == 807
    assert sum(float(items[0][f"p_{k}"]) for k in range(4)) == pytest.approx(1, abs=1e-6)
    told = json.loads((out / "report.json").read_text())
    assert told["penalised_log_likelihood"] == pytest.approx(-6926.31, abs=0.01)
    assert told["n_votes"] == 8070


def test_the_same_votes_in_another_order_of_lines_give_the_same_bytes(tmp_path):
    head, *lines = (DATA / "dog" / "votes.csv").read_text().splitlines()
    for name, body in (("a", lines), ("b", lines[::-1])):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *body]) + "\n")
        path, out = str(tmp_path / f"{name}.csv"), str(tmp_path / name)
        assert main(["estimate", path, "--out", out, "--no-figures", "--quiet"]) == 0
    for table in ("annotators.csv", "items.csv"):
        assert (tmp_path / "a" / table).read_bytes() == (tmp_path / "b" / table).read_bytes()


@pytest.mark.parametrize("text", ["\ufeff" + HEADER + "a,x,1\nb,x,2\n", HEADER + "a,x,1\rb,x,2\r"])
def test_byte_order_mark_and_carriage_returns_are_read(tmp_path, text):
    path = tmp_path / "votes.csv"
    path.write_bytes(text.replace("\n", "\r" if "\r" in text else "\n").encode())
    assert read_votes(path).item_names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1"),
        (HEADER, "no votes"),
        ("item,annotator\na,b\n", "line 1: the columns are item,annotator"),
        ("item,annotator,expression,mood\na,b,1,2\n", "mood"),
        (HEADER + "a,x,1\na,y\n", "line 3: 2 cells"),
        (HEADER + "a,x,1\n,y,2\n", "line 3: column item is empty"),
        (HEADER + "a,x,1\nb,x,2\na,x,2\n", "line 4: 'x' votes on 'a' again, after line 2"),
        (HEADER + "a,x,1\nb,x,1\n", "all votes are '1'"),
    ],
)
def test_bad_files_are_refused_by_line_and_value(tmp_path, text, words):
    path = tmp_path / "votes.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_votes(path)


def test_a_class_outside_the_list_is_refused_by_line(tmp_path, capsys):
    path = tmp_path / "votes.csv"
    path.write_text(HEADER + "a,x,cat\nb,x,cow\n")
    assert main(["partition", str(path), "--classes", "cat,dog", "--quiet"]) == 2
    assert "line 3: expression is 'cow'" in capsys.readouterr().err


def test_simulated_bad_people_are_screened_out_and_named(tmp_path, capsys):
    main(["simulate", "--out", str(tmp_path), "--annotators", "60", "--random", "4", "--seed", "3"])
    capsys.readouterr()
    assert main(["screen", str(tmp_path / "votes.csv"), "--quiet"]) == 0
    assert "56 of 60 annotators are kept" in capsys.readouterr().out


def test_compare_sets_methods_beside_each_other_and_tells_where_they_differ(tmp_path, capsys):
    main(["simulate", "--out", str(tmp_path), "--items", "150", "--votes-per-item", "5"])
    asked = ["compare", str(tmp_path / "votes.csv"), "--out", str(tmp_path / "out"), "--quiet"]
    asked += ["--methods", "majority,one-coin,glad", "--truth", str(tmp_path / "truth.csv")]
    assert main(asked) == 0
    assert "one-coin" in capsys.readouterr().out
    lines = rows(tmp_path / "out" / "comparison.csv")
    assert [line["method"] for line in lines] == ["majority", "one-coin", "glad"]
    assert all(0.5 < float(line["accuracy"]) <= 1 for line in lines)
    told = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert told["same_consensus"][0][0] == told["same_order"][1][1] == pytest.approx(1)
    differ = rows(tmp_path / "out" / "disagreements.csv")
    assert 0 < len(differ) == told["disagreed"] < 150
    for line in differ:
        assert len({line[method] for method in ("majority", "one-coin", "glad")}) > 1
    same = 1 - sum(line["majority"] != line["glad"] for line in differ) / 150
    assert float(lines[2]["same_consensus"]) == pytest.approx(same, abs=1e-6)


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        ("item,class\n0,1\n", "line 1: the columns are item,class"),
        ("item,expression\n0,cow\n", "line 2: expression is 'cow'"),
    ],
)
def test_a_bad_truth_is_refused_by_line(tmp_path, capsys, truth, words):
    (tmp_path / "votes.csv").write_text(HEADER + "0,x,1\n0,y,2\n1,x,2\n")
    (tmp_path / "truth.csv").write_text(truth)
    asked = ["compare", str(tmp_path / "votes.csv"), "--truth", str(tmp_path / "truth.csv")]
    assert main([*asked, "--quiet"]) == 2
    assert words in capsys.readouterr().err
