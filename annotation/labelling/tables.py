"""Votes as a table (``votes.csv``) from elsewhere: read with every doubt named."""

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

import numpy as np

from annotation.people.models import Membership, Project, Role
from reliability.expressions import NAMES

from .errors import VotesRefused

REQUIRED = ("item", "annotator", "expression")
OPTIONAL = ("voted_at", "response_ms")
MAX_RESPONSE_MS = 2**31 - 1


@dataclass
class VoteTable:
    """Columns of one length, in the file's order."""

    image_ids: Any = field(default_factory=list)
    annotator_ids: Any = field(default_factory=list)
    expressions: Any = field(default_factory=list)
    response_ms: Any = None
    voted_at: list[str] | None = None


def read_votes(project: Project, stream: IO[bytes]) -> VoteTable:
    """Read ``votes.csv`` (UTF-8, with or without a byte order mark).

    Items are uids or file names, annotators codes, expressions names or 1–7. Raises
    ``VotesRefused`` naming line, column and value.
    """
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise VotesRefused(
            f"The file is not UTF-8: {error.reason} at byte {error.start}."
        ) from None
    rows = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(rows, [])]
    _check_header(header)
    images = _images(project)
    people = _people(project)
    table = VoteTable(voted_at=[] if "voted_at" in header else None)
    response: list[int | None] = []
    seen: set[tuple[int, int]] = set()
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise VotesRefused(f"line {rows.line_num}: {len(row)} cells, expected {len(header)}.")
        cells = dict(zip(header, row, strict=True))
        image = _known(images, cells, "item", rows.line_num)
        person = _known(people, cells, "annotator", rows.line_num)
        if (image, person) in seen:
            raise VotesRefused(
                f"line {rows.line_num}: annotator {cells['annotator']} votes twice on "
                f"item {cells['item']}."
            )
        seen.add((image, person))
        table.image_ids.append(image)
        table.annotator_ids.append(person)
        table.expressions.append(_expression(cells["expression"], rows.line_num))
        response.append(_milliseconds(cells.get("response_ms", ""), rows.line_num))
        if table.voted_at is not None:
            table.voted_at.append(_moment(cells["voted_at"], rows.line_num))
    if not table.image_ids:
        raise VotesRefused("The file holds no vote.")
    return VoteTable(
        np.array(table.image_ids),
        np.array(table.annotator_ids),
        np.array(table.expressions),
        np.array(response, dtype=object) if "response_ms" in header else None,
        table.voted_at,
    )


def _check_header(header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown or len(set(header)) != len(header):
        raise VotesRefused(
            f"line 1: the columns must be {', '.join(REQUIRED)} and may be {', '.join(OPTIONAL)}, "
            f"each once; found {', '.join(header) or 'nothing'}."
        )


def _images(project: Project) -> dict[str, int]:
    known: dict[str, int] = {}
    for pk, uid, name in project.images.values_list("pk", "uid", "file_name"):
        known[str(uid)] = pk
        known.setdefault(name, pk)
    return known


def _people(project: Project) -> dict[str, int]:
    rows = Membership.objects.filter(project=project, role=Role.ANNOTATOR)
    return dict(rows.values_list("code", "pk"))


def _known(known: dict[str, int], cells: dict[str, str], column: str, line: int) -> int:
    try:
        return known[cells[column]]
    except KeyError:
        raise VotesRefused(
            f"line {line}: {column} {cells[column]!r} is not known in this project."
        ) from None


def _expression(cell: str, line: int) -> int:
    word = cell.strip().lower()
    if word in NAMES:
        return NAMES.index(word)
    if word in {"1", "2", "3", "4", "5", "6", "7"}:
        return int(word) - 1
    raise VotesRefused(f"line {line}: expression {cell!r} is not 1–7 or one of {', '.join(NAMES)}.")


def _milliseconds(cell: str, line: int) -> int | None:
    if not cell.strip():
        return None
    if not cell.strip().isdecimal() or int(cell) > MAX_RESPONSE_MS:
        raise VotesRefused(f"line {line}: response_ms {cell!r} is not a number of milliseconds.")
    return int(cell)


def _moment(cell: str, line: int) -> str:
    try:
        moment = datetime.fromisoformat(cell.strip())
    except ValueError:
        raise VotesRefused(f"line {line}: voted_at {cell!r} is not an ISO 8601 time.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
