"""Paint what may hide a part of the face: glasses, a hand."""

from enum import StrEnum

import numpy as np

from annotation.study.features import Sitter
from annotation.study.geometry import Points, ribbon, smooth
from annotation.study.painting import darker, lighter, rgb


class Covering(StrEnum):
    """What is in the way."""

    NONE = "none"
    GLASSES = "glasses"
    SUNGLASSES = "sunglasses"
    HAND = "hand"


_FRAMES = (rgb(44, 40, 44), rgb(110, 74, 52), rgb(168, 134, 88), rgb(92, 98, 108))


def paint_glasses(sitter: Sitter, dark: bool, kind: int) -> None:
    """Rims, bridge, temples; ``kind`` picks the frame's colour and roundness."""
    canvas, head, face = sitter.canvas, sitter.head, sitter.face
    colour = _FRAMES[kind % len(_FRAMES)]
    level, apart = face.eye_level + 0.02, 0.43 * face.who.eye_distance
    power = (2.0, 3.2)[kind % 2]
    for side in (-1, 1):
        rim = _superellipse((side * apart, level), (0.325, 0.27), power)
        glass = head.project(rim, z=0.92)
        if dark:
            canvas.soft(glass, rgb(34, 32, 40), 0.93, 0.6)
            top = head.project([(side * apart - 0.08, level - 0.12)], z=0.92)[0]
            canvas.glow(top, (sitter.px(0.14), sitter.px(0.05)), rgb(190, 200, 214), 0.4)
        else:
            canvas.soft(glass, rgb(236, 242, 246), 0.10, 0.6)
        closed = np.vstack([glass, glass[:1]])
        canvas.fill(_ring(closed, sitter.px(0.042)), colour)
        arm = head.project(
            [(side * (apart + 0.32), level - 0.06, 0.8), (side * 1.0, level - 0.10, 0.05)]
        )
        canvas.fill(ribbon(arm, sitter.px(0.04)), colour)
    bridge = smooth(
        [(-apart + 0.31, level - 0.04), (0.0, level - 0.09), (apart - 0.31, level - 0.04)]
    )
    canvas.fill(ribbon(head.project(bridge, z=0.98), sitter.px(0.04)), colour)


def _superellipse(centre: tuple[float, float], radii: tuple[float, float], power: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    x = np.sign(cos) * np.abs(cos) ** (2 / power) * radii[0]
    y = np.sign(sin) * np.abs(sin) ** (2 / power) * radii[1]
    return np.stack([x + centre[0], y + centre[1]], 1)


def _ring(closed: Points, width: float) -> Points:
    return ribbon(closed, width)


def paint_hand(sitter: Sitter, side: int) -> None:
    """A hand at the cheek and chin, fingers up: four fingers and the back of the hand."""
    canvas, head, drop = sitter.canvas, sitter.head, sitter.face.jaw_drop
    skin = lighter(sitter.skin, 0.05)
    line = darker(sitter.skin, 0.62)
    palm = [
        (0.42, 1.20),
        (0.86, 0.98),
        (1.22, 1.08),
        (1.32, 1.6),
        (1.25, 2.6),
        (0.62, 2.6),
        (0.46, 1.7),
    ]
    back = np.array(palm) * (side, 1.0) + (0.0, 0.5 * drop)
    shape = head.project(smooth(back, closed=True), z=0.75)
    canvas.soft(shape, darker(sitter.skin, 0.45), 0.5, sitter.px(0.08))
    canvas.fill(shape, skin)
    for k, (x, tip) in enumerate(((1.14, 0.52), (0.95, 0.30), (0.75, 0.34), (0.55, 0.62))):
        root = (x * 0.98 + 0.02, 1.32)
        finger = np.array([root, (x + 0.02, 0.5 * (tip + 1.2)), (x - 0.03, tip)])
        middle = head.project(smooth(finger * (side, 1.0) + (0.0, 0.5 * drop)), z=0.8)
        width = sitter.px(0.185 - 0.012 * k)
        outline = _finger(middle, width)
        canvas.soft(outline, line, 0.55, sitter.px(0.022))
        canvas.fill(_finger(middle, width * 0.92), skin)
        nail = middle[-2] + (middle[-1] - middle[-2]) * 0.4
        canvas.glow(nail, (width * 0.20, width * 0.24), lighter(sitter.skin, 0.55), 0.7)


def _finger(middle: Points, width: float) -> Points:
    """A ribbon with a round tip."""
    body = ribbon(middle, width)
    half = len(middle)
    tip, along = middle[-1], middle[-1] - middle[-2]
    start = np.arctan2(along[1], along[0]) - np.pi / 2
    if np.dot(body[half - 1] - tip, (np.cos(start), np.sin(start))) < 0:
        start, turn = start + np.pi, -1
    else:
        turn = 1
    angle = start + turn * np.linspace(0, np.pi, 9)
    cap = tip + np.stack([np.cos(angle), np.sin(angle)], 1) * width / 2
    return np.concatenate([body[:half], cap, body[half:]])
