"""``metadata.csv``: what is known of the photographs beside it. Read, checked, never trusted.

Only ``file_name`` is needed. A cell that cannot be right is named in the report and left out; the
photograph is taken all the same. Unknown columns are named, not obeyed.
"""

import codecs
import csv
import io
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from .pictures import Face

NAME = "metadata.csv"
MAX_BYTES = 256 * 2**20
MAX_TEXT = 2_000
BOX = ("x_min", "y_min", "x_max", "y_max")
LANDMARKS = tuple(
    f"{point}_{axis}"
    for point in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    for axis in "xy"
)
ATTRIBUTES = {"gender": 2, "race": 2, "age": 4}
"""Columns of numbers from 0 to this (``FORMATS.md``)."""
TEXTS = (
    "keyword", "source_url", "owner", "licence", "title", "tags", "photo_id", "fetched_at",
    "subject",
)  # fmt: skip
"""Of the photograph; ``subject`` names the person shown, whose images stay in one split."""
COLUMNS = ("file_name", *BOX, *LANDMARKS, *ATTRIBUTES, *TEXTS)
Remark = dict[str, str]


@dataclass(frozen=True)
class Given:
    """The label that a file came with. ``label`` is 0-based within ``basic`` or ``compound``.

    ``counts`` are raw votes and ``distribution`` shares for the seven expressions, ``split`` is
    ``train`` or ``test``, ``name`` the official file name, ``texts`` its annotation files word for
    word; each may be unknown.
    """

    subset: str = ""
    label: int | None = None
    split: str = ""
    name: str = ""
    counts: list[int] | None = None
    distribution: list[float] | None = None
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What the sidecar says of one file, with what could not be right left out."""

    face: Face = field(default_factory=Face)
    attributes: dict[str, int] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)
    given: Given | None = None


@dataclass(frozen=True)
class Sidecar:
    """Rows by file name, and remarks for the report."""

    rows: dict[str, Row] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def missing(self, names: Iterable[str]) -> list[Remark]:
        """A remark for each row whose file did not come."""
        absent = sorted(self.rows.keys() - set(names))
        return [remark(name, "metadata.csv describes it, but there is no such file")
                for name in absent]  # fmt: skip


def read(data: bytes) -> Sidecar:
    """Read the table; raises ``ValueError`` where it is no table of this kind at all."""
    lines = csv.reader(io.StringIO(text_of(data, NAME), newline=""), strict=True)
    csv.field_size_limit(1_000_000)
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(header)
        rows: dict[str, Row] = {}
        remarks = [remark(NAME, f"unknown column {name!r} was not read")
                   for name in header if name not in COLUMNS]  # fmt: skip
        for cells in lines:
            if any(cell.strip() for cell in cells):
                _take(header, cells, lines.line_num, rows, remarks)
    except csv.Error as error:
        raise ValueError(f"{NAME}, line {lines.line_num}: {error}") from None
    return Sidecar(rows, remarks)


def plain_name(name: str) -> str:
    """One spelling for one file, whatever system wrote it."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/")).removeprefix("./")


def text_of(data: bytes, name: str) -> str:
    """The text of a table that people saved with whatever program; ``ValueError`` if it is none."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name}: larger than {MAX_BYTES:,} bytes")
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name}: not UTF-8 (byte {error.start}); save it as “CSV UTF-8”"
        ) from None
    if "\x00" in text:
        raise ValueError(f"{name}: holds zero bytes; it is not a text file")
    return text


def _check_header(header: list[str]) -> None:
    if "file_name" not in header:
        raise ValueError(f"{NAME}: its first line has no column file_name")
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise ValueError(f"{NAME}: column {', '.join(doubled)} stands twice")


def _take(
    header: list[str], cells: list[str], line: int, rows: dict[str, Row], remarks: list[Remark]
) -> None:
    """Put one line among the rows, or say why not."""
    told = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    name = plain_name(told.get("file_name", ""))
    where = name or NAME
    if len(cells) != len(header):
        remarks.append(remark(where, f"line {line}: {len(cells)} cells, not {len(header)}"))
    elif not name:
        remarks.append(remark(where, f"line {line}: file_name is empty"))
    elif name in rows:
        remarks.append(remark(where, f"line {line}: described a second time; the first counts"))
    else:
        rows[name], problems = row_of(told)
        remarks.extend(remark(where, f"line {line}: {problem}") for problem in problems)


def row_of(told: dict[str, str]) -> tuple[Row, list[str]]:
    """The cells of one line, checked, and what was wrong with those left out."""
    problems: list[str] = []
    box = _numbers(told, BOX, "box", problems)
    points = _numbers(told, LANDMARKS, "landmarks", problems)
    face = Face(
        box=None if box is None else (box[0], box[1], box[2], box[3]),
        landmarks=None if points is None else tuple(zip(points[::2], points[1::2], strict=True)),
    )
    attributes = {
        name: value
        for name, most in ATTRIBUTES.items()
        if (value := _choice(told.get(name, ""), name, most, problems)) is not None
    }
    provenance = {
        name: text
        for name in TEXTS
        if (text := _provenance(told.get(name, ""), name, problems)) is not None
    }
    return Row(face, attributes, provenance), problems


def _numbers(
    told: dict[str, str], names: tuple[str, ...], what: str, problems: list[str]
) -> list[float] | None:
    """All numbers of a group; None where the group is empty or cannot be right."""
    cells = [told.get(name, "") for name in names]
    if not any(cells):
        return None
    values = []
    for name, cell in zip(names, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            problems.append(f"{what}: {name} is {cell!r}, not a number")
            return None
        values.append(value)
    return values


def _choice(cell: str, name: str, most: int, problems: list[str]) -> int | None:
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and len(cell) < 4 and int(cell) <= most):
        problems.append(f"{name}: {cell[:40]!r} is not among 0 to {most}")
        return None
    return int(cell)


def _provenance(cell: str, name: str, problems: list[str]) -> str | None:
    if not cell:
        return None
    if len(cell) > MAX_TEXT:
        problems.append(f"{name}: longer than {MAX_TEXT:,} signs")
        return None
    if name == "source_url" and not cell.lower().startswith(("https://", "http://")):
        problems.append("source_url: does not begin with https:// or http://")
        return None
    return "".join(sign for sign in cell if sign.isprintable() or sign == "\n")


def remark(file: str, why: str) -> Remark:
    """A line of the import's report about what the sidecar says of a file."""
    return {"file": file[:300], "what": "row", "why": why}
