"""Paint the head itself: neck, ears, skin with its light, folds and wrinkles, beard."""

from dataclasses import dataclass

import numpy as np

from annotation.study.features import Sitter
from annotation.study.geometry import Points, ellipse, smooth
from annotation.study.identity import Age
from annotation.study.painting import Colour, darker, lighter, mix, rgb


@dataclass(frozen=True)
class Light:
    """Where the light comes from and what it is like."""

    direction: tuple[float, float, float]
    """Right, down, towards the viewer; a unit vector from the face to the lamp."""
    strength: float
    """0 is a cloudy day, 1 a spotlight."""
    tint: Colour
    """Factors on red, green and blue, near 1."""


def paint_neck(sitter: Sitter) -> None:
    """The neck and the shadow that the chin throws on it."""
    canvas, head, drop = sitter.canvas, sitter.head, sitter.face.jaw_drop
    who = sitter.face.who
    slim = {Age.BABY: 0.40, Age.YOUNG: 0.44}.get(who.age, 0.50) * who.jaw
    half = [(0.0, 0.4, -0.1), (slim, 0.4, -0.1), (slim, 1.25, -0.1), (slim + 0.12, 1.75, -0.1)]
    flipped = [(-x, y, z) for x, y, z in half[:0:-1]]
    neck = head.project(smooth([*half, (0.0, 2.1, -0.1), *flipped], closed=True))
    canvas.fill(neck, darker(sitter.skin, 0.86))
    throat = ellipse((0.0, 1.10 + drop), (slim * 1.3, 0.42))
    with canvas.inside(neck):
        chin = head.project(throat, z=0.1)
        canvas.soft(chin, darker(sitter.skin, 0.58), 0.75, sitter.px(0.07))


def paint_ears(sitter: Sitter) -> None:
    """Two ears; the head is painted over their inner half."""
    canvas, head = sitter.canvas, sitter.head
    level = sitter.face.eye_level + 0.20
    for side in (-1, 1):
        ear = [
            (side * 0.90, level - 0.24, -0.02),
            (side * 1.06, level - 0.27, -0.08),
            (side * 1.135, level - 0.10, -0.10),
            (side * 1.07, level + 0.13, -0.06),
            (side * 0.97, level + 0.27, 0.0),
            (side * 0.88, level + 0.15, 0.0),
        ]
        canvas.fill(head.project(smooth(ear, closed=True)), darker(sitter.skin, 0.92))
        inner = [
            (side * 0.97, level - 0.16, 0.0),
            (side * 1.055, level - 0.15, -0.06),
            (side * 1.045, level + 0.02, -0.06),
            (side * 0.98, level + 0.12, 0.0),
        ]
        line = head.project(smooth(inner))
        canvas.soft_pen(line, darker(sitter.skin, 0.55), sitter.px(0.045), 0.7, sitter.px(0.012))


def paint_skin(sitter: Sitter, light: Light) -> Points:
    """The face without its features; returns its outline in the photograph."""
    canvas, face = sitter.canvas, sitter.face
    outline = sitter.head.project(face.outline)
    canvas.fill(outline, sitter.skin)
    with canvas.inside(outline):
        _light_skin(sitter, outline, light)
        _colour_skin(sitter)
        _folds(sitter)
        _forehead(sitter)
        _chin(sitter)
        if face.who.beard > 0:
            _beard(sitter)
    return outline


def _light_skin(sitter: Sitter, outline: Points, light: Light) -> None:
    """Light the outline's box as if an egg stood there: Lambert, with soft shadow."""
    (x0, y0), (x1, y1) = outline.min(0), outline.max(0)
    x = np.linspace(-1.0, 1.0, 40, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, 48, dtype=np.float32)[:, None]
    z = np.sqrt(np.maximum(0.02, 1.12 - 0.92 * x**2 - 0.55 * y**2))
    norm = np.sqrt((0.92 * x) ** 2 + (0.55 * y) ** 2 + z**2)
    right, down, front = light.direction
    lit = (0.92 * x * right + 0.55 * y * down + z * front) / norm
    lit = np.clip(0.5 + 0.5 * lit, 0.0, 1.0) ** 1.3  # wrapped round: skin scatters light
    factor = 1.04 + (0.30 + 0.42 * light.strength) * (lit - 0.80)
    # Shadows on skin lose blue and green before red.
    dark = np.clip(1.0 - factor, 0.0, 1.0)
    colours = factor[..., None] - dark[..., None] * np.array([-0.10, 0.04, 0.06], np.float32)
    sitter.canvas.multiply((x0, y0, x1, y1), colours.astype(np.float32))


def _colour_skin(sitter: Sitter) -> None:
    """Blood and shadow: cheeks, nose and chin are redder than the forehead; freckles."""
    canvas, head, face = sitter.canvas, sitter.head, sitter.face
    rose = mix(sitter.skin, rgb(226, 88, 84), 0.55)
    warmth = 0.18 + 0.38 * face.bearing.blush + 0.10 * face.units[12]
    for side in (-1, 1):
        lift = 0.08 * face.units[6]
        cheek = head.project([(side * 0.56, face.eye_level + 0.42 - lift)])[0]
        canvas.glow(cheek, (sitter.px(0.24), sitter.px(0.18)), rose, warmth)
        apple = head.project([(side * 0.50, face.eye_level + 0.34 - lift)])[0]
        bright = 0.22 + 0.25 * face.units[6]
        canvas.glow(apple, (sitter.px(0.13), sitter.px(0.10)), lighter(sitter.skin, 0.5), bright)
        temple = head.project([(side * 0.90, face.eye_level - 0.15)])[0]
        canvas.glow(temple, (sitter.px(0.14), sitter.px(0.30)), darker(sitter.skin, 0.72), 0.35)
    nose = head.project([(0.0, face.nose_tip[1] - 0.03)])[0]
    canvas.glow(nose, (sitter.px(0.13), sitter.px(0.12)), rose, 0.5 * warmth)
    brow = head.project([(0.0, face.eye_level - 0.62)])[0]
    canvas.glow(brow, (sitter.px(0.36), sitter.px(0.20)), lighter(sitter.skin, 0.45), 0.28)
    if face.who.freckles:
        for k in range(26):
            # Golden-angle spread: even and without a random draw.
            x = 0.56 * np.cos(k * 2.4) * np.sqrt((k + 1) / 26)
            y = face.eye_level + 0.36 + 0.13 * np.sin(k * 2.4) * np.sqrt((k + 1) / 26)
            spot = head.project([(x, y)])[0]
            canvas.glow(spot, (sitter.px(0.013),) * 2, darker(sitter.skin, 0.62), 0.55)


def _folds(sitter: Sitter) -> None:
    """From the wing of the nose to the corner of the mouth (AU6, 9, 10, 12 and age)."""
    face, units = sitter.face, sitter.face.units
    mouth, tip = face.mouth, face.nose_tip[1]
    raised = max(0.75 * units[9], units[10], 0.85 * units[12], 0.5 * units[6])
    depth = min(1.0, raised + 0.5 * face.who.wrinkles)
    if depth <= 0.08:
        return
    soft = 0.6 if face.who.is_child else 1.0
    for side, corner in ((-1, mouth.left), (1, mouth.right)):
        out = abs(corner[0]) + 0.075
        fold = [
            (side * 0.175, tip - 0.06 - 0.04 * units[10]),
            (side * (0.6 * out + 0.08), 0.5 * (tip + corner[1]) - 0.045 - 0.03 * units[10]),
            (side * out, corner[1] - 0.04),
            (side * (out - 0.02), corner[1] + 0.07),
        ]
        line = sitter.head.project(smooth(fold))
        shadow = darker(sitter.skin, 0.62)
        width, blur = sitter.px(0.035), sitter.px(0.012)
        sitter.canvas.soft_pen(line, shadow, width, 0.85 * depth * soft, blur)
        bulge = line + np.array([side * sitter.px(0.055), -sitter.px(0.01)])
        light = lighter(sitter.skin, 0.4)
        sitter.canvas.soft_pen(bulge, light, sitter.px(0.07), 0.35 * depth, sitter.px(0.03))


def _forehead(sitter: Sitter) -> None:
    """Lines across the forehead (AU1, AU2, age) and between the brows (AU4)."""
    face, units = sitter.face, sitter.face.units
    canvas, head, shadow = sitter.canvas, sitter.head, darker(sitter.skin, 0.64)
    young = 0.55 if face.who.is_child else 1.0
    level = face.eye_level
    raised = min(1.0, max(units[1], units[2]) * young + 0.45 * face.who.wrinkles)
    if raised > 0.12:
        half = 0.16 + 0.34 * max(units[2], face.who.wrinkles * 0.8)
        for k, rise in enumerate((0.56, 0.655, 0.745)):
            low = level - rise + 0.02
            line = smooth([(-half, low), (0, low - 0.05 * units[2]), (half, low)])
            strength = raised * (0.7 - 0.14 * k)
            width, blur = sitter.px(0.026), sitter.px(0.009)
            canvas.soft_pen(head.project(line), shadow, width, strength, blur)
    frown = units[4] * young
    if frown > 0.1:
        hollow = head.project([(0.0, level - 0.30)])[0]
        canvas.glow(hollow, (sitter.px(0.11), sitter.px(0.10)), shadow, 0.4 * frown)
        for side in (-1, 1):
            line = smooth(
                [
                    (side * 0.05, level - 0.21),
                    (side * 0.062, level - 0.32),
                    (side * 0.04, level - 0.43),
                ]
            )
            canvas.soft_pen(
                head.project(line),
                darker(sitter.skin, 0.52),
                sitter.px(0.028),
                0.9 * frown,
                sitter.px(0.007),
            )


def _chin(sitter: Sitter) -> None:
    """The chin's ball; AU17 pushes it up and dimples it."""
    face, canvas, head = sitter.face, sitter.canvas, sitter.head
    low = face.mouth.outer_bottom[:, 1].max()
    ball = head.project([(0.0, min(low + 0.22, 1.06 + face.jaw_drop))])[0]
    canvas.glow(ball, (sitter.px(0.15), sitter.px(0.08)), lighter(sitter.skin, 0.45), 0.4)
    boss = face.units[17]
    if boss > 0.1:
        crease = smooth([(-0.17, low + 0.13), (0.0, low + 0.075), (0.17, low + 0.13)])
        shadow = darker(sitter.skin, 0.62)
        canvas.soft_pen(head.project(crease), shadow, sitter.px(0.035), 0.8 * boss, sitter.px(0.01))
        for side in (-1, 1):
            dimple = head.project([(side * 0.06, low + 0.20)])[0]
            canvas.glow(dimple, (sitter.px(0.02), sitter.px(0.025)), shadow, 0.45 * boss)


def _beard(sitter: Sitter) -> None:
    """Stubble is a shadow; from 0.45 on there is hair, with a moustache."""
    face, canvas, head = sitter.face, sitter.canvas, sitter.head
    mouth, who, drop = face.mouth, face.who, face.jaw_drop
    full = who.beard > 0.45
    colour = mix(darker(who.hair, 0.85), sitter.skin, 0.15 if full else 0.35)
    opacity = 0.92 if full else 0.25 + 0.6 * who.beard
    corner = max(abs(mouth.left[0]), 0.3)
    under_lip = mouth.outer_bottom[:, 1].max()
    half = [
        (0.99, 0.15), (0.86, 0.34), (corner + 0.20, mouth.left[1] - 0.02),
        (corner + 0.07, mouth.left[1] + 0.05), (0.20, under_lip + 0.085), (0.0, under_lip + 0.06),
    ]  # fmt: skip
    inner = half + [(-x, y) for x, y in half[-2::-1]]
    outer = [(-1.1, 0.6), (-0.7, 1.35 + drop), (0.0, 1.5 + drop), (0.7, 1.35 + drop), (1.1, 0.6)]
    shape = np.concatenate([smooth(inner), np.array(outer)])
    canvas.soft(head.project(shape, z=0.5), colour, opacity, sitter.px(0.045))
    lip = mouth.outer_top
    upper = smooth([(-corner - 0.06, mouth.left[1] + 0.02), (-0.2, face.nose_tip[1] + 0.13),
                    (0.0, face.nose_tip[1] + 0.12), (0.2, face.nose_tip[1] + 0.13),
                    (corner + 0.06, mouth.right[1] + 0.02)])  # fmt: skip
    moustache = np.concatenate([upper, lip[::-1] + np.array((0.0, 0.01))])
    canvas.soft(head.project(moustache), colour, opacity * 0.9, sitter.px(0.03))
