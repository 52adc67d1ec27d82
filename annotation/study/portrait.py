"""Paint one specified face and say where its parts are."""

from dataclasses import dataclass

import numpy as np

from annotation.study import camera, coverings, features, hair, head, scene
from annotation.study.anatomy import Anatomy
from annotation.study.coverings import Covering
from annotation.study.features import Sitter
from annotation.study.geometry import Head, Points
from annotation.study.painting import Canvas
from annotation.study.specification import FaceSpec


@dataclass(frozen=True)
class DrawnFace:
    """A photograph and what is known about it. Pixels from the upper left corner."""

    spec: FaceSpec
    picture: np.ndarray
    """(height, width, 3) uint8 RGB."""
    box: tuple[float, float, float, float]
    """x_min, y_min, x_max, y_max of the face from brow to chin, within the picture."""
    landmarks: Points
    """(5, 2): left eye, right eye, nose tip, left and right mouth corner (image left and right)."""
    points: Points
    """(37, 2) in the order of RAF-DB's automatic landmarks."""


def paint(spec: FaceSpec) -> DrawnFace:
    """Paint the face, back to front, and take its photograph."""
    canvas = Canvas(spec.frame.width, spec.frame.height)
    sitter = Sitter(canvas, _head(spec), Anatomy(spec.identity, spec.units, spec.bearing))
    scene.paint_background(canvas, spec.surroundings)
    hair.paint_back(sitter)
    head.paint_neck(sitter)
    scene.paint_clothes(sitter, spec.surroundings)
    head.paint_ears(sitter)
    outline = head.paint_skin(sitter, spec.light)
    features.paint_nose(sitter, spec.light.direction[0])
    features.paint_mouth(sitter)
    features.paint_eyes(sitter)
    features.paint_brows(sitter)
    hair.paint_front(sitter)
    _cover(sitter, spec)
    picture = camera.take(canvas.photograph(), spec.camera)
    landmarks, points = _landmarks(sitter.head, sitter.face)
    return DrawnFace(spec, picture, _box(outline, sitter, picture.shape), landmarks, points)


def marks(spec: FaceSpec) -> tuple[Points, Points]:
    """(5, 2) and (37, 2) landmarks of a specified face, without painting it."""
    return _landmarks(_head(spec), Anatomy(spec.identity, spec.units, spec.bearing))


def _head(spec: FaceSpec) -> Head:
    who, pose = spec.identity, spec.pose
    frame = spec.frame
    return Head(frame.centre, frame.unit, pose.yaw, pose.pitch, pose.roll, who.width, who.length)


def _cover(sitter: Sitter, spec: FaceSpec) -> None:
    if spec.covering in (Covering.GLASSES, Covering.SUNGLASSES):
        dark = spec.covering is Covering.SUNGLASSES
        coverings.paint_glasses(sitter, dark, spec.covering_kind)
    elif spec.covering is Covering.HAND:
        coverings.paint_hand(sitter, 1 if spec.covering_kind % 2 else -1)


def _box(
    outline: Points, sitter: Sitter, shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """The skin's outline from above the brows down, as face detectors cut it."""
    top = sitter.head.project([(0.0, sitter.face.eye_level - 0.75)])[0, 1]
    x0, y0 = outline[:, 0].min(), max(float(top), outline[:, 1].min())
    x1, y1 = outline.max(0)
    limits = np.clip([x0, y0, x1, y1], 0, [shape[1], shape[0], shape[1], shape[0]])
    return tuple(round(float(v), 1) for v in limits)  # type: ignore[return-value]


def _landmarks(head: Head, face: Anatomy) -> tuple[Points, Points]:
    """The five manual and the 37 automatic points."""
    eyes = {side: face.eye(side) for side in (-1, 1)}
    mouth, tip = face.mouth, face.nose_tip[1]
    nose = np.array([(0.0, tip - 0.05, 1.15)])
    centres = [eyes[side].opening.mean(0, keepdims=True) for side in (-1, 1)]
    corners = np.stack([mouth.left, mouth.right])
    five = [head.project(c) for c in centres] + [head.project(nose), head.project(corners)]
    brows = [face.brow(-1)[[-1, 7, 0]], face.brow(1)[[0, 7, -1]]]
    wing = 0.165 * face.who.nose
    base = [
        (-wing, tip),
        (-0.6 * wing, tip + 0.05),
        (0.0, tip + 0.06),
        (0.6 * wing, tip + 0.05),
        (wing, tip),
    ]
    rings = [_ring(eyes[side].upper, eyes[side].lower) for side in (-1, 1)]
    lips = np.concatenate([mouth.outer_top[[0, 3, 7, 11, 14]], mouth.outer_bottom[[10, 7, 4]],
                           mouth.inner_top[[4, 10]], mouth.inner_bottom[[10, 4]]])  # fmt: skip
    flat = [*brows, np.array([(0.0, face.eye_level)])]
    points = [head.project(p) for p in flat] + [head.project(nose), head.project(base, z=0.9)]
    points += [head.project(p) for p in (*rings, lips)]
    return np.concatenate(five), np.concatenate(points)


def _ring(upper: Points, lower: Points) -> Points:
    """Six points round an eye, from its left corner over the upper lid."""
    return np.concatenate([upper[[0, 4, 10, 14]], lower[[10, 4]]])
