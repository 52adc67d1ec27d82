"""Votes cut by image into folders of arrays, each small enough for one process.

    shards/manifest.json            n_annotators, class_names, votes and items of each shard
    shards/annotators.txt           one name a line
    shards/00000/items.txt          one name a line
    shards/00000/item.npy …         the three arrays of ``Votes``, sorted, read through a memory map

The file may be larger than memory: it is read in blocks, and only one shard at a time is sorted.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability.expressions import NAMES
from reliability.votes import Votes
from reliability.votes_file import COLUMNS, OPTIONAL, sort_key

_BLOCK_BYTES = 16 << 20
_ARRAYS = ("item", "annotator", "expression")


@dataclass(frozen=True)
class Shard:
    """The votes of some of the images, over all people."""

    votes: Votes
    item_names: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What all shards share."""

    annotator_names: tuple[str, ...]
    class_names: tuple[str, ...]
    n_shards: int


def cut(votes: Votes, folder: str | Path, n_shards: int) -> None:
    """Write votes that are in memory as ``n_shards`` ranges of items with about as many votes."""
    folder = Path(folder)
    start = votes.by_item.start
    edges = np.searchsorted(start, np.linspace(0, start[-1], n_shards + 1)[1:-1])
    bounds = [0, *(int(edge) for edge in edges), votes.n_items]
    item = np.repeat(np.arange(votes.n_items), votes.votes_per_item)
    for k in range(n_shards):
        low, high = bounds[k], bounds[k + 1]
        mine = slice(int(start[low]), int(start[high]))
        arrays = (item[mine] - low, votes.by_item.annotator[mine], votes.by_item.expression[mine])
        _save(folder / f"{k:05d}", arrays, [str(j) for j in range(low, high)])
    people = [str(i) for i in range(votes.n_annotators)]
    _tell(folder, people, tuple(map(str, range(votes.n_classes))), n_shards)


def cut_file(
    source: str | Path, folder: str | Path, n_shards: int, classes: tuple[str, ...] = NAMES
) -> None:
    """Cut a votes file of any length; ``classes`` in order, named or counted from 1 in the file.

    An item's shard follows from its name. Raises ValueError naming line, column and value, or the
    items and people of a vote that is there twice. Memory: a block, one shard, people's names.
    """
    import pyarrow as pa

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    place = {str(n + 1): n for n in range(len(classes))} | {c: n for n, c in enumerate(classes)}
    people: dict[str, int] = {}
    schema = pa.schema([("item", pa.string()), ("annotator", pa.int32()), ("vote", pa.int8())])
    paths = [folder / f"{k:05d}.arrow" for k in range(n_shards)]
    writers = [pa.ipc.new_stream(str(path), schema) for path in paths]
    first_line = 2
    for block in _blocks(Path(source)):
        items, person, expression = block
        vote = _codes(expression, place, first_line, classes)
        for name in person.dictionary.to_pylist():
            people.setdefault(name, len(people))
        who = np.array([people[name] for name in person.dictionary.to_pylist()], dtype=np.int32)
        home = [zlib.crc32(name.encode()) % n_shards for name in items.dictionary.to_pylist()]
        shard = np.array(home)[items.indices.to_numpy()]
        rows = pa.table(
            [items.cast(pa.string()), who[person.indices.to_numpy()], vote], schema=schema
        )
        for k, writer in enumerate(writers):
            writer.write_table(rows.filter(pa.array(shard == k)))
        first_line += len(vote)
    for writer in writers:
        writer.close()
    if first_line == 2:
        raise ValueError(f"{Path(source).name} has no votes")
    names = list(people)
    order = sorted(range(len(names)), key=sort_key(tuple(names)))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    for k, path in enumerate(paths):
        _sort_one(path, folder / f"{k:05d}", rank, [names[i] for i in order])
        path.unlink()
    _tell(folder, [names[i] for i in order], classes, n_shards)


def join(parts: list[Path], folder: str | Path) -> None:
    """Make one folder of several with the same people and classes, by moving their shards."""
    shared = [manifest(part) for part in parts]
    if len({(one.annotator_names, one.class_names) for one in shared}) != 1:
        raise ValueError("the folders do not have the same annotators and classes")
    n_shards = 0
    for part, told in zip(parts, shared, strict=True):
        for k in range(told.n_shards):
            (part / f"{k:05d}").rename(Path(folder) / f"{n_shards:05d}")
            n_shards += 1
    _tell(Path(folder), list(shared[0].annotator_names), shared[0].class_names, n_shards)


def manifest(folder: str | Path) -> Manifest:
    """What a folder of shards says of itself."""
    told = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    people = _lines(Path(folder) / "annotators.txt")
    return Manifest(people, tuple(told["class_names"]), int(told["n_shards"]))


def open_shards(folder: str | Path, chosen: range) -> Shard:
    """The shards of that number as one; a single one stays on disk, behind a memory map."""
    told = manifest(folder)
    parts = [Path(folder) / f"{k:05d}" for k in chosen]
    names = [_lines(part / "items.txt") for part in parts]
    columns: list[list[NDArray[Any]]] = [
        [np.asarray(np.load(part / f"{name}.npy", mmap_mode="c")) for part in parts]
        for name in _ARRAYS
    ]
    if len(parts) == 1:
        arrays = [column[0] for column in columns]
    else:
        first = np.cumsum([0, *map(len, names)])[: len(parts)]
        columns[0] = [one + at for one, at in zip(columns[0], first, strict=True)]
        none = [np.zeros(0, dtype=np.int32)]
        arrays = [np.concatenate(column or none) for column in columns]
    votes = Votes(
        *arrays, n_items=sum(map(len, names)), n_annotators=len(told.annotator_names),
        n_classes=len(told.class_names),
    )  # fmt: skip
    return Shard(votes, tuple(name for part in names for name in part))


def _blocks(source: Path) -> Iterator[tuple[Any, Any, Any]]:
    """The three columns of one block after another, dictionary-encoded."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    text = pa.dictionary(pa.int32(), pa.string())
    try:
        reader = arrow.open_csv(
            source,
            read_options=arrow.ReadOptions(block_size=_BLOCK_BYTES),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(COLUMNS, text), strings_can_be_null=False
            ),
        )
        names = reader.schema.names
        if set(names) - set(OPTIONAL) != set(COLUMNS) or len(set(names)) != len(names):
            raise ValueError(
                f"line 1: the columns are {','.join(names)}; needed are {','.join(COLUMNS)},"
                f" allowed besides {','.join(OPTIONAL)}"
            )
        for batch in reader:
            yield tuple(batch.column(name) for name in COLUMNS)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{source.name}: {error}") from error


def _codes(
    column: Any, place: dict[str, int], first_line: int, classes: tuple[str, ...]
) -> NDArray[np.int8]:
    index, names = column.indices.to_numpy(), column.dictionary.to_pylist()
    for n, name in enumerate(names):
        if name not in place and name.lower() not in place:
            line = first_line + int(np.argmax(index == n))
            raise ValueError(
                f"line {line}: expression is {name!r}, not one of {','.join(classes)}"
                f" nor 1–{len(classes)}"
            )
    codes = np.array([place.get(n, place.get(n.lower(), 0)) for n in names], dtype=np.int8)
    return np.asarray(codes[index])


def _sort_one(path: Path, folder: Path, rank: NDArray[np.int32], people: list[str]) -> None:
    """One shard's rows, sorted by item and annotator, as arrays."""
    import pyarrow as pa

    table = pa.ipc.open_stream(str(path)).read_all()
    encoded = table.column("item").combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=sort_key(tuple(names)))
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    item = place[encoded.indices.to_numpy()]
    annotator = rank[table.column("annotator").to_numpy()]
    at = np.lexsort((annotator, item))
    item, annotator = item[at], annotator[at]
    again = np.flatnonzero((np.diff(item) == 0) & (np.diff(annotator) == 0))
    if len(again):
        who, what = people[annotator[again[0]]], names[order[item[again[0]]]]
        raise ValueError(f"annotator {who!r} votes on item {what!r} more than once")
    vote = table.column("vote").to_numpy()[at]
    _save(folder, (item, annotator, vote), [names[i] for i in order])


def _save(folder: Path, arrays: tuple[Any, Any, Any], names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array, kind in zip(_ARRAYS, arrays, (np.int32, np.int32, np.int8), strict=True):
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array, dtype=kind))
    (folder / "items.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _tell(folder: Path, people: list[str], classes: tuple[str, ...], n_shards: int) -> None:
    text = "".join(f"{name}\n" for name in people)
    (folder / "annotators.txt").write_text(text, encoding="utf-8")
    told = {"n_shards": n_shards, "class_names": list(classes)}
    (folder / "manifest.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").split("\n")[:-1])
