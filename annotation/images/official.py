"""RAF-DB's annotation files of one face, read: points, attributes, 37 automatic points, a box.

Written by ``releases.tree``; both are held together by tests that read back what was written.
"""

import math
from typing import NamedTuple

from .geometry import Point

N_POINTS, N_AUTO_POINTS = 5, 37
MAX_TEXT = 4_096
LIMITS = (("gender", 2), ("race", 2), ("age", 4))


class Manual(NamedTuple):
    """Five points in pixels of the original, and the attributes as numbers (``FORMATS``)."""

    points: tuple[Point, ...]
    attributes: dict[str, int]


def read_manual(text: str) -> Manual:
    """Eight lines: five of ``x y``, then gender, race and age. Raises ``ValueError``."""
    lines = text.split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != N_POINTS + len(LIMITS):
        raise ValueError(f"{len(lines)} lines, not {N_POINTS + len(LIMITS)}")
    attributes = {}
    for (name, most), line in zip(LIMITS, lines[N_POINTS:], strict=True):
        if not (line.isascii() and line.isdigit() and int(line) <= most):
            raise ValueError(f"{name} is {line[:20]!r}, not among 0 to {most}")
        attributes[name] = int(line)
    return Manual(_points(lines[:N_POINTS]), attributes)


def read_auto(text: str) -> tuple[Point, ...]:
    """37 lines ``x y``. Raises ``ValueError``."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) != N_AUTO_POINTS:
        raise ValueError(f"{len(lines)} points, not {N_AUTO_POINTS}")
    return _points(lines)


def read_box(text: str) -> tuple[float, float, float, float]:
    """One line ``x_min y_min x_max y_max``. Raises ``ValueError``."""
    cells = text.split()
    if len(cells) != 4:
        raise ValueError(f"{len(cells)} numbers, not 4")
    x_min, y_min, x_max, y_max = map(_number, cells)
    return x_min, y_min, x_max, y_max


def _points(lines: list[str]) -> tuple[Point, ...]:
    points = []
    for line in lines:
        cells = line.split()
        if len(cells) != 2:
            raise ValueError(f"{line[:40]!r} is not x and y")
        points.append((_number(cells[0]), _number(cells[1])))
    return tuple(points)


def _number(cell: str) -> float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is not a number")
    return value
