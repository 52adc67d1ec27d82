"""A drawn database reads like a release; the laboratory keeps its people apart."""

import csv
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation.study.database import Database, write
from annotation.study.faces import Style
from training.data import read_release
from training.folds import read_persons


def test_laboratory_has_every_expression_of_every_person_and_splits_by_person(
    tmp_path: Path,
) -> None:
    write(Database(Style.LAB, count=3, seed=4), tmp_path / "lab")
    read = read_release(tmp_path / "lab", 32)
    assert (len(read.train), len(read.test)) == (14, 7)
    assert read.train.labels.bincount().tolist() == [2] * 7
    people = [set(read_persons(tmp_path / "lab", part.names)) for part in (read.train, read.test)]
    assert people == [{"p001", "p002"}, {"p003"}]


def test_wild_faces_have_votes_and_distributions(tmp_path: Path) -> None:
    call_command("draw_database", str(tmp_path / "wild"), count=60, seed=4)
    read = read_release(tmp_path / "wild", 32)
    assert 20 < len(read.train) + len(read.test) <= 60
    with (tmp_path / "wild" / "votes.csv").open(newline="") as file:
        items = [row["item"] for row in csv.DictReader(file)]
    assert items.count(read.train.names[0]) == 40
    assert float(read.train.distributions.max(dim=1).values.min()) < 1.0


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lab" / "kept").mkdir(parents=True)
    with pytest.raises(CommandError, match="exists; choose another folder"):
        call_command("draw_database", str(tmp_path / "lab"), style="lab", count=2)
    assert [p.name for p in (tmp_path / "lab").iterdir()] == ["kept"]
