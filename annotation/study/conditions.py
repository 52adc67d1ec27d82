"""What makes a database hard: how the world, and people who pose, differ from a clean drawing.

The site's demonstration shows clean faces, which people look at for hours. A database for
``training`` should be as hard to learn from as real ones are: RAF-DB's photographs have "variable
lighting, poses and occlusions" and many resolutions (paper §4), and laboratory sitters do not all
manage the prototype they are asked for. All of it is drawn from the face's own generator, and none
of it depends on the expression.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from annotation.study.action_units import Units
from annotation.study.coverings import Covering
from annotation.study.geometry import Points, smooth
from annotation.study.specification import FaceSpec, Pose, Style

POINT_ERROR = {Style.WILD: 0.05, Style.LAB: 0.02}
"""Standard deviation of a landmark's error, in distances between the eyes."""


@dataclass(frozen=True)
class Photograph:
    """A photograph as a database has it: (height, width, 3) uint8 RGB, and five points (5, 2)."""

    picture: np.ndarray
    landmarks: Points


def generator(seed: int, index: int) -> np.random.Generator:
    """The chance of one face's conditions; the face itself has another."""
    return np.random.default_rng([seed, index, 6])


def harder(spec: FaceSpec, rng: np.random.Generator) -> FaceSpec:
    """The same person and expression: turned and covered more often, or posed less perfectly."""
    if spec.style is Style.LAB:
        return replace(spec, units=_as_managed(spec.units, rng))
    yaw, pitch = rng.normal(0, (18.0, 8.0))
    pose = Pose(float(np.clip(yaw, -34, 34)), float(np.clip(pitch, -16, 14)), spec.pose.roll)
    covering = spec.covering
    if covering is Covering.NONE and rng.random() < 0.10:
        covering = Covering.HAND if rng.random() < 0.6 else Covering.SUNGLASSES
    return replace(spec, pose=pose, covering=covering)


def _as_managed(units: Units, rng: np.random.Generator) -> Units:
    """Of a prototype, one unit in six is forgotten and the others come out weaker."""
    kept = {u: 0.0 if rng.random() < 1 / 6 else float(rng.uniform(0.35, 1.0)) for u in units}
    return {u: strength * kept[u] for u, strength in units.items()}


def photograph(
    picture: np.ndarray, landmarks: Points, style: Style, rng: np.random.Generator
) -> Photograph:
    """What became of the picture before the database had it, with points as found, not as known."""
    apart = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    found = landmarks + rng.normal(0, POINT_ERROR[style] * apart, landmarks.shape)
    if style is Style.LAB:
        return Photograph(picture, found)
    middle, taken = landmarks.mean(axis=0), picture
    if rng.random() < 0.45:
        taken = _shadow(taken, middle, apart, rng)
    if rng.random() < 0.35:
        taken = _something_in_front(taken, middle, apart, rng)
    taken = _tone(taken, rng)
    if rng.random() < 0.5:
        taken = _from_afar(taken, apart, rng)
    return Photograph(taken, found)


def _shadow(
    picture: np.ndarray, middle: Points, apart: float, rng: np.random.Generator
) -> np.ndarray:
    """A shadow with a straight edge across the face: of a hat, a window frame, a tree."""
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    side = (x - middle[0]) * np.cos(angle) + (y - middle[1]) * np.sin(angle)
    side -= rng.uniform(-0.7, 0.7) * apart
    dark = rng.uniform(0.35, 0.75)
    soft = apart * rng.uniform(0.02, 0.25)
    factor = (1 - (1 - dark) / (1 + np.exp(-np.clip(side / soft, -30, 30)))).astype(np.float32)
    return np.asarray(cv2.multiply(picture, cv2.merge([factor] * 3), dtype=cv2.CV_8U))


def _something_in_front(
    picture: np.ndarray, middle: Points, apart: float, rng: np.random.Generator
) -> np.ndarray:
    """A cup, a microphone, a shoulder: a blot of one colour at the edge of the face."""
    angle, away = rng.uniform(0, 2 * np.pi), apart * rng.uniform(0.7, 1.3)
    centre = middle + away * np.array([np.cos(angle), np.sin(angle)])
    turns = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    radii = apart * rng.uniform(0.35, 0.75) * rng.uniform(0.7, 1.3, 9)
    ring = centre + np.stack([np.cos(turns), np.sin(turns)], 1) * radii[:, None]
    fixed = np.rint(smooth(ring, closed=True) * 16).astype(np.int32)
    covered = picture.copy()
    cv2.fillPoly(covered, [fixed], [float(v) for v in rng.uniform(20, 230, 3)], cv2.LINE_AA, 4)
    return covered


def _tone(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Too dark, too bright, too flat: a gamma and a contrast of the whole photograph."""
    gamma, contrast = np.exp(rng.normal(0, 0.35)), rng.uniform(0.55, 1.15)
    values = np.linspace(0, 1, 256) ** gamma
    table = np.clip(255 * ((values - 0.5) * contrast + 0.5), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table))


def _from_afar(picture: np.ndarray, apart: float, rng: np.random.Generator) -> np.ndarray:
    """Only 12 to 36 pixels between the eyes, compressed, and enlarged again."""
    height, width = picture.shape[:2]
    share = min(1.0, np.exp(rng.uniform(np.log(12), np.log(36))) / apart)
    size = (max(round(width * share), 8), max(round(height * share), 8))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 90))])
    small = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
