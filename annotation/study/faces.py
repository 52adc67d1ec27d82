"""Drawn faces for the simulated study: pictures whose truth is known. Knows no Django.

    for face in study(600, seed=1):
        face.picture, face.box, face.landmarks, face.spec.expression, face.spec.easiness

Face i depends only on (seed, i, style): any part of a study can be drawn anywhere, in any order.
"""

from collections.abc import Iterator
from dataclasses import replace

from annotation.study import action_units
from annotation.study.camera import Camera
from annotation.study.coverings import Covering
from annotation.study.identity import Age
from annotation.study.portrait import DrawnFace, paint
from annotation.study.specification import (
    COMPOUND_SHARE,
    FaceSpec,
    Style,
    specify,
)
from reliability.expressions import Expression

__all__ = [
    "COMPOUND_SHARE",
    "DrawnFace",
    "FaceSpec",
    "Style",
    "draw",
    "examples",
    "paint",
    "specify",
    "study",
]


def draw(
    index: int,
    seed: int = 0,
    style: Style | str = Style.WILD,
    compound_share: float = COMPOUND_SHARE,
) -> DrawnFace:
    """Face ``index`` of the study ``seed``."""
    return paint(specify(index, seed, style, compound_share))


def study(
    n: int,
    seed: int = 0,
    style: Style | str = Style.WILD,
    compound_share: float = COMPOUND_SHARE,
) -> Iterator[DrawnFace]:
    """The first ``n`` faces of the study ``seed``, drawn one after another."""
    return (draw(index, seed, style, compound_share) for index in range(n))


def examples(expression: Expression, n: int, seed: int = 2017) -> list[DrawnFace]:
    """``n`` clear faces of one expression for the tutorial: prototypes in good light."""
    return [paint(_example(expression, index, seed)) for index in range(n)]


def _example(expression: Expression, index: int, seed: int) -> FaceSpec:
    posed = specify(index, seed, Style.LAB, expression=expression)
    wild = specify(index, seed, Style.WILD, expression=expression)
    who = replace(wild.identity, beard=min(wild.identity.beard, 0.3))
    if who.age is Age.BABY:
        who = replace(who, age=Age.YOUNG)
    return replace(
        wild,
        units={u: min(1.0, 1.05 * posed.units[u]) for u in action_units.UNITS},
        identity=who,
        pose=replace(wild.pose, yaw=wild.pose.yaw * 0.3, pitch=0.0, roll=wild.pose.roll * 0.4),
        covering=Covering.NONE,
        camera=Camera(),
        frame=posed.frame,
        easiness=6.0,
    )
