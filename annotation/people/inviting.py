"""Many invitations at once: a table of names in, a table of links out; all or none."""

import csv
import io
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from .models import Invitation, Person, Project, Role
from .services import invite

COLUMNS = ("name", "role", "days")
MOST = 2_000
MOST_PROBLEMS = 20
MOST_DAYS = 365


@dataclass(frozen=True)
class Wished:
    """One line: for whom (the invitation's note), in which role, open for how many days."""

    name: str
    role: str = Role.ANNOTATOR
    days: int = 14


def read(text: str) -> list[Wished]:
    """The lines of a table with the column ``name`` and, if wanted, ``role`` and ``days``.

    Raises ``ValidationError`` that names line, column and value of everything that is wrong, up to
    20 of them.
    """
    rows = csv.reader(io.StringIO(text.strip(), newline=""))
    header = [name.strip().lower() for name in next(rows, [])]
    unknown = [name or "(empty)" for name in header if name not in COLUMNS]
    if "name" not in header or unknown or len(set(header)) != len(header):
        told = f"found {', '.join(header)}" if header else "the table is empty"
        raise ValidationError(
            f"The first line must name the columns: name, and if wanted role and days; {told}."
        )
    wished, problems = [], []
    for cells in rows:
        if any(cell.strip() for cell in cells):
            _take(dict(zip(header, cells, strict=False)), rows.line_num, wished, problems)
    if not (wished or problems):
        problems = ["The table names nobody."]
    if len(wished) > MOST:
        problems = [f"{len(wished):,} lines are too many; at most {MOST:,} at once."]
    if problems:
        more = len(problems) - MOST_PROBLEMS
        rest = [f"{more:,} more lines are wrong."] if more > 0 else []
        raise ValidationError(problems[:MOST_PROBLEMS] + rest)
    return wished


def invite_all(project: Project, wished: list[Wished], by: Person) -> list[tuple[Invitation, str]]:
    """An invitation for one person for each line, with its secret; all or none."""
    with transaction.atomic():
        return [invite(project, w.role, by, days=w.days, note=w.name) for w in wished]


def _take(told: dict[str, str], line: int, wished: list[Wished], problems: list[str]) -> None:
    name = told.get("name", "").strip()
    role = told.get("role", "").strip().lower() or Role.ANNOTATOR
    days = told.get("days", "").strip() or "14"
    if not name or len(name) > 120:
        problems.append(f"line {line}: name: 1 to 120 signs are needed.")
    elif role not in Role.values:
        problems.append(f"line {line}: role: {role!r} is not one of {', '.join(Role.values)}.")
    elif not (days.isascii() and days.isdigit() and 1 <= int(days[:4]) <= MOST_DAYS):
        problems.append(f"line {line}: days: {days!r} is not a number from 1 to {MOST_DAYS}.")
    else:
        wished.append(Wished(name, role, int(days)))
