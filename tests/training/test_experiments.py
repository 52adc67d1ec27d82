"""The paper's experiments: folds, balance, tables, and what the print got wrong."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.patterns import TINY, write_release
from training import maps, paper, tables
from training.__main__ import main
from training.cross import balanced
from training.errors import TrainingError
from training.experiments import Study
from training.folds import by_person, read_persons
from training.presets import Preset
from training.reproduce import reproduce
from training.tables import Cell, Table

PRESET = Preset("tiny", "For tests", 2, "coarse", {**TINY, "epochs": 1, "slim": 0.03})


def is_a_share_of_the_test_faces(percent: float, expression: int) -> bool:
    """Whether a printed recall is some whole number of that class's test faces."""
    n = paper.TEST_COUNTS[expression]
    return min(abs(100 * i / n - percent) for i in range(n + 1)) < 0.0056


@pytest.mark.parametrize("row", paper.TABLE_4)
def test_every_mended_recall_is_a_share_of_its_classs_test_faces(row: tuple[str, str]) -> None:
    recalls = paper.TABLE_4[row][:7]
    for percent, expression in zip(recalls, paper.PRINTED_ORDER, strict=True):
        assert is_a_share_of_the_test_faces(percent, expression)
    assert np.mean(recalls) == pytest.approx(paper.TABLE_4[row][7], abs=0.006)


def test_the_print_has_slips_in_three_rows_only() -> None:
    """The control: as printed, these rows name shares that no whole number of faces has."""
    wrong = {
        row
        for row, printed in paper._PRINTED_4.items()
        if not all(map(is_a_share_of_the_test_faces, printed[:7], paper.PRINTED_ORDER))
    }
    assert wrong == set(paper._MENDED)


def test_folds_keep_people_apart_and_classes_even() -> None:
    labels = np.tile(np.arange(7), 20)
    people = [f"p{i // 7}" for i in range(140)]
    fold = by_person(labels, people, seed=3)
    for person in set(people):
        assert len({f for f, p in zip(fold, people, strict=True) if p == person}) == 1
    assert np.bincount(fold).tolist() == [28] * 5
    assert not np.array_equal(fold, by_person(labels, people, seed=4))
    with pytest.raises(TrainingError, match="5 folds need as many people; there are 4"):
        by_person(labels[:28], people[:28], seed=0)


def test_a_face_that_nobody_lists_is_a_person_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "persons.csv").write_text("item,person\nbasic/train_00001.jpg,p1\n")
    names = ["basic/train_00001.jpg", "basic/train_00002.jpg"]
    assert read_persons(tmp_path, names) == ("p1", "basic/train_00002.jpg")
    (tmp_path / "persons.csv").write_text("item,who\n")
    with pytest.raises(TrainingError, match=r"persons.csv lacks the column person"):
        read_persons(tmp_path, names)


def test_databases_are_cut_to_equal_classes() -> None:
    wild, lab = np.repeat(np.arange(7), [9, 4, 5, 50, 9, 9, 30]), np.tile(np.arange(7), 6)
    rows = balanced([wild, lab], seed=0)
    counts = [
        np.bincount(x[r], minlength=7).tolist() for x, r in zip((wild, lab), rows, strict=True)
    ]
    assert counts == [[6, 4, 5, 6, 6, 6, 0]] * 2
    assert all(len(set(r)) == len(r) for r in rows)
    with pytest.raises(TrainingError, match="0 faces of Fear"):
        balanced([wild[wild != 1], lab], seed=0)


def test_a_table_reads_the_same_in_markdown_csv_and_latex() -> None:
    cells = (Cell((70.0, 72.0), 74.2), Cell((50.0,)), Cell((), 95.78))
    table = Table("t", "A & B", (("method",), ("x", "y", "z")), [(("DLP_1",), cells)], ("Note.",))
    assert "| DLP_1 | 71.0 ± 12.7 (74.20) | 50.0 | – (95.78) |" in tables.markdown(table)
    rows = list(csv.DictReader(io.StringIO(tables.comma_separated(table))))
    assert [r["mean"] for r in rows] == ["71.0000", "50.0000", ""]
    assert [r["seeds"] for r in rows] == ["2", "1", "0"]
    tex = tables.latex(table)
    assert r"DLP\_1 & 71.0 $\pm$ 12.7 & 50.0 & -- \\" in tex
    assert r"\caption{A \& B}" in tex
    assert "(74.20) &  & (95.78)" in tex


@pytest.fixture(scope="module")
def pair(release: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A "wild" release with a compound subset, and a "laboratory" with other faces."""
    folder = tmp_path_factory.mktemp("pair")
    wild = write_release(folder / "wild", n_train=8, n_test=2, seed=1)
    other = write_release(folder / "other", n_train=8, n_test=2, seed=2)
    (other / "basic").rename(wild / "compound")
    return wild, release


def test_one_command_makes_every_table_and_figure_and_goes_on_where_it_was(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    said: list[str] = []
    preset = replace(PRESET, seeds=1)
    study = Study(tmp_path, preset, "cpu", said.append)
    reproduce(study, *pair, only=["table4", "figure1"])
    assert sum("finished: mean diagonal" in line for line in said) == 5 + 2
    said.clear()
    reproduce(study, *pair, only=["table5", "figure4"])
    assert not any("finished" in line for line in said)
    report = (tmp_path / "report.md").read_text()
    for part in ("Table 4", "Table 5", "figures/figure1.svg", "figures/figure4.svg", "curves.svg"):
        assert part in report
    assert "(74.20)" in (tmp_path / "table4.md").read_text()
    assert "<image" in (tmp_path / "figures" / "figure1.svg").read_text()  # faces on the map
    before = (tmp_path / "table4.csv").read_bytes()
    said.clear()
    reproduce(Study(tmp_path, preset, "cpu", said.append), *pair, only=["table4"])
    assert (tmp_path / "table4.csv").read_bytes() == before
    assert not any("finished" in line for line in said)


def test_a_folder_of_other_experiments_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    Study(tmp_path, PRESET, "cpu").open(wild=pair[0], lab=pair[1])
    with pytest.raises(TrainingError, match="another preset or other data"):
        Study(tmp_path, PRESET, "cpu").open(wild=pair[1], lab=pair[0])


def test_compare_sets_recipes_beside_hog(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = tmp_path / "tiny.toml"
    fields = "\n".join(f"{k} = {str(v).lower()}" for k, v in PRESET.recipe.items())
    preset.write_text(f'summary = "x"\nseeds = 2\ngrid = "coarse"\n[recipe]\n{fields}\n')
    arguments = ["--data", str(release), "--out", str(tmp_path / "out"), "--preset", str(preset)]
    assert main(["compare", *arguments, "--recipes", "softmax", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "| HOG + SVM |" in shown
    assert "| softmax |" in shown
    assert main(["compare", *arguments, "--seeds", "0"]) == 2
    assert "--seeds is 0; it must be 1 or more" in capsys.readouterr().err


def test_curves_of_more_recipes_than_colours_can_be_told_apart(tmp_path: Path) -> None:
    lines = "\n".join(f'{{"epoch": {e}, "loss": 1.0, "val_mean_diagonal": 0.5}}' for e in (1, 2))
    for i in range(9):
        (tmp_path / f"r{i}").mkdir()
        (tmp_path / f"r{i}" / "metrics.jsonl").write_text(lines)
    maps.histories(tmp_path / "h.svg", {f"recipe {i}": [tmp_path / f"r{i}"] for i in range(9)})
    drawn = (tmp_path / "h.svg").read_text()
    assert drawn.count("stroke-dasharray") >= 2 * 2  # the eighth and the ninth, in both panels
