"""Where the parts of a face lie, given the person and the action units: numbers, no paint.

Everything is in face coordinates (``geometry.Head``): the half face width is 1, x to the image's
right, y down. ``side`` is −1 for the eye or brow on the image's left, +1 for the right one.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from annotation.study.action_units import Units
from annotation.study.geometry import Points, mirrored, smooth
from annotation.study.identity import Age, Identity

_U = np.linspace(-1.0, 1.0, 15)  # along a lid or a lip, from one corner to the other
_ARCH = np.maximum(0.0, 1 - _U**2)
_IRIS = 0.104


@dataclass(frozen=True)
class Bearing:
    """What goes with an expression beside Table 1's fifteen units. Each 0–1 unless said."""

    lid_droop: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    """Right and down, −1 to 1."""
    corner_sag: float = 0.0
    """Mouth corners sunk by less than a coder would call AU15."""
    squint: float = 0.0
    blush: float = 0.3
    lopsided: float = 0.0
    """−1 to 1: which half of the face moves more."""


@dataclass(frozen=True)
class Eye:
    """One eye's curves, from the image's left corner to the right one."""

    upper: Points
    lower: Points
    crease: Points
    centre: np.ndarray
    iris: np.ndarray
    iris_radius: float

    @property
    def opening(self) -> Points:
        """The closed outline of what is open."""
        return np.concatenate([self.upper, self.lower[::-1]])


@dataclass(frozen=True)
class Mouth:
    """The four lines of the lips, from the image's left corner to the right one."""

    outer_top: Points
    inner_top: Points
    inner_bottom: Points
    outer_bottom: Points
    opening: float
    """Greatest distance of the lips' inner lines, in half face widths."""

    @property
    def left(self) -> np.ndarray:
        """The corner on the image's left."""
        return self.inner_top[0]

    @property
    def right(self) -> np.ndarray:
        """The corner on the image's right."""
        return self.inner_top[-1]


@dataclass(frozen=True)
class Anatomy:
    """The face of one person at one moment."""

    who: Identity
    units: Units
    bearing: Bearing

    @property
    def eye_level(self) -> float:
        """Small children have their eyes below the middle of the head."""
        return -0.10 + {Age.BABY: 0.13, Age.YOUNG: 0.05}.get(self.who.age, 0.0)

    @property
    def nose_tip(self) -> tuple[float, float]:
        """The tip; disgust's wrinkling (AU9) lifts it."""
        lift = 0.045 * self.units[9] + 0.02 * self.units[10]
        return 0.0, self.eye_level + 0.50 * self.who.nose - lift

    @property
    def jaw_drop(self) -> float:
        """How far the chin is lowered."""
        parted = 0.03 * self.units[25]
        return parted + max(0.13 * self.units[26], 0.27 * self.units[27])

    def moves(self, unit: int, side: int) -> float:
        """A unit's intensity on one half of the face."""
        return self.units[unit] * (1 + 0.35 * side * self.bearing.lopsided)

    @cached_property
    def outline(self) -> Points:
        """The skin's outline from crown to chin and back, (n, 3)."""
        drop, jaw = self.jaw_drop, self.who.jaw
        round_face = {Age.BABY: 0.07, Age.YOUNG: 0.03}.get(self.who.age, 0.0)
        half = [
            (0.0, -1.36, 0.20),
            (0.56, -1.23, 0.15),
            (0.88, -0.82, 0.10),
            (0.965, -0.30, 0.05),
            (0.95, 0.12, 0.05),
            (0.865 + round_face, 0.50 + drop * 0.35, 0.12),
            (0.665 * jaw + round_face, 0.86 + drop * 0.75, 0.25),
            (0.36 * jaw + round_face, 1.10 + drop, 0.40),
            (0.0, 1.19 + drop - 0.03 * self.units[17], 0.48),
        ]
        return smooth(mirrored(half), closed=True, steps=6)

    def eye(self, side: int) -> Eye:
        """The eye on one side."""
        who, units, at = self.who, self.units, self.bearing
        half = 0.208 * who.eyes
        centre = np.array([side * 0.425 * who.eye_distance, self.eye_level])
        narrow = 0.30 * units[6] + 0.42 * units[7] + 0.22 * units[9] + 0.35 * at.squint
        upper = 0.135 * who.eyes * (1 + 0.62 * units[5] - narrow - 0.62 * at.lid_droop)
        lower = 0.075 * who.eyes * (1 + 0.25 * units[5] - 1.15 * units[6] - 0.75 * units[7])
        upper, lower = max(upper, 0.028), max(lower, -0.02)
        along = centre[0] + _U * half
        # The lid is highest a little towards the nose, the outer corner a little above the inner.
        slant = -_U * side * who.eye_tilt
        peak = np.maximum(0.0, 1 - np.abs(_U + 0.14 * side) ** 2.2 / (1 + 0.14) ** 2.2)
        lid = np.stack([along, centre[1] + slant - upper * np.minimum(peak, _ARCH**0.62)], 1)
        rim = np.stack([along, centre[1] + slant + lower * _ARCH**0.75], 1)
        above = 0.045 + 0.02 * units[5] - 0.012 * who.is_child
        crease = np.stack([along * 1.0, lid[:, 1] - above * (0.35 + 0.65 * _ARCH)], 1)
        gaze = np.array([0.07 * at.gaze[0], 0.05 * at.gaze[1] - 0.022 + 0.012 * units[5]])
        return Eye(lid, rim, crease, centre, centre + gaze * who.eyes, _IRIS * who.eyes)

    def brow(self, side: int) -> Points:
        """The brow's middle line from the inner to the outer end."""
        one, two, four = self.moves(1, side), self.moves(2, side), self.moves(4, side)
        level = self.eye_level - 0.315 - 0.02 * self.who.eyes
        # AU4 alone lowers and joins the brows; with AU1 the inner ends rise against it: grief.
        inner = level - 0.17 * one + 0.135 * four * (1 - 0.75 * min(one, 1.0))
        middle = level - 0.055 - 0.09 * one - 0.10 * two + 0.085 * four
        outer = level + 0.03 - 0.15 * two + 0.025 * four + 0.035 * four * one
        drawn = 0.06 * four
        x_inner = 0.185 * self.who.eye_distance - drawn
        points = [
            (x_inner, inner + 0.015),
            (0.34 - drawn * 0.8, 0.5 * (inner + middle) - 0.012 + 0.015 * four),
            (0.53 - drawn * 0.4, middle + 0.005),
            (0.70, outer),
        ]
        return smooth(points) * (side, 1.0)

    @cached_property
    def mouth(self) -> Mouth:
        """The lips."""
        who, units = self.who, self.units
        half = 0.355 * who.mouth * (
            1 + 0.36 * units[12] + 0.24 * units[20] - 0.15 * units[17] - 0.22 * units[27]
        )  # fmt: skip
        level = self._mouth_level()
        parted = 0.05 * units[25] * (1 + 1.7 * units[12] + 0.8 * units[10])
        opening = parted + max(0.135 * units[26], 0.30 * units[27]) * (0.55 + 0.45 * (parted > 0))
        raised = 0.075 * units[10] + 0.03 * units[9]
        chin = 0.055 * units[17]
        along = _U * half * (1 + 0.03 * units[12])
        corners = self._corner_curve()
        # A smile's opening hangs down from a rather straight upper lip; a shout opens both ways.
        up = opening * (0.30 - 0.18 * units[12]) + raised - 0.03 * units[12]
        down = opening - opening * (0.30 - 0.18 * units[12]) + 0.065 * units[12] * (opening > 0.02)
        shape = _ARCH ** (0.62 - 0.15 * units[10] + 0.25 * units[27])
        closed = level - (raised * 0.8 + chin * 0.9) * _ARCH + corners
        top = level - up * shape - chin * 0.35 * _ARCH + corners
        bottom = level + (down - chin * 0.9) * shape + corners
        if opening < 0.015:
            top = bottom = closed
        full = 0.084 * who.lips
        bow = 1 + 0.10 * np.cos(_U * np.pi * 2.2) - 0.28 * np.exp(-((_U / 0.13) ** 2))
        thin = 1 - 0.30 * units[12] - 0.25 * units[20] - 0.2 * units[9]
        above = top - full * 0.92 * thin * bow * _ARCH**0.75
        below = bottom + full * 1.2 * (1 - 0.25 * units[12] + 0.25 * units[17]) * _ARCH**0.62
        gap = float((bottom - top).max())
        lines = [np.stack([along, line], 1) for line in (above, top, bottom, below)]
        return Mouth(lines[0], lines[1], lines[2], lines[3], opening=gap)

    def _mouth_level(self) -> float:
        below_nose = 0.30 + 0.015 * (self.who.age >= Age.OLD)
        return self.nose_tip[1] + below_nose - 0.02 * self.units[12] + 0.25 * self.jaw_drop * 0.6

    def _corner_curve(self) -> np.ndarray:
        """How far each point of the lips' line is below (+) its middle."""
        sides = np.sign(_U)
        tilt = 1 + 0.35 * sides * self.bearing.lopsided
        smile = -0.155 * self.units[12] * tilt
        sink = 0.125 * self.units[15] + 0.05 * self.bearing.corner_sag + 0.035 * self.units[20]
        return (smile + sink + 0.03 * self.units[17]) * np.abs(_U) ** 1.9
