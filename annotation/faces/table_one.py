"""The paper's Table 1: how often each expression shows each action unit, over a coded sample.

A cell is a share of faces in per cent; the paper leaves it blank below 10. An asterisk marks a unit
whose share differs by 40 points or more from another project's, as the paper compares with CK+.
Pure functions of what was coded; ``rows_of`` reads it.
"""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from annotation.people.models import Project
from reliability.expressions import Expression

from .models import Sampled
from .units import PAPER, numbers_of

BLANK_BELOW = 10.0
DIFFERS_FROM = 40.0
Row = tuple[int, frozenset[int]]
"""An expression, 0–6, and the units that one of its faces shows."""


@dataclass(frozen=True)
class Cell:
    """One unit of one expression: how many of ``n`` faces show it, and the other's share."""

    n_shown: int
    n: int
    other: float | None = None

    @property
    def percent(self) -> float | None:
        return 100 * self.n_shown / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval in per cent: a small sample says little."""
        if not self.n:
            return None
        z, p = 1.959964, self.n_shown / self.n
        middle = p + z * z / (2 * self.n)
        half = z * math.sqrt(p * (1 - p) / self.n + z * z / (4 * self.n**2))
        scale = 1 + z * z / self.n
        return 100 * (middle - half) / scale, 100 * (middle + half) / scale

    @property
    def differs(self) -> bool:
        """Whether it gets the asterisk; only what is printed can have one."""
        if self.percent is None or self.other is None or self.percent < BLANK_BELOW:
            return False
        return abs(self.percent - self.other) >= DIFFERS_FROM - 1e-9

    @property
    def text(self) -> str:
        """As the paper prints it: a whole per cent, an asterisk; blank below 10."""
        if self.percent is None or self.percent < BLANK_BELOW:
            return ""
        return f"{self.percent:.0f}{'*' if self.differs else ''}"


@dataclass(frozen=True)
class Line:
    """One expression's row."""

    expression: Expression
    n: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Rows in the paper's order, columns ``units``; ``other`` names the project compared with."""

    units: tuple[int, ...]
    lines: tuple[Line, ...]
    other: str = ""

    @property
    def n(self) -> int:
        return sum(line.n for line in self.lines)


def rows_of(project: Project) -> list[Row]:
    """The coded faces of the project's sample, with the expression each was drawn for."""
    rows = Sampled.objects.filter(image__project=project, image__action_units__isnull=False)
    rows = rows.exclude(image__state="taken_down").order_by("image_id")
    return [
        (expression, frozenset(numbers_of(codes)))
        for expression, codes in rows.values_list("expression", "image__action_units")
    ]


def table(
    rows: Iterable[Row],
    units: Sequence[int] = PAPER,
    other: Iterable[Row] | None = None,
    other_name: str = "",
) -> Table:
    """The table of the six expressions and neutral; ``other`` brings the asterisks."""
    mine = _counted(rows)
    theirs = _counted(other or ())
    lines = []
    for expression in Expression:
        n, shown = mine.get(expression, (0, {}))
        n_other, shown_other = theirs.get(expression, (0, {}))
        cells = tuple(
            Cell(shown.get(u, 0), n, 100 * shown_other.get(u, 0) / n_other if n_other else None)
            for u in units
        )
        lines.append(Line(expression, n, cells))
    return Table(tuple(units), tuple(lines), other_name)


def _counted(rows: Iterable[Row]) -> dict[int, tuple[int, dict[int, int]]]:
    found: dict[int, tuple[int, dict[int, int]]] = {}
    for expression, shown in rows:
        n, counts = found.get(expression, (0, {}))
        for unit in shown:
            counts[unit] = counts.get(unit, 0) + 1
        found[expression] = n + 1, counts
    return found


def as_csv(made: Table) -> str:
    """One line for each expression and unit, with what the printed table leaves out."""
    sink = io.StringIO()
    write = csv.writer(sink, lineterminator="\n").writerow
    write(("expression", "unit", "faces", "shown", "percent", "low", "high", "other", "differs"))
    for line in made.lines:
        for unit, cell in zip(made.units, line.cells, strict=True):
            low, high = cell.interval or (None, None)
            numbers = (cell.percent, low, high, cell.other)
            told = ("" if v is None else f"{v:.1f}" for v in numbers)
            name = line.expression.name.lower()
            write((name, unit, cell.n, cell.n_shown, *told, int(cell.differs)))
    return sink.getvalue()


def as_latex(made: Table) -> str:
    """A ``tabular`` as the paper has it; neutral, which it leaves out, is left out."""
    head = " & ".join(["(\\%)", *(f"AU{unit}" for unit in made.units)])
    body = [
        " & ".join([line.expression.title[:3], *(cell.text for cell in line.cells)]) + r" \\"
        for line in made.lines
        if line.expression != Expression.NEUTRAL
    ]
    columns = "l" + "r" * len(made.units)
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\hline", head + r" \\", r"\hline", *body]
    return "\n".join([*lines, r"\hline", r"\end{tabular}", ""])


CELL, LEFT, TOP = 44, 92, 30


def as_svg(made: Table) -> str:
    """The table as a picture: the darker a cell, the more faces show the unit."""
    width = LEFT + CELL * len(made.units) + 4
    height = TOP + CELL * len(made.lines) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="13">'
    ]
    for column, unit in enumerate(made.units):
        x = LEFT + CELL * (column + 0.5)
        parts.append(f'<text x="{x}" y="{TOP - 10}" text-anchor="middle">{unit}</text>')
    for row, line in enumerate(made.lines):
        y = TOP + CELL * row
        name = escape(line.expression.title)
        parts.append(f'<text x="{LEFT - 8}" y="{y + 27}" text-anchor="end">{name}</text>')
        parts += [
            _square(LEFT + CELL * column, y, cell, unit, name)
            for column, (unit, cell) in enumerate(zip(made.units, line.cells, strict=True))
        ]
    return "".join([*parts, "</svg>"])


def _square(x: int, y: int, cell: Cell, unit: int, name: str) -> str:
    share = (cell.percent or 0) / 100
    ink = "#ffffff" if share > 0.55 else "#17322c"
    told = "not coded" if cell.percent is None else f"{cell.percent:.0f} % of {cell.n}"
    return (
        f'<g><title>{name}, AU{unit}: {told}</title><rect x="{x + 1}" y="{y + 1}" '
        f'width="{CELL - 2}" height="{CELL - 2}" fill="#0f6b58" fill-opacity="{share:.3f}" '
        f'stroke="#8fa39c" stroke-width="1"/><text x="{x + CELL / 2}" y="{y + 27}" '
        f'text-anchor="middle" fill="{ink}">{cell.text}</text></g>'
    )
