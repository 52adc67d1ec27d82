"""A face turned, scaled and cut to a square, as RAF-DB's aligned images are. Pure functions."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 100
TEMPLATE = ((30.0, 38.0), (70.0, 38.0), (50.0, 80.0))
"""Where the eye centres and the centre of the mouth go in a square of 100 (``FORMATS.md``)."""
BOX_MARGIN = 0.1
"""Without landmarks the box is widened by this share of its longer side, all around."""
MAX_SUPERSAMPLING = 8


class Aligned(NamedTuple):
    """``pixels`` (size, size, 3) RGB uint8, and what it was aligned by."""

    pixels: NDArray[np.uint8]
    by: str
    """``landmarks``, ``box`` or ``centre``: say it in the manifest of a release."""


def align(
    picture: NDArray[np.uint8],
    landmarks: Sequence[Sequence[float]] | None = None,
    box: Sequence[float] | None = None,
    size: int = SIZE,
) -> Aligned:
    """Cut the face out of ``picture`` (height, width, 3), RGB.

    By the five ``landmarks`` where they are known (similarity transformation of the two eyes and
    the centre of the mouth onto ``TEMPLATE``, least squares), else by ``box`` (``x_min, y_min,
    x_max, y_max``), else the largest centred square. Outside the picture its edge goes on.
    """
    if landmarks is not None:
        return Aligned(_warped(picture, similarity(landmarks, size), size), "landmarks")
    if box is not None:
        return Aligned(_warped(picture, _square_of(box, size), size), "box")
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    square = (left, top, left + side, top + side)
    return Aligned(_warped(picture, _to_square(square, size), size), "centre")


def similarity(landmarks: Sequence[Sequence[float]], size: int = SIZE) -> NDArray[np.float64]:
    """The (2, 3) similarity transformation from picture to template, by least squares.

    With points as complex numbers it is w = a·z + b, so that a (scale and turn) is one quotient.
    Raises ``ValueError`` where the points coincide.
    """
    left_eye, right_eye, _nose, left_mouth, right_mouth = np.asarray(landmarks, dtype=np.float64)
    points = np.array([left_eye, right_eye, (left_mouth + right_mouth) / 2])
    z = points @ (1, 1j)
    w = np.array(TEMPLATE) @ (1, 1j) * (size / SIZE)
    centred = z - z.mean()
    spread = np.vdot(centred, centred).real
    if spread < 1e-9:
        raise ValueError("landmarks: all points coincide")
    a = np.vdot(centred, w - w.mean()) / spread
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def _square_of(box: Sequence[float], size: int) -> NDArray[np.float64]:
    x_min, y_min, x_max, y_max = map(float, box)
    half = max(x_max - x_min, y_max - y_min) * (0.5 + BOX_MARGIN)
    x, y = (x_min + x_max) / 2, (y_min + y_max) / 2
    return _to_square((x - half, y - half, x + half, y + half), size)


def _to_square(square: Sequence[float], size: int) -> NDArray[np.float64]:
    """A square given by its edges fills the result; pixels' centres are half a pixel inside."""
    left, top, right, _ = square
    scale = size / max(right - left, 1e-9)
    return np.array(
        [
            [scale, 0, scale * (0.5 - left) - 0.5],
            [0, scale, scale * (0.5 - top) - 0.5],
        ]
    )


def _warped(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
) -> NDArray[np.uint8]:
    """Warp with an average over what each pixel covers: sampled finer first, then reduced."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    finer = int(np.clip(np.ceil(1.0 / max(scale, 1e-9)), 1, MAX_SUPERSAMPLING))
    fine = matrix * finer
    fine[:, 2] += (finer - 1) / 2  # a coarse pixel's centre is its fine pixels' middle
    warped = cv2.warpAffine(
        picture,
        fine,
        (size * finer, size * finer),
        flags=cv2.INTER_LINEAR if finer > 1 else cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if finer > 1:
        warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, dtype=np.uint8)
