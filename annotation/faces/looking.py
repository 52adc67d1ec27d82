"""One photograph: which faces are in it, and whether it can go on without a person's decision."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from annotation.images import geometry

from .detecting import Detector, Picture, Seen
from .models import Finding
from .proposing import propose, upright_patch

Kind = Finding.Kind
LEAST_SIDE = 60
"""A face whose box is narrower is too small to label, in pixels of the photograph."""
LEAST_SHARPNESS = 12.0
"""Variance of the Laplacian of the face at 100×100. Measured on drawn faces and on a photograph:
as they are 187 and more, blurred with a radius of 4 pixels 12 and less."""
SHARPNESS_SIDE = 100


@dataclass(frozen=True)
class Face:
    """A face of a photograph, in its pixels."""

    box: list[float]
    landmarks: list[list[float]] | None
    score: float
    sharpness: float

    @property
    def side(self) -> float:
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def is_good(self) -> bool:
        return self.side >= LEAST_SIDE and self.sharpness >= LEAST_SHARPNESS

    def stored(self) -> dict[str, Any]:
        return {
            "box": [round(v, 1) for v in self.box],
            "landmarks": self.landmarks,
            "score": round(self.score, 3),
            "sharpness": round(self.sharpness, 1),
        }


def look(picture: Picture, detector: Detector) -> tuple[str, list[Face]]:
    """What there is: a ``Finding.Kind`` and the faces, the good ones first, then by sureness."""
    faces = [_face(picture, seen) for seen in detector.faces(picture)]
    faces.sort(key=lambda face: (not face.is_good, -face.score))
    n_good = sum(face.is_good for face in faces)
    if n_good > 1:
        return Kind.SEVERAL, faces
    if n_good == 1:
        return Kind.FACE, faces
    if not faces:
        return Kind.NONE, faces
    is_large = any(face.side >= LEAST_SIDE for face in faces)
    return (Kind.BLURRED if is_large else Kind.SMALL), faces


def _face(picture: Picture, seen: Seen) -> Face:
    size = (picture.shape[1], picture.shape[0])
    points = propose(picture, seen.box) if seen.landmarks is None else seen.landmarks
    landmarks: list[list[float]] | None = [[round(float(v), 2) for v in p] for p in points]
    try:
        geometry.check_landmarks([(float(x), float(y)) for x, y in points], size)
    except geometry.Impossible:  # a proposal that cannot be right helps nobody
        landmarks = None
    box = geometry.clipped_box(seen.box, size)
    return Face(box, landmarks, seen.score, sharpness(picture, seen.box))


def sharpness(picture: Picture, box: tuple[float, float, float, float]) -> float:
    """Variance of the Laplacian of the face, reduced to one size so that faces compare."""
    grey = cv2.cvtColor(upright_patch(picture, box), cv2.COLOR_RGB2GRAY)
    side = (SHARPNESS_SIDE, SHARPNESS_SIDE)
    small = cv2.resize(grey, side, interpolation=cv2.INTER_AREA)
    return float(np.var(cv2.Laplacian(small, cv2.CV_64F)))
