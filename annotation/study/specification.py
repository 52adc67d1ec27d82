"""What a drawn face will be, decided before a stroke is painted."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from annotation.study import action_units, camera, identity, scene
from annotation.study.action_units import Units
from annotation.study.anatomy import Bearing
from annotation.study.camera import Camera
from annotation.study.coverings import Covering
from annotation.study.head import Light
from annotation.study.identity import Age, Identity
from annotation.study.painting import rgb
from annotation.study.scene import Surroundings
from reliability.expressions import COMPOUNDS, N_DISTRIBUTED_COMPOUNDS, Expression


class Style(StrEnum):
    """Photographs of the real world, or of a laboratory with posed sitters."""

    WILD = "wild"
    LAB = "lab"


_BASIC_COUNTS = np.array([1290, 281, 717, 4772, 1982, 705, 2524])
"""RAF-DB's basic training images per expression."""
_COMPOUND_COUNTS = np.array([697, 266, 129, 163, 86, 738, 150, 560, 176, 841, 148])
"""RAF-DB's compound images per class, in the order of its labels."""
COMPOUND_SHARE = 0.2
"""Two-tab images among those that RAF-DB gives out (3,954 of 19,293)."""


@dataclass(frozen=True)
class Pose:
    """How the head is turned, in degrees (``geometry.Head``)."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class Frame:
    """The photograph's size and where the face is in it, in pixels."""

    width: int
    height: int
    centre: tuple[float, float]
    unit: float
    """Half the face's width."""


@dataclass(frozen=True)
class FaceSpec:
    """Everything that is drawn, and what it shows in truth."""

    index: int
    style: Style
    expression: Expression
    second: Expression | None
    """The other expression of a compound face; a single one has None."""
    units: Units
    bearing: Bearing
    identity: Identity
    pose: Pose
    light: Light
    covering: Covering
    covering_kind: int
    surroundings: Surroundings
    camera: Camera
    frame: Frame
    easiness: float
    """β > 0 of the paper's model: 1/β is the image's difficulty. Around 1 for a middling face."""


_E = Expression
_BEARINGS: Mapping[Expression, Bearing] = {
    _E.SURPRISE: Bearing(gaze=(0.0, -0.1)),
    _E.FEAR: Bearing(gaze=(0.55, 0.0), blush=0.05, corner_sag=0.5),
    _E.DISGUST: Bearing(gaze=(-0.45, 0.25), squint=0.65, corner_sag=0.7, blush=0.15),
    _E.HAPPINESS: Bearing(blush=0.75),
    _E.SADNESS: Bearing(lid_droop=0.42, gaze=(0.15, 0.75), corner_sag=1.0, blush=0.25),
    _E.ANGER: Bearing(blush=0.9, corner_sag=0.4),
    _E.NEUTRAL: Bearing(),
}
_NODS: Mapping[Expression, float] = {
    _E.SADNESS: -7.0,
    _E.ANGER: -4.0,
    _E.FEAR: 3.0,
    _E.DISGUST: 3.0,
}


def specify(
    index: int,
    seed: int = 0,
    style: Style | str = Style.WILD,
    compound_share: float = COMPOUND_SHARE,
    expression: Expression | None = None,
) -> FaceSpec:
    """Decide face ``index`` of the study ``seed``: the same whatever was drawn before it.

    ``compound_share`` (0–1) of the faces show two expressions; the laboratory poses single ones
    only. Class balance is RAF-DB's unless ``expression`` is given.
    """
    style = Style(style)
    if not 0.0 <= compound_share <= 1.0:
        raise ValueError(f"compound_share must be between 0 and 1, not {compound_share}")
    rng = np.random.default_rng([seed, index, style is Style.LAB])
    posed = style is Style.LAB
    first, second = _truth(rng, 0.0 if posed else compound_share, expression)
    strength = float(rng.uniform(0.78, 1.0) if posed else 0.45 + 0.55 * rng.beta(2.4, 1.3))
    units = _units(first, second, strength, posed, rng)
    who = identity.sample(rng, adults_only=posed)
    covering, kind = _covering(who, posed, rng)
    shot = camera.sample(rng, posed)
    pose = _pose(first, posed, rng)
    return FaceSpec(
        index=index,
        style=style,
        expression=first,
        second=second,
        units=units,
        bearing=_bearing(first, second, strength, posed, rng),
        identity=who,
        pose=pose,
        light=_light(posed, rng),
        covering=covering,
        covering_kind=kind,
        surroundings=scene.sample(rng, posed),
        camera=shot,
        frame=_frame(posed, rng),
        easiness=_easiness(units, first, second, pose, covering, shot, rng),
    )


def _truth(
    rng: np.random.Generator, compound_share: float, expression: Expression | None
) -> tuple[Expression, Expression | None]:
    is_compound = rng.random() < compound_share
    basic = Expression(int(rng.choice(7, p=_BASIC_COUNTS / _BASIC_COUNTS.sum())))
    pair = rng.choice(N_DISTRIBUTED_COMPOUNDS, p=_COMPOUND_COUNTS / _COMPOUND_COUNTS.sum())
    if expression is not None:
        return expression, None
    if not is_compound:
        return basic, None
    _, first, second = COMPOUNDS[int(pair)]
    return first, second


def _units(
    first: Expression,
    second: Expression | None,
    strength: float,
    posed: bool,
    rng: np.random.Generator,
) -> Units:
    if posed:
        return action_units.pose(first, strength, rng)
    units = action_units.sample(first, strength, rng)
    if second is None:
        return units
    other = action_units.sample(second, strength, rng)
    return action_units.blend(units, other, float(rng.uniform(0.4, 0.6)))


def _bearing(
    first: Expression,
    second: Expression | None,
    strength: float,
    posed: bool,
    rng: np.random.Generator,
) -> Bearing:
    plans = [_BEARINGS[e] for e in (first, second) if e is not None]
    share = strength / len(plans)
    side = float(rng.choice([-1, 1]))
    wander = rng.normal(0, 0.03 if posed else 0.22, 2)
    return Bearing(
        lid_droop=share * sum(p.lid_droop for p in plans),
        gaze=(
            side * share * sum(p.gaze[0] for p in plans) + float(wander[0]),
            share * sum(p.gaze[1] for p in plans) + 0.5 * float(wander[1]),
        ),
        corner_sag=share * sum(p.corner_sag for p in plans),
        squint=share * sum(p.squint for p in plans),
        blush=float(np.mean([p.blush for p in plans])) * (0.5 if posed else 1.0),
        lopsided=float(np.clip(rng.normal(0, 0.08 if posed else 0.30), -1, 1)),
    )


def _pose(expression: Expression, posed: bool, rng: np.random.Generator) -> Pose:
    yaw, pitch, roll = rng.normal(0, (1.5, 1.2, 0.8) if posed else (13.0, 6.0, 6.0))
    nod = 0.0 if posed else _NODS.get(expression, 0.0)
    return Pose(float(np.clip(yaw, -28, 28)), float(np.clip(pitch + nod, -15, 13)), float(roll))


def _light(posed: bool, rng: np.random.Generator) -> Light:
    if posed:
        return Light((0.0, -0.35, 0.94), 0.25, rgb(1, 1, 1))
    across, down = rng.uniform(-0.85, 0.85), rng.uniform(-0.75, 0.0)
    towards = np.sqrt(max(0.15, 1 - across**2 - down**2))
    norm = float(np.sqrt(across**2 + down**2 + towards**2))
    direction = (float(across) / norm, float(down) / norm, float(towards) / norm)
    return Light(direction, float(rng.beta(2, 2)), rgb(1, 1, 1))


def _covering(who: Identity, posed: bool, rng: np.random.Generator) -> tuple[Covering, int]:
    draw, kind = rng.random(), int(rng.integers(8))
    if posed or who.age is Age.BABY:
        return Covering.NONE, kind
    if draw < (0.15 if who.age < Age.MIDDLE else 0.32):
        return Covering.GLASSES, kind
    if draw > 0.985:
        return Covering.SUNGLASSES, kind
    if draw > 0.95:
        return Covering.HAND, kind
    return Covering.NONE, kind


def _frame(posed: bool, rng: np.random.Generator) -> Frame:
    if posed:
        return Frame(320, 320, (160.0, 146.0), 76.0)
    width, height = (int(side) for side in rng.integers(300, 401, 2) // 8 * 8)
    unit = float(min(width, height) * rng.uniform(0.215, 0.265))
    x = width * 0.5 + rng.normal(0, 0.035) * width
    y = height * 0.47 + rng.normal(0, 0.02) * height
    return Frame(width, height, (float(x), float(y)), unit)


def _easiness(
    units: Units,
    first: Expression,
    second: Expression | None,
    pose: Pose,
    covering: Covering,
    shot: Camera,
    rng: np.random.Generator,
) -> float:
    """β: clear faces are easy; two expressions, a turned head, a hand or blur make them harder."""
    seen = action_units.clarity(units, first)
    if second is not None:
        seen = 0.5 * min(seen, action_units.clarity(units, second))
    hidden = {Covering.HAND: 0.5, Covering.SUNGLASSES: 0.45}.get(covering, 0.0)
    hidden += 0.012 * max(0.0, abs(pose.yaw) - 10) + 0.12 * shot.blur
    level = np.log(0.35) + 2.6 * seen - hidden
    return float(np.exp(np.clip(level + rng.normal(0, 0.25), np.log(0.1), np.log(6.0))))
