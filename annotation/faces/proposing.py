"""Five landmarks for a box that came without: eyes by cascade, nostrils and mouth by their dark.

A proposal for a coder to accept or drag, not a measurement. ``benchmarks/find_faces.py`` prints how
far it is off.
"""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .detecting import Picture, Points, cascade

SIDE = 160
"""The face's box is looked at in this size."""
EYES = np.array([[0.30, 0.40], [0.70, 0.40]])
"""Where a cascade's box has the eyes, in shares of its sides."""
NEAR = 0.16
"""An eye is taken when it is found so near there."""
MOUTH_DOWN, MOUTH_HALF = 1.0, 0.40
"""From the middle between the eyes, in distances between them."""


def propose(picture: Picture, box: tuple[float, float, float, float]) -> Points:
    """(5, 2) landmarks in pixels of the picture; never outside it."""
    patch, back = _patch(picture, box)
    grey = np.asarray(cv2.equalizeHist(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)), np.uint8)
    eyes = _eyes(grey)
    points = np.vstack([eyes, _below(grey, eyes)])
    height, width = picture.shape[:2]
    return np.clip(points @ back[:, :2].T + back[:, 2], 0, (width - 1, height - 1))


def upright_patch(picture: Picture, box: tuple[float, float, float, float]) -> Picture:
    """The box as a square of ``SIDE``."""
    return _patch(picture, box)[0]


def _patch(
    picture: Picture, box: tuple[float, float, float, float]
) -> tuple[Picture, NDArray[np.float64]]:
    """The box as a square of ``SIDE``, and the (2, 3) map from it back to the picture."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    side = max(box[2] - box[0], box[3] - box[1])
    scale = side / SIDE
    back = np.array([[scale, 0, x - side / 2], [0, scale, y - side / 2]])
    flags = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    patch = cv2.warpAffine(
        picture, back, (SIDE, SIDE), flags=flags | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(patch, np.uint8), back


def _eyes(grey: NDArray[np.uint8]) -> Points:
    """(2, 2) eye centres in the patch; where one is not found, the other tells where it is."""
    found: list[Points | None] = [None, None]
    top = grey[int(0.18 * SIDE) : int(0.62 * SIDE)]
    for finder in _eye_finders():
        boxes = finder.detectMultiScale(top, 1.05, 3, minSize=(SIDE // 8, SIDE // 8))
        centres = np.array([[x + w / 2, y + h / 2 + 0.18 * SIDE] for x, y, w, h in boxes])
        for side in (0, 1):
            if found[side] is None and len(centres):
                gaps = np.hypot(*(centres - EYES[side] * SIDE).T)
                if gaps.min() < NEAR * SIDE:
                    found[side] = centres[gaps.argmin()]
    left, right = found
    usual = EYES * SIDE
    if left is None and right is None:
        return usual
    if left is None and right is not None:
        return np.array([right + usual[0] - usual[1], right])
    if right is None and left is not None:
        return np.array([left, left + usual[1] - usual[0]])
    return np.array([left, right])


@lru_cache(maxsize=1)
def _eye_finders() -> tuple[cv2.CascadeClassifier, ...]:
    return tuple(cascade(n) for n in ("haarcascade_eye_tree_eyeglasses", "haarcascade_eye"))


def _below(grey: NDArray[np.uint8], eyes: Points) -> Points:
    """(3, 2) nose tip and mouth corners, from an upright view between and below the eyes."""
    across = eyes[1] - eyes[0]
    distance = float(np.hypot(*across))
    right, down = across / distance, np.array([-across[1], across[0]]) / distance
    middle = eyes.mean(0)
    axes = right * distance, down * distance
    offset, half, lifts = _mouth(_upright(grey, middle, axes, MOUTH_VIEW))
    x, y = _nose(_upright(grey, middle, axes, NOSE_VIEW), offset)
    nose = middle + axes[0] * x + axes[1] * y
    corners = [
        middle + down * distance * (offset - lift) + right * distance * half * side
        for side, lift in zip((-1, 1), lifts, strict=True)
    ]
    return np.array([nose, *corners])


class View(NamedTuple):
    """A part of an upright face: rows, columns and blur in pixels, where it begins and ends below
    the eyes, and how far it reaches to each side, in distances between the eyes."""

    rows: int
    columns: int
    top: float
    bottom: float
    reach: float
    blur: float

    @property
    def places(self) -> tuple[Points, Points]:
        """(columns,) and (rows,) where the pixels lie, from the middle between the eyes."""
        x = (np.arange(self.columns) + 0.5) / self.columns * 2 * self.reach - self.reach
        y = self.top + (np.arange(self.rows) + 0.5) * (self.bottom - self.top) / self.rows
        return x, y


MOUTH_VIEW = View(48, 64, 0.75, 1.45, 0.75, 1.5)
NOSE_VIEW = View(64, 80, 0.25, 0.90, 0.50, 1.0)
ROWS, COLUMNS, TOP, BOTTOM, REACH, _ = MOUTH_VIEW
NOSTRILS_DOWN, NOSTRILS_SD = 0.58, (0.16, 0.14)
"""Where nostrils are sought, across and down."""
NOSTRILS_APART = 10
"""Half their distance, in pixels of the view: an eighth of the distance between the eyes."""
TIP_AHEAD, TIP_ABOVE = 1.5, 0.08
"""The tip stands further out than the nostrils, and so much higher. Fitted on study 100."""


def _upright(
    grey: NDArray[np.uint8], middle: Points, axes: tuple[Points, Points], seen: View
) -> Points:
    """(rows, columns) a part of the face as if the head were upright."""
    x = 2 * seen.reach / seen.columns * axes[0]
    y = (seen.bottom - seen.top) / seen.rows * axes[1]
    start = middle - seen.reach * axes[0] + seen.top * axes[1]
    part = cv2.warpAffine(
        grey, np.column_stack([x, y, start]), (seen.columns, seen.rows),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(cv2.GaussianBlur(part, (0, 0), seen.blur), dtype=np.float64)


def _nose(view: Points, mouth: float) -> tuple[float, float]:
    """Where the tip is, right of and below the middle between the eyes, above a mouth so far down.

    Above the nostrils: two dark spots with something lighter between them (which the shadow beside
    a smiling mouth has not), nearest to where they usually are. In distances between the eyes.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))
    dark = cv2.GaussianBlur(cv2.morphologyEx(view, cv2.MORPH_BLACKHAT, kernel), (0, 0), 2.0)
    pair = np.minimum(np.roll(dark, NOSTRILS_APART, 1), np.roll(dark, -NOSTRILS_APART, 1))
    pair -= 0.5 * dark
    pair[:, :NOSTRILS_APART] = pair[:, -NOSTRILS_APART:] = 0
    x, y = NOSE_VIEW.places
    pair[y > mouth - 0.18] = 0
    across = np.exp(-0.5 * (x / NOSTRILS_SD[0]) ** 2)
    usual = min(NOSTRILS_DOWN, mouth - 0.3)
    down = np.exp(-0.5 * ((y - usual) / NOSTRILS_SD[1]) ** 2)
    likely = pair * across * down[:, None]
    if likely.max() < 1.0:
        return 0.0, usual - TIP_ABOVE
    row, column = np.unravel_index(likely.argmax(), likely.shape)
    return float(x[column] * TIP_AHEAD), float(y[row] - TIP_ABOVE)


def _mouth(view: Points) -> tuple[float, float, tuple[float, float]]:
    """How far below the eyes the mouth is, half its width, how far each corner is lifted.

    In distances between the eyes.

    The slit between the lips is a dark valley across the face: the second difference down is
    large there. Its row is the best mean over the middle, with a prior for the usual place; its
    ends are where the valley falls below half.
    """
    valley = np.maximum(np.roll(view, 4, 0) + np.roll(view, -4, 0) - 2 * view, 0)
    valley[:4] = valley[-4:] = 0
    centre = slice(COLUMNS // 2 - 10, COLUMNS // 2 + 10)
    strength = valley[:, centre].mean(1)
    _, places = MOUTH_VIEW.places
    prior = np.exp(-0.5 * ((places - MOUTH_DOWN) / 0.12) ** 2)
    row = int((strength * prior).argmax())
    along = cv2.blur(valley[max(row - 3, 0) : row + 4].max(0)[None], (5, 1))[0]
    half = _reach(along) if strength[row] > 2.0 else MOUTH_HALF
    return float(places[row]), half, (_lift(valley, row, -half), _lift(valley, row, half))


def _lift(valley: Points, row: int, across: float) -> float:
    """How far above the mouth's row its corner is: a smile's is, and a sad mouth's is below."""
    column = COLUMNS // 2 + round(across * COLUMNS / (2 * REACH) * 0.92)
    near = valley[max(row - 9, 0) : row + 5, max(column - 2, 0) : column + 3].mean(1)
    if near.max() < 1.0:
        return 0.0
    found = max(row - 9, 0) + int(near.argmax())
    return float((row - found) * (BOTTOM - TOP) / ROWS)


def _reach(along: Points) -> float:
    """Half the valley's width from its middle outwards, between a pursed and a wide mouth."""
    middle = COLUMNS // 2
    least = 0.45 * np.median(along[middle - 8 : middle + 8])
    sides = along[middle:], along[middle - 1 :: -1]
    steps = [next((i for i, v in enumerate(s) if v < least), len(s)) for s in sides]
    half = float(np.mean(steps)) * 2 * REACH / COLUMNS
    return float(np.clip(half, 0.27, 0.58))
