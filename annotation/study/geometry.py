"""Curves, ribbons and the turned head: points in, points out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Points = np.ndarray
"""(n, 2) points x right, y down, or (n, 3) with z towards the viewer."""


@lru_cache(maxsize=64)
def _spline_basis(n: int, steps: int, closed: bool) -> np.ndarray:
    """(m, n) matrix that turns n control points into m points of a Catmull–Rom curve."""
    t = np.linspace(0.0, 1.0, steps, endpoint=False)
    cubic = 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1
    )
    spans = n if closed else n - 1
    basis = np.zeros((spans * steps + (not closed), n))
    for span in range(spans):
        for k in range(4):
            at = (span + k - 1) % n if closed else min(max(span + k - 1, 0), n - 1)
            basis[span * steps : (span + 1) * steps, at] += cubic[:, k]
    if not closed:
        basis[-1, -1] = 1.0
    return basis


def smooth(
    points: Points | Sequence[tuple[float, ...]], closed: bool = False, steps: int = 5
) -> Points:
    """A curve through ``points``, with ``steps`` points for every one given."""
    control = np.asarray(points, dtype=float)
    return _spline_basis(len(control), steps, closed) @ control


def mirrored(half: Sequence[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Close a right half (from crown to chin, both on the axis) with its mirror image."""
    return [*half, *((-x, *rest) for x, *rest in half[-2:0:-1])]


def ribbon(line: Points, widths: float | np.ndarray) -> Points:
    """The outline of a stroke along ``line`` (n, 2) whose width may change on the way."""
    direction = np.gradient(line, axis=0)
    length = np.hypot(direction[:, 0], direction[:, 1])
    normal = direction[:, ::-1] * (-1.0, 1.0) / np.maximum(length, 1e-6)[:, None]
    offset = normal * (np.broadcast_to(widths, len(line))[:, None] / 2)
    return np.concatenate([line + offset, (line - offset)[::-1]])


@lru_cache(maxsize=64)
def taper(n: int, start: float = 0.15, end: float = 0.15) -> np.ndarray:
    """(n,) widths of a pen stroke, 1 in the middle, ``start`` and ``end`` at the tips."""
    t = np.linspace(0.0, 1.0, n)
    swell = np.sin(np.pi * t) ** 0.7
    widths = swell + (1 - swell) * np.where(t < 0.5, start, end)
    widths.setflags(write=False)
    return widths


def ellipse(centre: tuple[float, float], radii: tuple[float, float], n: int = 28) -> Points:
    """(n, 2) points of an upright ellipse."""
    angle = np.linspace(0.0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(angle) * radii[0], np.sin(angle) * radii[1]], 1) + centre


def surface(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of the face above the plane of the ears, in half face widths."""
    return 0.85 * np.sqrt(np.maximum(0.03, 1 - 0.85 * (x / 1.02) ** 2 - 0.6 * (y / 1.45) ** 2))


@dataclass(frozen=True)
class Head:
    """Where a head is in the photograph and how it is turned.

    Face coordinates have the half face width as unit, the origin between the eyes' level and
    the nose; they are the same for every pose. Angles in degrees: ``yaw`` turns to the image's
    right, ``pitch`` up, ``roll`` clockwise.
    """

    centre: tuple[float, float]
    unit: float
    """Pixels per half face width."""
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    width: float = 1.0
    length: float = 1.0
    """Proportions: factors on x and y of every face."""

    def project(
        self, points: Points | Sequence[tuple[float, ...]], z: float | None = None
    ) -> Points:
        """(n, 2) photo pixels of face points; without a depth they lie on the face."""
        p = np.asarray(points, dtype=float)
        x, y = p[:, 0] * self.width, p[:, 1] * self.length
        if p.shape[1] == 3:
            z_of = p[:, 2]
        else:
            z_of = surface(p[:, 0], p[:, 1]) if z is None else np.full(len(p), z)
        yaw, pitch, roll = np.deg2rad((self.yaw, self.pitch, self.roll))
        turned_x = x * np.cos(yaw) + z_of * np.sin(yaw)
        depth = z_of * np.cos(yaw) - x * np.sin(yaw)
        # A nod turns about the neck's joint, behind and below the face's middle.
        turned_y = y * np.cos(pitch) - (depth - 0.2) * np.sin(pitch)
        cos, sin = np.cos(roll), np.sin(roll)
        out = np.stack([turned_x * cos - turned_y * sin, turned_x * sin + turned_y * cos], 1)
        return out * self.unit + self.centre
