"""Paint eyes, brows, nose and mouth."""

from dataclasses import dataclass

import numpy as np

from annotation.study.action_units import Units
from annotation.study.anatomy import Anatomy, Eye
from annotation.study.geometry import Head, ellipse, smooth
from annotation.study.painting import Canvas, Colour, darker, lighter, mix, rgb

_WHITE_OF_EYE = rgb(250, 247, 242)
_PUPIL = rgb(20, 16, 18)
_TEETH = rgb(250, 247, 240)
_GULLET = rgb(94, 34, 38)
_TONGUE = rgb(206, 104, 104)
_ROSE = rgb(196, 88, 92)


@dataclass(frozen=True)
class Sitter:
    """A face on a canvas: what every brush below needs."""

    canvas: Canvas
    head: Head
    face: Anatomy

    @property
    def skin(self) -> Colour:
        """The skin's own colour."""
        return self.face.who.skin

    def px(self, share: float) -> float:
        """A length in half face widths as pixels."""
        return share * self.head.unit


def paint_eyes(sitter: Sitter) -> None:
    """Both eyes with lids and lashes."""
    for side in (-1, 1):
        eye = sitter.face.eye(side)
        _socket(sitter, eye, side)
        _eyeball(sitter, eye)
        _lids(sitter, eye, side)


def _socket(sitter: Sitter, eye: Eye, side: int) -> None:
    canvas, head, shadow = sitter.canvas, sitter.head, darker(sitter.skin, 0.72)
    deep = head.project([(eye.centre[0] - side * 0.10, eye.centre[1] - 0.13)])[0]
    canvas.glow(deep, (sitter.px(0.17), sitter.px(0.09)), shadow, 0.42)
    under = head.project([(eye.centre[0], eye.centre[1] + 0.17)])[0]
    tired = 0.12 + 0.22 * min(1.0, sitter.face.who.wrinkles)
    canvas.glow(under, (sitter.px(0.15), sitter.px(0.05)), shadow, tired)
    # The lid between crease and lashes catches light.
    lid = head.project(np.concatenate([eye.crease, eye.upper[::-1]]))
    canvas.soft(lid, lighter(sitter.skin, 0.25), 0.55, sitter.px(0.015))


def _eyeball(sitter: Sitter, eye: Eye) -> None:
    canvas, head = sitter.canvas, sitter.head
    opening = head.project(eye.opening)
    centre = head.project([tuple(eye.iris)])[0]
    radius = sitter.px(eye.iris_radius) * (0.5 + 0.5 * head.length)
    iris = sitter.face.who.iris
    with canvas.inside(opening):
        canvas.fill(opening, _WHITE_OF_EYE)
        canvas.fill(ellipse(centre, (radius, radius)), darker(iris, 0.62))
        canvas.fill(ellipse(centre, (radius * 0.86, radius * 0.86)), iris)
        canvas.glow(
            centre + np.array((0, radius * 0.5)),
            (radius * 0.4, radius * 0.3),
            lighter(iris, 0.6),
            0.6,
        )
        canvas.fill(ellipse(centre, (radius * 0.47, radius * 0.47)), _PUPIL)
        # The upper lid throws a shadow on the ball.
        rim = head.project(eye.upper)
        canvas.soft_pen(rim, rgb(70, 52, 58), sitter.px(0.09), 0.55, sitter.px(0.02))
        glint = centre + np.array([-0.36, -0.38]) * radius
        canvas.fill(ellipse(glint, (radius * 0.24, radius * 0.24), 14), rgb(255, 255, 255))
        faint = centre + np.array([0.35, 0.40]) * radius
        canvas.fill(ellipse(faint, (radius * 0.11, radius * 0.11), 10), lighter(iris, 0.75))


def _lids(sitter: Sitter, eye: Eye, side: int) -> None:
    canvas, head, who = sitter.canvas, sitter.head, sitter.face.who
    line = mix(darker(sitter.skin, 0.32), rgb(40, 28, 28), 0.55)
    upper = eye.upper if side > 0 else eye.upper[::-1]  # from the inner to the outer corner
    thick = sitter.px(0.026 + 0.012 * who.lashes) * np.linspace(0.45, 1.0, len(upper))
    thick[0] = 0
    if who.lashes > 0.5:  # the wing that made-up lashes draw beyond the corner
        tip = upper[-1] + np.array([side * 0.05, -0.03]) * who.lashes
        upper, thick = np.vstack([upper, tip]), np.append(thick, 0.0)
    canvas.pen(head.project(upper), line, thick)
    soft_line = darker(sitter.skin, 0.55)
    lower = head.project(eye.lower[2:] if side > 0 else eye.lower[:-2])
    canvas.pen(lower, soft_line, sitter.px(0.014))
    if who.crease > 0.05:
        crease = head.project(eye.crease)
        canvas.soft_pen(crease, soft_line, sitter.px(0.024), 0.75 * who.crease, sitter.px(0.006))
    _bags(sitter, eye, side)


def _bags(sitter: Sitter, eye: Eye, side: int) -> None:
    """Folds under the eye (AU6, AU7, age) and crow's feet (AU6, age)."""
    canvas, head, units = sitter.canvas, sitter.head, sitter.face.units
    age = sitter.face.who.wrinkles
    pushed = min(1.0, max(units[6], 0.7 * units[7], 0.6 * age))
    fold = darker(sitter.skin, 0.66)
    if pushed > 0.1:
        x = eye.centre[0] + np.linspace(-0.17, 0.19, 9) * side
        sag = np.sin(np.linspace(0.25, np.pi * 0.95, 9))
        y = eye.lower.max(0)[1] + 0.035 + 0.035 * sag - 0.01 * units[6]
        line = head.project(np.stack([x, y], 1))
        canvas.soft_pen(line, fold, sitter.px(0.028), 0.75 * pushed, sitter.px(0.01))
    feet = min(1.0, units[6] * (0.35 + 0.5 * age) + 0.4 * age)
    if feet > 0.12 and not sitter.face.who.is_child:
        for rise in (-0.075, -0.005, 0.065):
            start = eye.centre + np.array([side * 0.265, rise * 0.55])
            end = eye.centre + np.array([side * 0.365, rise * 1.5])
            line = head.project(np.linspace(start, end, 5))
            canvas.soft_pen(line, fold, sitter.px(0.02), 0.8 * feet, sitter.px(0.005))


def paint_brows(sitter: Sitter) -> None:
    """Both brows: a soft body and a few hairs."""
    who = sitter.face.who
    colour = mix(darker(who.hair, 0.72), darker(sitter.skin, 0.5), 0.25)
    if sum(who.hair) > 450:  # fair and white hair has darker brows
        colour = mix(darker(who.hair, 0.6), darker(sitter.skin, 0.45), 0.5)
    for side in (-1, 1):
        line = sitter.face.brow(side)
        n = len(line)
        profile = np.interp(np.linspace(0, 1, n), (0, 0.12, 0.55, 1), (0.55, 1.0, 0.85, 0.0))
        width = sitter.px(0.082 * who.brows) * profile
        body = sitter.head.project(line)
        sitter.canvas.soft_pen(body, colour, sitter.px(0.085 * who.brows), 0.45, sitter.px(0.02))
        sitter.canvas.pen(body, colour, width)
        for at in range(1, n - 3, 2):
            lean = np.array([side * 0.035, -0.032 * profile[at]])
            hair = np.stack([line[at] + (0, 0.012), line[at] + lean])
            hair_px = sitter.head.project(hair)
            sitter.canvas.pen(hair_px, colour, sitter.px(0.02) * np.array([1.0, 0.2]))


def paint_nose(sitter: Sitter, light_from: float) -> None:
    """The nose by its shadows and lights; ``light_from`` is −1 (image left) to 1 (right)."""
    canvas, head, face = sitter.canvas, sitter.head, sitter.face
    who, tip_y, top = face.who, face.nose_tip[1], face.eye_level
    shadow, wing = darker(sitter.skin, 0.66), 0.165 * who.nose * (1 + 0.10 * face.units[9])
    away = -1.0 if light_from > 0 else 1.0
    flank = [
        (away * 0.07, top - 0.12, 0.92),
        (away * 0.085, top + 0.12, 1.0),
        (away * wing * 0.95, tip_y - 0.07, 0.95),
        (away * wing * 0.75, tip_y + 0.03, 0.95),
        (away * 0.03, tip_y - 0.06, 1.08),
        (away * 0.03, top + 0.10, 1.0),
    ]
    canvas.soft(head.project(smooth(flank, closed=True)), shadow, 0.50, sitter.px(0.03))
    below = ellipse((0, tip_y + 0.085), (wing * 1.05, 0.045))
    canvas.soft(head.project(below, z=0.9), shadow, 0.42, sitter.px(0.028))
    ridge = head.project([(-away * 0.02, top, 0.98), (-away * 0.02, tip_y - 0.15, 1.1)])
    canvas.soft_pen(
        np.linspace(ridge[0], ridge[1], 6),
        lighter(sitter.skin, 0.6),
        sitter.px(0.07),
        0.5,
        sitter.px(0.025),
    )
    tip = head.project([(-away * 0.03, tip_y - 0.07, 1.15)])[0]
    canvas.glow(tip, (sitter.px(0.05), sitter.px(0.04)), lighter(sitter.skin, 0.75), 0.6)
    _nostrils(sitter, wing, tip_y)
    if face.units[9] > 0.1:
        for rise in (0.0, 0.065, 0.13):
            line = smooth(
                [(-0.10, top + rise + 0.02), (0, top + rise - 0.02), (0.10, top + rise + 0.02)]
            )
            canvas.soft_pen(
                head.project(line, z=0.93),
                shadow,
                sitter.px(0.024),
                0.85 * face.units[9],
                sitter.px(0.006),
            )


def _nostrils(sitter: Sitter, wing: float, tip_y: float) -> None:
    canvas, head, face = sitter.canvas, sitter.head, sitter.face
    line = darker(sitter.skin, 0.50)
    flare = 0.02 * max(face.units[9], face.units[10])
    for side in (-1, 1):
        hole = [
            (side * 0.045, tip_y + 0.045, 0.98),
            (side * 0.085, tip_y + 0.022 - flare, 0.95),
            (side * (0.125 + flare) * wing / 0.165, tip_y + 0.038, 0.9),
        ]
        canvas.pen(head.project(smooth(hole)), darker(sitter.skin, 0.36), sitter.px(0.040))
        curve = [
            (side * wing * 0.86, tip_y - 0.085 - flare, 0.88),
            (side * (wing + 0.02 + flare), tip_y - 0.01 - flare, 0.84),
            (side * (wing - 0.015), tip_y + 0.05 - flare, 0.86),
        ]
        canvas.pen(head.project(smooth(curve)), mix(line, sitter.skin, 0.25), sitter.px(0.020))


def paint_mouth(sitter: Sitter) -> None:
    """Lips, and what shows between them."""
    canvas, head, face = sitter.canvas, sitter.head, sitter.face
    mouth, who = face.mouth, face.who
    lip = mix(mix(sitter.skin, _ROSE, 0.42), rgb(178, 48, 62), 0.75 * who.lipstick)
    upper = head.project(np.concatenate([mouth.outer_top, mouth.inner_top[::-1]]))
    lower = head.project(np.concatenate([mouth.inner_bottom, mouth.outer_bottom[::-1]]))
    bed = head.project(mouth.outer_bottom + np.array((0, 0.05)))
    canvas.soft_pen(bed[3:-3], darker(sitter.skin, 0.68), sitter.px(0.09), 0.55, sitter.px(0.03))
    if mouth.opening >= 0.015:
        _inside_mouth(sitter)
    canvas.fill(lower, lip)
    canvas.fill(upper, darker(lip, 0.84))
    _lip_shine(sitter, lip)
    seam = mix(darker(lip, 0.42), _GULLET, 0.4)
    if mouth.opening < 0.015:
        canvas.pen(head.project(mouth.inner_top), seam, sitter.px(0.026))
    for corner, side in ((mouth.left, -1), (mouth.right, 1)):
        dent = head.project([(corner[0] + side * 0.01, corner[1])])[0]
        canvas.glow(dent, (sitter.px(0.03), sitter.px(0.028)), darker(sitter.skin, 0.5), 0.42)


def _lip_shine(sitter: Sitter, lip: Colour) -> None:
    mouth = sitter.face.mouth
    middle = (mouth.inner_bottom[5:10] + mouth.outer_bottom[5:10]) / 2
    line = sitter.head.project(middle)
    shine = 0.35 + 0.35 * sitter.face.who.lipstick
    sitter.canvas.soft_pen(line, lighter(lip, 0.6), sitter.px(0.028), shine, sitter.px(0.01))


def _inside_mouth(sitter: Sitter) -> None:
    canvas, head, face = sitter.canvas, sitter.head, sitter.face
    mouth, units = face.mouth, face.units
    top, bottom = mouth.inner_top, mouth.inner_bottom
    hole = head.project(np.concatenate([top, bottom[::-1]]))
    with canvas.inside(hole):
        canvas.fill(hole, _GULLET)
        if mouth.opening > 0.13:
            low = bottom[:, 1].max()
            tongue = ellipse((0.0, low + 0.01), (0.20, 0.10 + 0.15 * mouth.opening))
            canvas.soft(head.project(tongue), _TONGUE, 0.95, sitter.px(0.012))
        _teeth(sitter, units)
        canvas.soft_pen(head.project(top), rgb(60, 18, 22), sitter.px(0.035), 0.5, sitter.px(0.012))


def _teeth(sitter: Sitter, units: Units) -> None:
    """Upper teeth follow the upper lip; clenched or stretched mouths show the lower ones too."""
    canvas, head, mouth = sitter.canvas, sitter.head, sitter.face.mouth
    top, bottom = mouth.inner_top, mouth.inner_bottom
    shown = min(0.105, mouth.opening * 0.62) * (1 - 0.45 * units[27])
    arch = 0.55 + 0.45 * np.cos(np.linspace(-1.2, 1.2, len(top)))
    edge = top + np.stack([np.zeros(len(top)), shown * arch], 1)
    canvas.fill(head.project(np.concatenate([top - (0, 0.05), edge[::-1]])), _TEETH)
    tense = max(units[20], units[17] * units[4], units[4] * units[7])
    if tense > 0.25 and mouth.opening > 0.08:
        rise = min(0.06, mouth.opening * 0.3) * arch
        edge = bottom - np.stack([np.zeros(len(bottom)), rise], 1)
        canvas.fill(
            head.project(np.concatenate([bottom + np.array((0, 0.05)), edge[::-1]])),
            darker(_TEETH, 0.93),
        )
