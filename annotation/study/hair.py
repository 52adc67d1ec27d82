"""Paint hair: a shape behind the head, a shape over the forehead, and strands on both."""

from dataclasses import dataclass

import numpy as np

from annotation.study.features import Sitter
from annotation.study.geometry import Points, ellipse, smooth
from annotation.study.identity import HairStyle
from annotation.study.painting import Colour, darker, lighter, mix


@dataclass(frozen=True)
class Cut:
    """A haircut in numbers; lengths in half face widths."""

    top: float
    """How far the hair stands above the crown."""
    sides: float
    """How far it stands off the temples."""
    hairline: float
    """Height of the hairline in the middle; the eyes are near −0.1, the crown at −1.36."""
    down_to: float
    """Where it ends at the sides."""
    temples: float = 0.70
    """Half width of the bare forehead at its top."""
    swept: float = 0.0
    """How far the fringe is combed to one side."""
    scallops: int = 0
    """Curls along the edge."""
    curl: float = 0.0
    sheen: float = 0.35
    locks: float = 0.0
    """How far hair covers the sides of the face."""


_S = HairStyle
_CUTS: dict[HairStyle, Cut] = {
    _S.CROP: Cut(0.07, 0.02, -0.92, -0.05, temples=0.68, sheen=0.18),
    _S.SIDE_PART: Cut(0.20, 0.06, -0.86, 0.0, swept=0.9),
    _S.QUIFF: Cut(0.34, 0.04, -0.92, -0.05, swept=0.35),
    _S.CURLS: Cut(0.24, 0.14, -0.84, 0.10, scallops=15, curl=0.055, sheen=0.2),
    _S.AFRO: Cut(0.40, 0.30, -0.90, 0.12, scallops=26, curl=0.02, sheen=0.10),
    _S.BOB: Cut(0.17, 0.17, -0.80, 1.02, swept=0.5, locks=0.10),
    _S.LONG: Cut(0.15, 0.15, -0.86, 2.2, swept=0.6, locks=0.08),
    _S.WAVES: Cut(0.20, 0.24, -0.86, 1.9, swept=0.7, scallops=14, curl=0.05, locks=0.08),
    _S.BUN: Cut(0.10, 0.03, -0.92, 0.05, swept=0.2),
    _S.PONYTAIL: Cut(0.10, 0.03, -0.88, 0.05, swept=0.5),
    _S.FUZZ: Cut(0.035, 0.0, -1.0, -0.3, temples=0.62, sheen=0.1),
    _S.RECEDING: Cut(0.06, 0.05, -1.12, 0.05, temples=0.80, sheen=0.2),
    _S.PIXIE: Cut(0.18, 0.08, -0.80, 0.12, swept=0.9, locks=0.05),
}


def paint_back(sitter: Sitter) -> None:
    """What lies behind the face: to be painted before neck and head."""
    style = sitter.face.who.style
    if style is _S.SCARF:
        _scarf_back(sitter)
        return
    cut = _CUTS.get(style)
    if cut is None:
        return
    shade = darker(sitter.face.who.hair, 0.70)
    if style is _S.BUN:
        knot = ellipse((0.0, -1.62), (0.40, 0.34))
        sitter.canvas.fill(sitter.head.project(knot, z=-0.35), darker(sitter.face.who.hair, 0.85))
    if style is _S.PONYTAIL:
        _tail(sitter)
    if style is _S.AFRO:
        cloud = ellipse((0.0, -0.62), (1.40, 1.22), 120)
        cloud *= 1 + 0.018 * np.abs(np.sin(np.arange(120) * 0.8))[:, None]
        sitter.canvas.fill(sitter.head.project(cloud, z=-0.2), darker(sitter.face.who.hair, 0.85))
    elif cut.down_to > 0.3:
        sitter.canvas.fill(sitter.head.project(_mane(cut), z=-0.25), shade)
    else:
        nape = ellipse((0.0, -0.25), (0.96 + cut.sides, 0.75), 24)
        sitter.canvas.fill(sitter.head.project(nape, z=-0.2), shade)


def paint_front(sitter: Sitter) -> None:
    """Hair over forehead and temples: to be painted after the face."""
    style = sitter.face.who.style
    if style is _S.SCARF:
        _scarf_front(sitter)
        return
    cut = _CUTS.get(style)
    if cut is None:
        return
    outer, line = _crown(cut, sitter), _hairline(cut, sitter)
    shape = sitter.head.project(np.concatenate([outer, line[::-1]]))
    colour = sitter.face.who.hair
    under = line * (1.0, 1.0, 1.0) + (0.0, 0.05, 0.0)
    shadow = sitter.head.project(np.concatenate([line, under[::-1]]))
    sitter.canvas.soft(shadow, darker(sitter.skin, 0.55), 0.5, sitter.px(0.045))
    fine = style in (_S.FUZZ, _S.CROP)
    if fine:
        thin = 0.75 if style is _S.FUZZ else 0.96
        sitter.canvas.soft(shape, mix(colour, sitter.skin, 0.12), thin, sitter.px(0.022))
    else:
        sitter.canvas.fill(shape, colour)
    with sitter.canvas.inside(shape):
        _gloss(sitter, cut, outer, line, colour)
    if cut.locks > 0:
        _locks(sitter, cut, colour)


def _arc(cut: Cut, low: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angles, widths and heights of the outer edge from the left side over the crown."""
    angle = np.linspace(np.pi, 0.0, 25)
    width = 0.975 + cut.sides
    x = np.cos(angle) * width
    y = np.where(np.sin(angle) > 0, -0.42 - np.sin(angle) ** 0.9 * (0.95 + cut.top), low)
    return angle, x, y


def _crown(cut: Cut, sitter: Sitter) -> Points:
    """The outer edge, (n, 3), from the left ear over the crown to the right ear."""
    angle, x, y = _arc(cut, -0.42)
    if cut.scallops:
        wave = 1 + cut.curl * np.abs(np.sin(angle * cut.scallops / 2))
        x, y = x * wave, -0.42 + (y + 0.42) * wave
    if cut.swept:  # the parting's far side stands higher
        tilt = np.sign(sitter.face.who.part) * cut.swept * 0.05
        y = y - tilt * x
    end = min(cut.down_to, 0.15)
    left = [(-0.985 - 0.8 * cut.sides, 0.5 * (end - 0.42), 0.0), (-0.965, end, 0.0)]
    right = [(-p, q, z) for p, q, z in left]
    line = np.stack([x, y, 0.08 * np.sin(angle)], 1)
    return np.concatenate([left[::-1], line, right])


def _hairline(cut: Cut, sitter: Sitter) -> Points:
    """The edge against the face, (n, 3), from the left ear to the right one."""
    who = sitter.face.who
    end = min(cut.down_to, 0.15)
    fringe = (
        0.26 * who.fringe * min(1.0, cut.locks * 10)
        + 0.12 * who.fringe * (cut.swept > 0.3)
        - 0.10 * (who.is_child and not cut.swept)
    )
    top = cut.hairline + sitter.face.eye_level + 0.10
    part = who.part * (1 if cut.swept else 0)
    side_y = top + 0.25 + 0.7 * fringe
    temple = 0.955
    points = [
        (-temple, end), (-temple + 0.035, -0.30), (-cut.temples - 0.12, side_y),
        (-cut.temples * 0.62, top + 0.06 + fringe * (1.15 if part > 0 else 0.35)),
        (part * 0.9, top - 0.06 * cut.swept),
        (cut.temples * 0.62, top + 0.06 + fringe * (1.15 if part < 0 else 0.35)),
        (cut.temples + 0.12, side_y), (temple - 0.035, -0.30), (temple, end),
    ]  # fmt: skip
    if cut.swept == 0 or abs(part) < 0.1:
        points[4] = (0.0, top)
    line = smooth(points)
    depth = 0.62 * np.sqrt(np.maximum(0.0, 1 - (line[:, 0] / 0.99) ** 2))
    return np.column_stack([line, depth])


def _gloss(sitter: Sitter, cut: Cut, outer: Points, line: Points, colour: Colour) -> None:
    """Shade towards the edge, strands from crown to hairline, and a band of light."""
    canvas, head = sitter.canvas, sitter.head
    edge = head.project(outer)
    canvas.soft_pen(edge, darker(colour, 0.55), sitter.px(0.30), 0.55, sitter.px(0.09))
    # Strands run from the parting to the hairline and never cross: both ends move one way.
    parting = 0.5 + 0.28 * sitter.face.who.part * (cut.swept > 0)
    fair = sum(colour) / 765
    for k, at in enumerate(np.linspace(0.04, 0.96, 19)):
        root = outer[round(np.clip(parting + 0.6 * (at - 0.5), 0, 1) * (len(outer) - 1))]
        end = line[round(at * (len(line) - 1))]
        middle = 0.5 * (root + end) + np.array([0.10 * (end[0] - root[0]), -0.05, 0.15])
        strand = head.project(smooth(np.array([root, middle, end]), steps=6))
        tone = darker(colour, 0.62) if k % 2 else lighter(colour, 0.10 + 0.15 * fair)
        canvas.soft_pen(strand, tone, sitter.px(0.05), 0.5, sitter.px(0.012))
    shine = [
        (-0.62, -1.02),
        (-0.25, -1.22 - 0.4 * cut.top),
        (0.25, -1.22 - 0.4 * cut.top),
        (0.62, -1.02),
    ]
    band = head.project(smooth(shine), z=0.3)
    canvas.soft_pen(
        band, lighter(colour, 0.30 + 0.25 * fair), sitter.px(0.14), cut.sheen, sitter.px(0.05)
    )


def _locks(sitter: Sitter, cut: Cut, colour: Colour) -> None:
    """Strips of hair along the cheeks, over the ears, down to the cut's end."""
    low = min(cut.down_to, 2.2)
    for side in (-1, 1):
        steps = np.linspace(-0.55, low, 9)
        inner = 0.99 - cut.locks * np.sin(np.clip((steps + 0.55) / 1.7, 0, 1) * np.pi)
        inner = inner + 0.10 * np.clip(steps - 1.1, 0, 1)
        wave = cut.curl * np.sin(steps * 6.0)
        outer = 0.99 + cut.sides + 0.06 * np.sin(np.clip(steps / max(low, 0.1), 0, 1) * np.pi)
        if low < 1.3:  # a bob turns in at its end
            outer[-2:] -= (0.02, 0.12)
        a = np.stack([side * (inner + wave), steps, np.full(9, 0.05)], 1)
        b = np.stack([side * (outer + wave), steps, np.full(9, -0.05)], 1)
        shape = sitter.head.project(np.concatenate([smooth(a), smooth(b)[::-1]]))
        sitter.canvas.fill(shape, darker(colour, 0.93))
        with sitter.canvas.inside(shape):
            for k, share in enumerate((0.12, 0.38, 0.62, 0.88)):
                strand = sitter.head.project(smooth(a + (b - a) * share))
                tone = lighter(colour, 0.22) if k % 2 else darker(colour, 0.58)
                sitter.canvas.soft_pen(strand, tone, sitter.px(0.05), 0.5, sitter.px(0.012))


def _mane(cut: Cut) -> Points:
    """The shape of long hair behind the head and neck."""
    angle, x, _ = _arc(cut, 0.0)
    y = -0.42 - np.sin(angle) * (0.93 + cut.top)
    if cut.scallops:
        wave = 1 + cut.curl * np.abs(np.sin(angle * cut.scallops / 2))
        x, y = x * wave, y * wave
    side = 0.99 + cut.sides
    steps = np.linspace(-0.2, cut.down_to, 7)
    bulge = 0.08 * np.sin(np.clip((steps + 0.2) / (cut.down_to + 0.2), 0, 1) * np.pi)
    wave = cut.curl * np.sin(steps * 6.0)
    right = np.stack([side + bulge + wave, steps], 1)
    left = right[::-1] * (-1.0, 1.0)
    bottom = np.array([(0.4, cut.down_to + 0.05), (-0.4, cut.down_to + 0.05)])
    return np.concatenate([np.stack([x, y], 1), right, bottom, left])


def _tail(sitter: Sitter) -> None:
    side = np.sign(sitter.face.who.part)
    tail = [(side * 0.5, -0.95), (side * 1.15, -0.85), (side * 1.42, -0.2), (side * 1.30, 0.7),
            (side * 1.12, 1.2), (side * 1.08, 0.5), (side * 1.02, -0.3)]  # fmt: skip
    shape = sitter.head.project(smooth(tail, closed=True), z=-0.35)
    sitter.canvas.fill(shape, darker(sitter.face.who.hair, 0.82))


def _scarf_back(sitter: Sitter) -> None:
    cloth = darker(sitter.face.who.scarf, 0.72)
    drape = [(0.0, -1.55), (0.78, -1.32), (1.10, -0.7), (1.12, 0.2), (1.02, 1.0), (1.25, 1.9),
             (-1.25, 1.9), (-1.02, 1.0), (-1.12, 0.2), (-1.10, -0.7), (-0.78, -1.32)]  # fmt: skip
    sitter.canvas.fill(sitter.head.project(smooth(drape, closed=True), z=-0.15), cloth)


def _scarf_front(sitter: Sitter) -> None:
    canvas, head, cloth = sitter.canvas, sitter.head, sitter.face.who.scarf
    drop = sitter.face.jaw_drop
    window = ellipse((0.0, 0.10 + 0.45 * drop), (0.84, 1.05 + 0.55 * drop), 40)
    window[:, 1] = np.maximum(window[:, 1], -0.86)
    hood = smooth([(0.0, -1.56), (0.78, -1.33), (1.12, -0.7), (1.13, 0.2), (1.0, 1.0 + drop),
                   (0.9, 1.9), (-0.9, 1.9), (-1.0, 1.0 + drop), (-1.13, 0.2), (-1.12, -0.7),
                   (-0.78, -1.33)], closed=True)  # fmt: skip
    ring, rim = head.project(hood, z=0.05), head.project(window)
    # One polygon with a hole: out along the hood, back along the window.
    shape = np.concatenate([ring, ring[:1], rim[30:], rim[:31], ring[:1]])
    canvas.soft_pen(
        np.vstack([rim, rim[:1]]), darker(sitter.skin, 0.5), sitter.px(0.12), 0.5, sitter.px(0.04)
    )
    canvas.fill(shape, cloth)
    with canvas.inside(shape):
        for k, (x, bend) in enumerate(((-0.98, 0.1), (0.98, -0.1), (-0.9, 0.16), (0.9, -0.16))):
            fold = smooth(
                [(x * 0.55, -1.35), (x, -0.5), (x * 0.98, 0.5), (x * 0.55 + bend, 1.5 + drop)]
            )
            tone = darker(cloth, 0.72) if k < 2 else lighter(cloth, 0.25)
            line = head.project(fold + np.array((0.0, 0.03 * k)), z=0.05)
            canvas.soft_pen(line, tone, sitter.px(0.09), 0.6, sitter.px(0.03))
