"""The votes of a release, for recipes that learn from every vote instead of from a consensus."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reliability.expressions import N_EXPRESSIONS, NAMES
from training.errors import TrainingError


@dataclass(frozen=True)
class VoteTable:
    """The votes on a set of faces, padded with −1.

    ``annotators`` and ``votes`` (n_faces, most votes on one face) int64, indices into ``codes`` and
    into the seven expressions; ``start`` (n_annotators,) float32, the reliabilities to start from.
    """

    annotators: Tensor
    votes: Tensor
    start: Tensor
    codes: tuple[str, ...]

    def to(self, device: torch.device) -> "VoteTable":
        """The same votes on another device."""
        return VoteTable(
            self.annotators.to(device), self.votes.to(device), self.start.to(device), self.codes
        )


def read_votes(folder: Path, names: Sequence[str], start: float) -> VoteTable:
    """The release's ``votes.parquet`` or ``votes.csv`` for the faces called ``names``.

    An item is named like a face (``basic/train_00001.jpg``), with or without its ending, and
    without its subset where that is plain. Raises TrainingError where no face has a vote.
    """
    rows = list(_rows(folder))
    row_of = _row_of(names)
    per_face: list[list[tuple[int, int]]] = [[] for _ in names]
    codes = {code: i for i, code in enumerate(sorted({annotator for _, annotator, _ in rows}))}
    for item, annotator, expression in rows:
        face = row_of.get(item)
        if face is not None:
            per_face[face].append((codes[annotator], _expression(expression, item)))
    deepest = max((len(found) for found in per_face), default=0)
    if deepest == 0:
        raise TrainingError(
            "the release has votes, but none on its training faces: are items named alike?"
        )
    padded = torch.full((len(names), deepest, 2), -1, dtype=torch.int64)
    for face, found in enumerate(per_face):
        if found:
            padded[face, : len(found)] = torch.tensor(found)
    begin = torch.full((len(codes),), start)
    return VoteTable(padded[..., 0].clone(), padded[..., 1].clone(), begin, tuple(codes))


def _row_of(names: Sequence[str]) -> dict[str, int]:
    """Every spelling of a face's name, where it means one face only."""
    spellings: dict[str, int] = {}
    for spell in (lambda n: n, lambda n: n.rpartition(".")[0], lambda n: n.partition("/")[2],
                  lambda n: Path(n).stem):  # fmt: skip
        for row, name in enumerate(names):
            spellings.setdefault(spell(name), row)
    return spellings


def _rows(folder: Path) -> Iterable[tuple[str, str, str]]:
    if (folder / "votes.parquet").is_file():
        return _parquet_rows(folder / "votes.parquet")
    if (folder / "votes.csv").is_file():
        return _csv_rows(folder / "votes.csv")
    raise TrainingError(
        "the release holds no votes.parquet or votes.csv, which this recipe learns from"
    )


def _csv_rows(path: Path) -> Iterable[tuple[str, str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.DictReader(stream)
        missing = {"item", "annotator", "expression"} - set(table.fieldnames or ())
        if missing:
            raise TrainingError(f"{path.name} lacks the column {', '.join(sorted(missing))}")
        for row in table:
            yield row["item"], row["annotator"], row["expression"]


def _parquet_rows(path: Path) -> Iterable[tuple[str, str, str]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise TrainingError("votes.parquet needs the Python package pyarrow") from error
    columns = ["item", "annotator", "expression"]
    table = parquet.read_table(path, columns=columns)
    values = (table.column(name).to_pylist() for name in columns)
    return ((str(i), str(a), str(e)) for i, a, e in zip(*values, strict=True))


def _expression(text: str, item: str) -> int:
    """An expression by its name or its file label 1–7, as an index."""
    word = text.strip().lower()
    if word in NAMES:
        return NAMES.index(word)
    if word.isdecimal() and 1 <= int(word) <= N_EXPRESSIONS:
        return int(word) - 1
    raise TrainingError(
        f"a vote on {item} is {text!r}; it must be an expression or a label 1–{N_EXPRESSIONS}"
    )
