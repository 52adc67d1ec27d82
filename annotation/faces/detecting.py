"""Where the faces are: OpenCV's cascades, or a neural detector when its model file is given.

The cascades ship inside OpenCV (below 5) and work offline. ``FACE_MODEL`` may name CenterFace's
ONNX file (7 MB, MIT), which also finds turned and covered faces and the five landmarks.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB."""
Points = NDArray[np.float64]
"""(5, 2) landmarks in pixels: eyes, nose tip, mouth corners."""
LEAST_SIDE = 32
"""A face is looked for from this side on, in pixels of the picture that is searched."""
LOOKED_AT = 960
"""Larger photographs are searched at this length of their longer side."""
DOUBLED = 0.4
"""Two boxes that share so much of their union are one face."""


class Seen(NamedTuple):
    """One face: box ``x_min, y_min, x_max, y_max``, how sure (0–1), landmarks if known."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: Points | None

    @property
    def side(self) -> float:
        """The shorter side of the box."""
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1])


class Detector(Protocol):
    """Finds faces; the surest first."""

    name: str

    def faces(self, picture: Picture) -> list[Seen]: ...


class Cascade:
    """Viola and Jones's boosted cascades (2001) for upright faces from the front."""

    name = "haar"

    def __init__(self) -> None:
        self._front = cascade("haarcascade_frontalface_alt2")

    def faces(self, picture: Picture) -> list[Seen]:
        small, scale = shrunk(picture)
        grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        boxes, _, weights = self._front.detectMultiScale3(
            grey, 1.1, 3, minSize=(LEAST_SIDE, LEAST_SIDE), outputRejectLevels=True
        )
        found = [
            Seen(_box(x / scale, y / scale, w / scale, h / scale), _sureness(weight), None)
            for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
        ]
        return _once_each(found)


class CenterFace:
    """Xu and others' anchor-free network (2019): boxes and landmarks from one heat map."""

    name = "centerface"
    SIDE, STRIDE = 640, 4
    """Always one size: OpenCV's network overflows when sizes change between pictures."""
    LEAST_SCORE = 0.5

    def __init__(self, model: Path) -> None:
        self._net = cv2.dnn.readNetFromONNX(str(model))
        # Named by number: heat map, sizes, shifts, landmarks.
        self._outputs = sorted(self._net.getUnconnectedOutLayersNames(), key=int)

    def faces(self, picture: Picture) -> list[Seen]:
        small, scale = shrunk(picture, self.SIDE)
        square = np.zeros((self.SIDE, self.SIDE, 3), np.uint8)
        square[: small.shape[0], : small.shape[1]] = small
        self._net.setInput(cv2.dnn.blobFromImage(square))
        outputs = self._net.forward(self._outputs)
        (heat,), sizes, shifts, points = (np.asarray(o[0], np.float64) for o in outputs)
        rows, columns = np.nonzero(heat > self.LEAST_SCORE)
        found = [
            self._seen(heat, sizes, shifts, points, r, c, scale)
            for r, c in zip(rows, columns, strict=True)
        ]
        return _once_each(found)

    def _seen(
        self, heat: Points, sizes: Points, shifts: Points, points: Points, r: int, c: int,
        scale: float,
    ) -> Seen:  # fmt: skip
        """One cell of the map as a face: its centre is shifted, its size a logarithm."""
        h, w = np.exp(sizes[:, r, c]) * self.STRIDE
        y, x = (np.array([r, c]) + shifts[:, r, c] + 0.5) * self.STRIDE
        corner = np.array([x - w / 2, y - h / 2])
        inside = points[:, r, c].reshape(5, 2)[:, ::-1] * (w, h)
        left, top = corner / scale
        return Seen(
            _box(left, top, w / scale, h / scale), float(heat[r, c]), (corner + inside) / scale
        )


@lru_cache(maxsize=4)
def detector(model: str = "") -> Detector:
    """The detector for a model file, or the cascades without one. Kept: loading takes time."""
    return CenterFace(Path(model)) if model else Cascade()


def cascade(name: str) -> cv2.CascadeClassifier:
    """One of the cascades that OpenCV carries."""
    found = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / f"{name}.xml"))
    if found.empty():
        raise FileNotFoundError(f"OpenCV {cv2.__version__} carries no {name}; use a version < 5")
    return found


def shrunk(picture: Picture, longest: int = LOOKED_AT) -> tuple[Picture, float]:
    """The picture at most ``longest`` long, and the scale it was shrunk by (≤ 1)."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale == 1.0:
        return picture, scale
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _box(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return float(x), float(y), float(x + width), float(y + height)


def _sureness(weight: float) -> float:
    """A cascade's last weight, which has no unit, to 0–1."""
    return float(1 / (1 + np.exp(-weight)))


def _once_each(found: list[Seen]) -> list[Seen]:
    kept: list[Seen] = []
    for one in sorted(found, key=lambda seen: -seen.score):
        if all(_shared(one.box, other.box) < DOUBLED for other in kept):
            kept.append(one)
    return kept


def _shared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes, but 1 where one lies within the other."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    shared = width * height
    return 1.0 if shared > 0.9 * min(areas) else shared / (sum(areas) - shared)
