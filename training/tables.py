"""Tables with our numbers beside the paper's: Markdown, CSV and LaTeX from one structure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.metrics import seed_interval
from training.storage import write_text

NOTHING = "–"


@dataclass(frozen=True)
class Cell:
    """One number, in percent: ours, a value for each seed, and the paper's."""

    ours: tuple[float, ...] = ()
    """Empty where it was not measured; one value where nothing depends on a seed."""
    paper: float | None = None

    @property
    def mean(self) -> float | None:
        """Over seeds; None where it was not measured."""
        return float(np.mean(self.ours)) if self.ours else None

    @property
    def half(self) -> float | None:
        """Half a 95 % Student interval over seeds; None with fewer than two."""
        return seed_interval(np.array(self.ours))[1] if len(self.ours) > 1 else None


@dataclass(frozen=True)
class Table:
    """``rows`` are labels and cells; ``heads`` name the columns of labels, then those of cells."""

    name: str
    title: str
    heads: tuple[tuple[str, ...], tuple[str, ...]]
    rows: Sequence[tuple[tuple[str, ...], tuple[Cell, ...]]]
    notes: tuple[str, ...] = ()


def markdown(table: Table) -> str:
    """A GitHub table; a cell reads "ours ± half interval (paper)"."""
    labels, columns = table.heads
    lines = [
        f"## {table.title}",
        "",
        f"| {' | '.join([*labels, *columns])} |",
        f"|{' --- |' * len(labels)}{' ---: |' * len(columns)}",
    ]
    for names, cells in table.rows:
        lines.append(f"| {' | '.join([*names, *map(_plain, cells)])} |")
    lines += ["", *(f"- {note}" for note in table.notes)]
    return "\n".join(lines).rstrip() + "\n"


def comma_separated(table: Table) -> str:
    """A row for each cell: labels, column, our mean, half interval and seeds, the paper's."""
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\n")
    out.writerow([*table.heads[0], "column", "mean", "half_interval", "seeds", "paper"])
    for names, cells in table.rows:
        for column, cell in zip(table.heads[1], cells, strict=True):
            numbers = [_number(x) for x in (cell.mean, cell.half)]
            out.writerow([*names, column, *numbers, len(cell.ours), _number(cell.paper)])
    return stream.getvalue()


def latex(table: Table) -> str:
    """A ``tabular`` in a ``table``, for booktabs; the paper's numbers in parentheses below ours."""
    labels, columns = table.heads
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escaped(table.title)}}}",
        rf"\begin{{tabular}}{{{'l' * len(labels)}{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(map(_escaped, [*labels, *columns])) + r" \\",
        r"\midrule",
    ]
    for names, cells in table.rows:
        ours = [_escaped(name) for name in names] + [_tex(cell) for cell in cells]
        lines.append(" & ".join(ours) + r" \\")
        if any(cell.paper is not None for cell in cells):
            theirs = [f"({c.paper:.2f})" if c.paper is not None else "" for c in cells]
            lines.append(" & ".join([""] * len(labels) + theirs) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in table.notes)]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def write(folder: Path, table: Table) -> None:
    """``NAME.md``, ``NAME.csv`` and ``NAME.tex``."""
    write_text(folder / f"{table.name}.md", markdown(table))
    write_text(folder / f"{table.name}.csv", comma_separated(table))
    write_text(folder / f"{table.name}.tex", latex(table))


def _plain(cell: Cell) -> str:
    ours = NOTHING if cell.mean is None else f"{cell.mean:.1f}"
    spread = "" if cell.half is None else f" ± {cell.half:.1f}"
    return f"{ours}{spread}" + ("" if cell.paper is None else f" ({cell.paper:.2f})")


def _tex(cell: Cell) -> str:
    if cell.mean is None:
        return "--"
    return f"{cell.mean:.1f}" + ("" if cell.half is None else rf" $\pm$ {cell.half:.1f}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _escaped(text: str) -> str:
    for sign in "&%#_":
        text = text.replace(sign, rf"\{sign}")
    return text
