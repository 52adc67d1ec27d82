"""A manifest: a table of addresses with what is known of each photograph, CSV or JSON Lines.

``url`` is needed; the other columns are those of ``metadata.csv``. A line that cannot be right is
named with its number, and nothing is taken: a manifest is easily mended and sent again.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from annotation.fetching import Forbidden, Limits, checked
from annotation.images import sidecar

MAX_BYTES = 64 * 2**20
MAX_LINES = 200_000
MAX_PROBLEMS = 20
COLUMNS = ("url", *sidecar.COLUMNS)


class BadManifest(ValueError):
    """Not a manifest; the message names lines and columns."""


@dataclass(frozen=True)
class Line:
    """One photograph that a manifest names."""

    key: str
    url: str
    file_name: str
    described: dict[str, str]


def read(data: bytes, hosts: tuple[str, ...]) -> list[Line]:
    """The lines of a manifest; raises ``BadManifest`` with up to twenty problems."""
    if len(data) > MAX_BYTES:
        raise BadManifest(f"larger than {MAX_BYTES:,} bytes")
    try:
        text = sidecar.text_of(data, "manifest")
        rows = _json_lines(text) if text.lstrip().startswith("{") else _table(text)
        lines, problems = _lines(rows, Limits(hosts))
    except csv.Error as error:
        raise BadManifest(str(error)) from None
    except ValueError as error:
        raise BadManifest(str(error)) from None
    if problems:
        more = "" if len(problems) < MAX_PROBLEMS else "; and more"
        raise BadManifest("; ".join(problems[:MAX_PROBLEMS]) + more)
    if not lines:
        raise BadManifest("there is no line in it")
    return lines


Told = Iterator[tuple[int, dict[str, str]]]


def _table(text: str) -> Told:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [name.strip() for name in next(lines, [])]
    _check_columns(header)
    for cells in lines:
        if any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                raise BadManifest(
                    f"line {lines.line_num}: {len(cells)} cells, but {len(header)} columns"
                )
            yield lines.line_num, dict(zip(header, (c.strip() for c in cells), strict=True))


def _json_lines(text: str) -> Told:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            told: Any = json.loads(line)
        except (ValueError, RecursionError):
            raise BadManifest(f"line {number}: not JSON") from None
        if not isinstance(told, dict):
            raise BadManifest(f"line {number}: not an object")
        _check_columns(list(told), f"line {number}: ")
        wrong = [k for k, v in told.items() if not isinstance(v, str | int | float | None)]
        if wrong:
            raise BadManifest(f"line {number}: {wrong[0]} is neither text nor a number")
        yield number, {k: "" if v is None else str(v).strip() for k, v in told.items()}


def _check_columns(header: list[str], where: str = "") -> None:
    if "url" not in header:
        raise BadManifest(f"{where}there is no column url; it has {', '.join(header)[:200]}")
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise BadManifest(
            f"{where}unknown column {', '.join(map(repr, unknown))[:200]}; "
            f"known are {', '.join(COLUMNS)}"
        )
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise BadManifest(f"{where}column {', '.join(doubled)} stands twice")


def _lines(rows: Told, limits: Limits) -> tuple[list[Line], list[str]]:
    lines: dict[str, Line] = {}
    names: set[str] = set()
    problems: list[str] = []
    for number, told in rows:
        if len(lines) >= MAX_LINES:
            raise BadManifest(f"more than {MAX_LINES:,} lines; send it in parts")
        if len(problems) >= MAX_PROBLEMS:
            break
        url = told.pop("url", "")
        try:
            checked(url, limits)
        except Forbidden as error:
            problems.append(f"line {number}: url: {error}")
            continue
        _, wrong = sidecar.row_of(told)
        problems += [f"line {number}: {problem}" for problem in wrong]
        line = _line(url, told, names)
        lines.setdefault(line.key, line)
    return list(lines.values()), problems


def _line(url: str, told: dict[str, str], names: set[str]) -> Line:
    key = f"url:{hashlib.sha256(url.encode()).hexdigest()[:64]}"
    wanted = sidecar.plain_name(told.pop("file_name", "")) or _name_in(url) or key[4:20]
    name = wanted[:250]
    if name in names:
        name = f"{key[4:20]}_{name}"
    names.add(name)
    described = {k: v for k, v in told.items() if v}
    described.setdefault("source_url", url)
    return Line(key, url, name, described)


def _name_in(url: str) -> str:
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    return name if name.isprintable() and "/" not in name else ""
