"""Bars for small series that change by the minute; figures of estimates are the worker's SVG."""

from collections.abc import Iterable
from dataclasses import dataclass

HEIGHT = 100.0
WIDTH = 1000.0
GAP = 0.15
"""Of a bar's place."""


@dataclass(frozen=True)
class Bar:
    """One bar in a view of 1000 × 100; drawn without keeping its ratio."""

    label: str
    n: int
    x: float
    y: float
    width: float
    height: float


def bars(series: Iterable[tuple[str, int]]) -> list[Bar]:
    """The bars of ``(label, n)``; one that is not zero can be seen, however small."""
    rows = list(series)
    most = max((n for _, n in rows), default=0)
    place = WIDTH / max(len(rows), 1)
    made = []
    for i, (label, n) in enumerate(rows):
        height = max(HEIGHT * n / most, 1.5) if n else 0.0
        x, width = (i + GAP / 2) * place, (1 - GAP) * place
        made.append(Bar(label, n, round(x, 2), round(HEIGHT - height, 2), round(width, 2),
                        round(height, 2)))  # fmt: skip
    return made
