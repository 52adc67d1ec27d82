"""Reading ``votes.csv``: names become integers, and what is wrong is named by its line."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability.expressions import NAMES
from reliability.votes import Votes

COLUMNS = ("item", "annotator", "expression")
OPTIONAL = ("voted_at", "response_ms")


@dataclass(frozen=True)
class NamedVotes:
    """The votes with the names behind their integers.

    Names are in order (as numbers where all are whole numbers), so that the same votes in any
    order of lines give the same arrays.
    """

    votes: Votes
    item_names: tuple[str, ...]
    annotator_names: tuple[str, ...]
    class_names: tuple[str, ...]


def read_votes(path: str | Path, classes: tuple[str, ...] | None = None) -> NamedVotes:
    """The votes of a file whose header is ``item,annotator,expression``.

    ``classes`` lists the classes in order; a vote names one, or counts from 1. Without it they are
    those found, and the seven expressions in the paper's order where all are such names.
    Raises ValueError naming line, column and value. Cost: 0.6 s for 1.2 million lines.
    """
    columns = _fast(path) or _careful(path)
    if len(columns[0].names) == 0:
        raise ValueError(f"{Path(path).name} has no votes")
    for name, column in zip(COLUMNS, columns, strict=True):
        if "" in column.names:
            line = int(np.argmax(column.index == column.names.index(""))) + 2
            raise ValueError(f"line {line}: column {name} is empty")
    item, annotator = columns[0].in_order(), columns[1].in_order()
    class_names, expression = _classes(columns[2], classes)
    try:
        votes = Votes(
            item.index, annotator.index, expression, n_items=len(item.names),
            n_annotators=len(annotator.names), n_classes=len(class_names),
        )  # fmt: skip
    except ValueError as error:
        raise _named(error, item, annotator) from error
    return NamedVotes(votes, item.names, annotator.names, class_names)


def read_truth(path: str | Path, named: NamedVotes) -> dict[int, int]:
    """The class of items where it is known, from a file whose header is ``item,expression``.

    Items without votes are passed over. Raises ValueError naming line and value.
    """
    item = {name: j for j, name in enumerate(named.item_names)}
    classes = named.class_names
    place = {str(n + 1): n for n in range(len(classes))} | {c: n for n, c in enumerate(classes)}
    found: dict[int, int] = {}
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        if header != ["item", "expression"]:
            raise ValueError(f"line 1: the columns are {','.join(header)}, not item,expression")
        for cells in lines:
            if len(cells) != 2:
                raise ValueError(f"line {lines.line_num}: {len(cells)} cells, not 2")
            if cells[1] not in place:
                raise ValueError(
                    f"line {lines.line_num}: expression is {cells[1]!r}, not one of"
                    f" {','.join(classes)} nor 1–{len(classes)}"
                )
            if cells[0] in item:
                found[item[cells[0]]] = place[cells[1]]
    return found


@dataclass(frozen=True)
class _Column:
    """Text as integers into its distinct values."""

    index: NDArray[np.int32]
    names: tuple[str, ...]

    def in_order(self) -> "_Column":
        order = sorted(range(len(self.names)), key=sort_key(self.names))
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return _Column(rank[self.index], tuple(self.names[i] for i in order))


def sort_key(names: tuple[str, ...]) -> Callable[[int], Any]:
    """What to sort positions by so that names are in order: as numbers where all are such."""
    if all(name.isascii() and name.isdecimal() for name in names):
        return lambda i: (int(names[i]), names[i])
    return lambda i: names[i]


def _fast(path: str | Path) -> tuple[_Column, ...] | None:
    """The three columns by Arrow, or None where anything is unusual."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    text = pa.dictionary(pa.int32(), pa.string())
    try:
        table = arrow.read_csv(
            path,
            parse_options=arrow.ParseOptions(ignore_empty_lines=False),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(COLUMNS, text), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    names = table.column_names
    if set(names) - set(OPTIONAL) != set(COLUMNS) or len(set(names)) != len(names):
        return None
    found = []
    for name in COLUMNS:
        column = table.column(name).combine_chunks()
        if not pa.types.is_dictionary(column.type):
            return None
        found.append(_Column(column.indices.to_numpy(), tuple(column.dictionary.to_pylist())))
    return tuple(found)


def _careful(path: str | Path) -> tuple[_Column, ...]:
    """The three columns line by line, naming the first line that is wrong."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from error
    lines = csv.reader(io.StringIO(text, newline=""))
    header = next(lines, [])
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in COLUMNS + OPTIONAL]
    if missing or unknown or len(set(header)) != len(header):
        raise ValueError(
            f"line 1: the columns are {','.join(header) or '(none)'}; needed are"
            f" {','.join(COLUMNS)}, allowed besides {','.join(OPTIONAL)}"
        )
    places = [header.index(name) for name in COLUMNS]
    seen: list[dict[str, int]] = [{}, {}, {}]
    index: list[list[int]] = [[], [], []]
    for cells in lines:
        if len(cells) != len(header):
            raise ValueError(f"line {lines.line_num}: {len(cells)} cells, not {len(header)}")
        for k, place in enumerate(places):
            index[k].append(seen[k].setdefault(cells[place], len(seen[k])))
    return tuple(
        _Column(np.array(index[k], dtype=np.int32), tuple(seen[k])) for k in range(len(COLUMNS))
    )


def _classes(
    column: _Column, classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The names of the classes, and each vote as an integer into them."""
    if classes is None:
        lower = [name.lower() for name in column.names]
        if not set(lower) <= set(NAMES):
            found = column.in_order()
            if len(found.names) < 2:
                raise ValueError(
                    f"all votes are {found.names[0]!r}: say which classes there are (--classes)"
                )
            return found.names, found.index
        classes, column = NAMES, _Column(column.index, tuple(lower))
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise ValueError(f"classes is {','.join(classes)}: at least two, all different, are needed")
    place = {str(n + 1): n for n in range(len(classes))} | {c: n for n, c in enumerate(classes)}
    for n, name in enumerate(column.names):
        if name not in place:
            line = int(np.argmax(column.index == n)) + 2
            raise ValueError(
                f"line {line}: expression is {name!r}, not one of {','.join(classes)}"
                f" nor 1–{len(classes)}"
            )
    return classes, np.array([place[n] for n in column.names], dtype=np.int32)[column.index]


def _named(error: ValueError, item: _Column, annotator: _Column) -> ValueError:
    """The refusal of a repeated vote in the words of the file."""
    from reliability.votes import repeated_vote

    try:
        first, second = repeated_vote(item.index, annotator.index)
    except ValueError:  # nothing is repeated: the error was about something else
        return error
    return ValueError(
        f"line {second + 2}: {annotator.names[annotator.index[second]]!r} votes on"
        f" {item.names[item.index[second]]!r} again, after line {first + 2}"
    )
