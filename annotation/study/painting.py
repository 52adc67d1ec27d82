"""A canvas with few brushes: fill, pen, soft shape, glow, and painting inside a shape."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from annotation.study.geometry import Points, ribbon, taper

Colour = tuple[float, float, float]
"""Red, green, blue, each 0–255. A tuple, so that specifications can be compared."""

SCALE = 2
"""The canvas is painted at twice the photograph's size and averaged down."""
_SHIFT = 4  # OpenCV's polygons take fixed-point numbers: sixteenths of a pixel


def rgb(red: float, green: float, blue: float) -> Colour:
    """A colour."""
    return red, green, blue


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``share`` of b, the rest of a."""
    return tuple(p + (q - p) * share for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


def darker(colour: Colour, factor: float) -> Colour:
    """Shadow of a colour: darker, and a little redder, as shadows on skin and hair are."""
    return colour[0] * factor, colour[1] * factor**1.12, colour[2] * factor**1.1


def lighter(colour: Colour, share: float) -> Colour:
    """A colour mixed with warm white."""
    return mix(colour, (255.0, 246.0, 232.0), share)


class Canvas:
    """A picture being painted. All coordinates are pixels of the finished photograph."""

    def __init__(self, width: int, height: int) -> None:
        self.image = np.zeros((height * SCALE, width * SCALE, 3), np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the finished photograph."""
        return self.image.shape[1] // SCALE, self.image.shape[0] // SCALE

    def fill(self, points: Points, colour: Colour) -> None:
        """Fill a polygon."""
        fixed = np.rint(points * (SCALE * (1 << _SHIFT))).astype(np.int32)
        cv2.fillPoly(self.image, [fixed], colour, cv2.LINE_AA, _SHIFT)

    def pen(self, line: Points, colour: Colour, width: float | np.ndarray) -> None:
        """Draw along ``line``; a single ``width`` is thinned out towards both ends."""
        widths = width if isinstance(width, np.ndarray) else width * taper(len(line))
        self.fill(ribbon(line, widths), colour)

    def soft(self, points: Points, colour: Colour, opacity: float, blur: float) -> None:
        """Fill a polygon whose edge fades over about ``blur`` pixels (a sigma)."""
        margin = 2.5 * blur + 1
        low, high = points.min(0) - margin, points.max(0) + margin
        window = self._window(low, high)
        if window is None or opacity <= 0.004:
            return
        (x0, y0, x1, y1), region = window
        # A blurred edge needs no fine mask: draw it coarse, blur it, enlarge it.
        coarse = min(1.0, 2.0 / max(blur, 0.5))
        shape = (max(2, round((y1 - y0) * coarse)), max(2, round((x1 - x0) * coarse)))
        mask: np.ndarray = np.zeros(shape, np.uint8)
        fixed = np.rint((points - (x0, y0)) * (coarse * 16)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.3, blur * coarse))
        mask = cv2.resize(mask, (region.shape[1], region.shape[0]))
        _lay(region, colour, mask.astype(np.float32) * np.float32(opacity / 255))

    def soft_pen(
        self, line: Points, colour: Colour, width: float, opacity: float, blur: float
    ) -> None:
        """A stroke with a soft edge: folds and creases."""
        self.soft(ribbon(line, width * taper(len(line))), colour, opacity, blur)

    def glow(
        self, centre: Points, radii: tuple[float, float], colour: Colour, opacity: float
    ) -> None:
        """A round patch that fades like a Gaussian with sigmas ``radii``."""
        reach = 2.6 * np.asarray(radii)
        window = self._window(centre - reach, centre + reach)
        if window is None or opacity <= 0.004:
            return
        (x0, y0, _, _), region = window
        xs = x0 + np.arange(region.shape[1], dtype=np.float32) / SCALE
        ys = y0 + np.arange(region.shape[0], dtype=np.float32) / SCALE
        across = np.exp(-0.5 * ((xs - centre[0]) / radii[0]) ** 2)
        down = np.exp(-0.5 * ((ys - centre[1]) / radii[1]) ** 2)
        alpha = np.outer(down, across) * opacity
        _lay(region, colour, alpha.astype(np.float32))

    def multiply(self, box: tuple[float, float, float, float], factors: np.ndarray) -> None:
        """Multiply a box ``x0 y0 x1 y1`` by a coarse map (h, w, 3) of factors: light."""
        window = self._window(np.array(box[:2]), np.array(box[2:]))
        if window is None:
            return
        (x0, y0, _, _), region = window
        width, height = box[2] - box[0], box[3] - box[1]
        # The part of the map that the picture shows, where the box runs over its edge.
        to_map = np.array(
            [
                [factors.shape[1] / width / SCALE, 0, (x0 - box[0]) * factors.shape[1] / width],
                [0, factors.shape[0] / height / SCALE, (y0 - box[1]) * factors.shape[0] / height],
            ]
        )
        light = cv2.warpAffine(
            factors,
            to_map,
            (region.shape[1], region.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        cv2.multiply(region, light, dst=region, dtype=cv2.CV_8U)

    @contextmanager
    def inside(self, points: Points) -> Iterator[None]:
        """Whatever is painted meanwhile shows only inside this polygon."""
        before = self.image.copy()
        yield
        mask = np.zeros(before.shape[:2], np.uint8)
        fixed = np.rint(points * (SCALE * (1 << _SHIFT))).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_8, _SHIFT)
        cv2.copyTo(self.image, mask, before)
        self.image = before

    def _window(
        self, low: np.ndarray, high: np.ndarray
    ) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
        """The whole photo pixels between two corners, and that part of the canvas."""
        width, height = self.size
        x0, y0 = max(0, int(np.floor(low[0]))), max(0, int(np.floor(low[1])))
        x1, y1 = min(width, int(np.ceil(high[0]))), min(height, int(np.ceil(high[1])))
        if x1 <= x0 or y1 <= y0:
            return None
        return (x0, y0, x1, y1), self.image[y0 * SCALE : y1 * SCALE, x0 * SCALE : x1 * SCALE]

    def photograph(self) -> np.ndarray:
        """The finished picture, (height, width, 3) uint8 RGB."""
        return cv2.resize(self.image, self.size, interpolation=cv2.INTER_AREA)


def _lay(region: np.ndarray, colour: Colour, alpha: np.ndarray) -> None:
    """Lay a colour over a region with (h, w) opacities."""
    painted = region.astype(np.float32)
    painted += (np.array(colour, np.float32) - painted) * alpha[..., None]
    np.rint(painted, out=painted)
    region[:] = painted
