"""Paint what surrounds the face: a blurred place behind it, and clothes."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from annotation.study.features import Sitter
from annotation.study.geometry import Head, smooth
from annotation.study.painting import Canvas, Colour, darker, lighter, mix, rgb


class Place(StrEnum):
    """Where the photograph was taken."""

    WALL = "wall"
    EVENING = "evening"
    PARK = "park"
    ROOM = "room"
    STREET = "street"
    SEA = "sea"
    LABORATORY = "laboratory"


class Garment(StrEnum):
    """What is worn."""

    CREW = "crew"
    SHIRT = "shirt"
    HOOD = "hood"
    V_NECK = "v-neck"
    ROLL_NECK = "roll-neck"


OUTDOORS: tuple[Place, ...] = tuple(p for p in Place if p is not Place.LABORATORY)

_WALLS = (
    rgb(222, 206, 188),
    rgb(186, 202, 204),
    rgb(206, 184, 172),
    rgb(168, 182, 164),
    rgb(214, 196, 152),
    rgb(150, 164, 184),
    rgb(196, 170, 178),
    rgb(120, 130, 134),
)
_CLOTHES = (
    rgb(64, 82, 104),
    rgb(178, 92, 78),
    rgb(236, 228, 214),
    rgb(104, 128, 112),
    rgb(212, 164, 92),
    rgb(70, 66, 72),
    rgb(142, 108, 130),
    rgb(120, 156, 172),
    rgb(206, 138, 128),
    rgb(88, 104, 78),
)
_COARSE = 8  # the background is out of focus: painted small and enlarged


@dataclass(frozen=True)
class Surroundings:
    """What is around a face; ``seed`` places the blurred things."""

    place: Place
    garment: Garment
    cloth: Colour
    seed: int


def sample(rng: np.random.Generator, laboratory: bool) -> Surroundings:
    """Draw a place and clothes."""
    place = Place.LABORATORY if laboratory else OUTDOORS[rng.integers(len(OUTDOORS))]
    garment = list(Garment)[rng.integers(len(Garment))]
    cloth = _CLOTHES[rng.integers(len(_CLOTHES))]
    return Surroundings(place, garment, cloth, int(rng.integers(2**31)))


def paint_background(canvas: Canvas, around: Surroundings) -> None:
    """Cover the canvas with the place, out of focus."""
    width, height = canvas.size
    rng = np.random.default_rng(around.seed)
    small: np.ndarray = np.zeros((height // _COARSE, width // _COARSE, 3), np.float32)
    _PLACES[around.place](small, rng)
    small = cv2.GaussianBlur(small, (0, 0), 1.3)
    size = (canvas.image.shape[1], canvas.image.shape[0])
    large = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    np.clip(large, 0, 255, out=large)
    canvas.image[:] = large


def _wash(small: np.ndarray, top: Colour, bottom: Colour, slant: float = 0.0) -> None:
    """A gradient from top to bottom, slanted to one side."""
    y = np.linspace(0, 1, small.shape[0], dtype=np.float32)[:, None, None]
    x = np.linspace(-0.5, 0.5, small.shape[1], dtype=np.float32)[None, :, None]
    start, end = np.array(top, np.float32), np.array(bottom, np.float32)
    small[:] = start + (end - start) * np.clip(y + slant * x, 0, 1)


def _discs(
    small: np.ndarray, rng: np.random.Generator, n: int, colours: list[Colour], opacity: float
) -> None:
    """Discs of blurred light or leaves."""
    height, width = small.shape[:2]
    for _ in range(n):
        layer = small.copy()
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        radius = int(rng.uniform(2, 0.16 * width))
        cv2.circle(layer, centre, radius, colours[rng.integers(len(colours))], -1)
        share = opacity * rng.uniform(0.5, 1.0)
        cv2.addWeighted(layer, share, small, 1 - share, 0, dst=small)


def _wall(small: np.ndarray, rng: np.random.Generator) -> None:
    colour = _WALLS[rng.integers(len(_WALLS))]
    slant = rng.choice([-0.7, 0.7])
    _wash(small, lighter(colour, 0.25), darker(colour, 0.72), slant)
    if rng.random() < 0.4:  # a picture frame or a doorway
        _block(small, rng, darker(colour, 0.8))


def _evening(small: np.ndarray, rng: np.random.Generator) -> None:
    _wash(small, rgb(44, 46, 66), rgb(82, 62, 66))
    lamps = [rgb(255, 214, 150), rgb(250, 180, 120), rgb(170, 190, 226), rgb(226, 130, 120)]
    _discs(small, rng, 14, lamps, 0.55)


def _park(small: np.ndarray, rng: np.random.Generator) -> None:
    _wash(small, rgb(206, 222, 208), rgb(96, 122, 78))
    leaves = [rgb(122, 150, 92), rgb(88, 118, 76), rgb(168, 184, 118), rgb(222, 226, 190)]
    _discs(small, rng, 16, leaves, 0.6)


def _room(small: np.ndarray, rng: np.random.Generator) -> None:
    colour = _WALLS[rng.integers(len(_WALLS))]
    _wash(small, darker(colour, 0.85), darker(colour, 0.62), 0.4)
    height, width = small.shape[:2]
    x = int(rng.uniform(-0.1, 0.7) * width)
    pane = (x, int(0.05 * height)), (x + int(0.36 * width), int(0.55 * height))
    cv2.rectangle(small, *pane, rgb(248, 244, 232), -1)
    bar = x + int(0.18 * width)
    cv2.line(small, (bar, 0), (bar, int(0.55 * height)), darker(colour, 0.8), 1)
    _block(small, rng, rgb(142, 104, 78))


def _street(small: np.ndarray, rng: np.random.Generator) -> None:
    _wash(small, rgb(208, 214, 222), rgb(132, 128, 128))
    for _ in range(5):
        _block(small, rng, mix(_WALLS[rng.integers(len(_WALLS))], rgb(110, 104, 104), 0.4))


def _sea(small: np.ndarray, rng: np.random.Generator) -> None:
    horizon = int(small.shape[0] * rng.uniform(0.4, 0.7))
    _wash(small[:horizon], rgb(150, 192, 222), rgb(244, 228, 208))
    _wash(small[horizon:], rgb(88, 140, 160), rgb(198, 188, 164))


def _laboratory(small: np.ndarray, rng: np.random.Generator) -> None:
    _wash(small, rgb(150, 151, 153), rgb(134, 135, 137))


def _block(small: np.ndarray, rng: np.random.Generator, colour: Colour) -> None:
    """An upright rectangle standing on the lower edge: furniture, a house."""
    height, width = small.shape[:2]
    x, w = rng.uniform(-0.1, 0.9) * width, rng.uniform(0.12, 0.3) * width
    top = int(rng.uniform(0.1, 0.6) * height)
    cv2.rectangle(small, (int(x), top), (int(x + w), height), colour, -1)


_PLACES = {
    Place.WALL: _wall,
    Place.EVENING: _evening,
    Place.PARK: _park,
    Place.ROOM: _room,
    Place.STREET: _street,
    Place.SEA: _sea,
    Place.LABORATORY: _laboratory,
}


def paint_clothes(sitter: Sitter, around: Surroundings) -> None:
    """Shoulders and collar. The body stays upright while the head turns."""
    canvas, cloth = sitter.canvas, around.cloth
    body = Head(sitter.head.centre, sitter.head.unit, sitter.head.yaw * 0.3, 0.0, 0.0)
    slim = 0.72 if sitter.face.who.is_child else 1.0
    neck = 0.60 if around.garment is not Garment.ROLL_NECK else 0.56
    half = [
        (neck, 1.50),
        (1.0 * slim + 0.1, 1.66),
        (1.75 * slim, 1.95),
        (2.1 * slim, 2.6),
        (2.2 * slim, 5.0),
    ]
    flipped = [(-x, y) for x, y in half[::-1]]
    dip = {Garment.V_NECK: 2.15, Garment.SHIRT: 2.05, Garment.ROLL_NECK: 1.42}.get(
        around.garment, 1.82
    )
    if around.garment is Garment.V_NECK or around.garment is Garment.SHIRT:
        collar = np.array([(-0.3, dip - 0.42), (0.0, dip), (0.3, dip - 0.42)])
    else:
        collar = smooth([(-neck * 0.75, dip - 0.10), (0.0, dip), (neck * 0.75, dip - 0.10)])
    shape = np.concatenate([smooth(half), smooth(flipped), collar])
    outline = body.project(shape, z=-0.1)
    canvas.fill(outline, cloth)
    with canvas.inside(outline):
        _shade_cloth(sitter, body, cloth)
    _collar(sitter, body, around, collar, neck)


def _shade_cloth(sitter: Sitter, body: Head, cloth: Colour) -> None:
    canvas = sitter.canvas
    under_chin = body.project([(0.0, 1.55)], z=-0.1)[0]
    canvas.glow(under_chin, (sitter.px(0.55), sitter.px(0.22)), darker(cloth, 0.55), 0.6)
    for side in (-1, 1):
        shoulder = body.project([(side * 1.2, 1.85)], z=-0.1)[0]
        canvas.glow(shoulder, (sitter.px(0.4), sitter.px(0.12)), lighter(cloth, 0.4), 0.35)
        fold = body.project(
            smooth([(side * 1.05, 2.0), (side * 1.15, 2.4), (side * 1.1, 3.0)]), z=-0.1
        )
        canvas.soft_pen(fold, darker(cloth, 0.6), sitter.px(0.10), 0.5, sitter.px(0.04))


def _collar(
    sitter: Sitter, body: Head, around: Surroundings, collar: np.ndarray, neck: float
) -> None:
    canvas, cloth = sitter.canvas, around.cloth
    edge = body.project(collar, z=-0.1)
    if around.garment is Garment.SHIRT:
        for side in (-1, 1):
            flap = np.array(
                [(side * neck, 1.42), (side * 0.12, 1.98), (side * 0.50, 2.12), (side * 0.80, 1.62)]
            )
            canvas.fill(body.project(flap, z=-0.05), lighter(cloth, 0.22))
            canvas.pen(
                body.project(flap[1:3], z=-0.05), darker(cloth, 0.7), np.full(2, sitter.px(0.02))
            )
    elif around.garment is Garment.ROLL_NECK:
        band = np.array([(-neck, 1.22), (neck, 1.22), (neck + 0.06, 1.62), (-neck - 0.06, 1.62)])
        canvas.fill(body.project(band, z=-0.1), lighter(cloth, 0.10))
        canvas.soft_pen(
            body.project(smooth(band[2:]), z=-0.1),
            darker(cloth, 0.6),
            sitter.px(0.05),
            0.7,
            sitter.px(0.015),
        )
    elif around.garment is Garment.HOOD:
        for side in (-1, 1):
            roll = smooth(
                [
                    (side * 0.20, 1.95),
                    (side * 0.62, 1.66),
                    (side * 0.78, 1.40),
                    (side * 1.02, 1.62),
                    (side * 0.62, 2.0),
                ],
                closed=True,
            )
            canvas.fill(body.project(roll, z=-0.1), lighter(cloth, 0.14))
            line = body.project(
                smooth([(side * 0.24, 1.93), (side * 0.62, 1.70), (side * 0.76, 1.48)]), z=-0.1
            )
            canvas.soft_pen(line, darker(cloth, 0.55), sitter.px(0.05), 0.8, sitter.px(0.015))
    else:
        canvas.pen(edge, darker(cloth, 0.72), np.full(len(edge), sitter.px(0.05)))
