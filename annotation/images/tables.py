"""FER+ style sets: a table with a picture's grey values in each row, and how many chose what.

Columns (in any order, any case): ``pixels`` (grey values with blanks between, a square), and either
the seven vote counts ``neutral … fear`` (with ``contempt``, ``unknown``, ``NF`` beside them) or
FER2013's ``emotion``; ``Usage`` and ``Image name`` where they are known. The counts may stand in a
second table with the same rows, as FER+ publishes them.
"""

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image as Pillow

from reliability.expressions import NAMES, Expression

from .sidecar import Given, Remark, Row, Sidecar, remark
from .sources import Archive, BadSource, Entry, Folder

MAX_TABLE_BYTES = 1 << 30
MAX_HELD_BYTES = 256 << 20
"""Of all pictures of a table together, a byte for each pixel; FER2013 has 83 MB."""
OTHERS = ("contempt", "unknown", "nf")
"""What FER+ lets people choose beyond the seven."""
USAGES = {"training": "train", "publictest": "train", "privatetest": "test",
          "train": "train", "test": "test"}  # fmt: skip
EMOTIONS = (
    Expression.ANGER, Expression.DISGUST, Expression.FEAR, Expression.HAPPINESS,
    Expression.SADNESS, Expression.SURPRISE, Expression.NEUTRAL,
)  # fmt: skip
"""FER2013's order of its labels 0–6."""
Cells = dict[str, str]


class PixelTable:
    """The pictures of a table as files ``fer0000000.png`` … , each with its votes or its label."""

    def __init__(self, source: Folder | Archive, table: str, counts: list[Cells]) -> None:
        self._source = source
        self._pictures: dict[str, bytes] = {}
        self._rows: dict[str, Row] = {}
        self._entries: list[Entry] = []
        self._remarks: list[Remark] = []
        n_held = 0
        for i, row in enumerate(_rows(source, table)):
            cells = row | (counts[i] if i < len(counts) else {})
            name = self._name(cells, i)
            grey = _grey(row.pop("pixels", ""))
            refusal = "" if grey else "its pixels are not a square of grey values"
            if counts and not cells.get("image name"):
                refusal = "the table of votes leaves it out"
            self._entries.append(Entry(name, refusal))
            if refusal:
                continue
            n_held += len(grey)
            if n_held > MAX_HELD_BYTES:
                raise BadSource(f"{table}: more than {MAX_HELD_BYTES >> 20} million pixels")
            self._pictures[name] = grey
            self._describe(name, cells)
        n = sum(row.given is not None for row in self._rows.values())
        self._remarks.insert(0, remark(table, f"read as a table of pixels: {n:,} with labels"))

    @classmethod
    def of(cls, source: Folder | Archive, tables: list[str]) -> "PixelTable | None":
        """The source as a table of pixels, or None where none of its tables is one."""
        headers = {name: _header(source, name) for name in tables}
        with_pixels = [name for name, header in headers.items() if "pixels" in header]
        if len(with_pixels) != 1:
            return None
        (table,) = with_pixels
        apart = [n for n, h in headers.items() if set(NAMES) <= set(h) and n != table]
        if set(NAMES) <= set(headers[table]) or len(apart) != 1:
            return cls(source, table, [])
        return cls(source, table, list(_rows(source, apart[0])))

    def entries(self) -> list[Entry]:
        return self._entries

    def read(self, name: str) -> bytes:
        """The picture as PNG: nothing is lost."""
        grey = np.frombuffer(self._pictures[name], dtype=np.uint8)
        side = math.isqrt(len(grey))
        sink = io.BytesIO()
        Pillow.fromarray(grey.reshape(side, side)).save(sink, "PNG")
        return sink.getvalue()

    def sidecar(self) -> Sidecar:
        return Sidecar(self._rows, self._remarks)

    def close(self) -> None:
        self._source.close()

    def _name(self, cells: Cells, i: int) -> str:
        name = cells.get("image name") or f"fer{i:07d}.png"
        taken = name in self._pictures or "/" in name or not name.isprintable()
        return f"{i:07d} {name}".replace("/", " ") if taken else name[:300]

    def _describe(self, name: str, cells: Cells) -> None:
        split = USAGES.get(cells.get("usage", "").strip().lower(), "")
        try:
            counts = _counts(cells)
            given = _given(cells, counts, split)
        except ValueError as error:
            self._remarks.append(remark(name, str(error)))
            given = None
        self._rows[name] = Row(given=given)


def _given(cells: Cells, counts: list[int] | None, split: str) -> Given | None:
    """What the table says of one picture; raises ``ValueError`` where that is no label."""
    if counts is not None:
        return Given(subset="", label=None, split=split, counts=counts)
    emotion = cells.get("emotion", "").strip()
    if not emotion:
        return None
    if not (emotion.isascii() and emotion.isdigit() and int(emotion) < len(EMOTIONS)):
        raise ValueError(f"emotion: {emotion[:20]!r} is not among 0 to {len(EMOTIONS) - 1}")
    return Given(subset="basic", label=int(EMOTIONS[int(emotion)]), split=split)


def _counts(cells: Cells) -> list[int] | None:
    """Votes in the paper's order; None without such columns. Raises ``ValueError``."""
    if not all(cells.get(name, "").strip() for name in NAMES):
        return None
    counts = [_count(cells, name) for name in NAMES]
    beyond = {name: _count(cells, name) for name in OTHERS if cells.get(name, "").strip()}
    most = max(beyond, key=lambda name: beyond[name], default="")
    if most and beyond[most] >= max(counts):
        raise ValueError(f"most people chose {most}, which is none of the seven: no label")
    if not any(counts):
        raise ValueError("nobody chose one of the seven: no label")
    return counts


def _count(cells: Cells, name: str) -> int:
    cell = cells[name].strip()
    if not (cell.isascii() and cell.isdigit() and len(cell) < 7):
        raise ValueError(f"{name}: {cell[:20]!r} is not a number of votes")
    return int(cell)


def _grey(cell: str) -> bytes:
    """The grey values of a square picture; empty where the cell is none."""
    try:
        values = bytes(map(int, cell.split()))
    except ValueError:
        return b""
    return values if values and math.isqrt(len(values)) ** 2 == len(values) else b""


def _header(source: Folder | Archive, name: str) -> list[str]:
    with _opened(source, name) as text:
        return [cell.strip().lower() for cell in next(csv.reader(text), [])]


def _rows(source: Folder | Archive, name: str) -> Iterator[Cells]:
    csv.field_size_limit(1 << 20)
    with _opened(source, name) as text:
        rows = csv.reader(text)
        try:
            header = [cell.strip().lower() for cell in next(rows, [])]
            for cells in rows:
                yield dict(zip(header, cells, strict=False))
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadSource(f"{name}, line {rows.line_num}: {error}") from None


def _opened(source: Folder | Archive, name: str) -> Any:
    return io.TextIOWrapper(source.open(name, MAX_TABLE_BYTES), encoding="utf-8-sig", newline="")
