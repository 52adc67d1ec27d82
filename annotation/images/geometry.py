"""Boxes and landmarks: what is possible, and how they turn with their picture.

Coordinates are pixels, x to the right and y downwards, whole numbers at the pixels' centres.
Landmarks are left eye, right eye, nose tip, left and right mouth corner, left and right as one
sees them on an upright face.
"""

from collections.abc import Sequence

Point = tuple[float, float]
MIRRORING = {2, 4, 5, 7}
"""EXIF orientations that exchange left and right; the others only turn."""
MIRRORED_ORDER = (1, 0, 2, 4, 3)


class Impossible(ValueError):
    """Geometry that no face in this picture can have."""


def turned_point(x: float, y: float, orientation: int, size: tuple[int, int]) -> Point:
    """Where a point of the picture as stored lies once the EXIF ``orientation`` is applied.

    ``size`` is width and height before turning. EXIF 2.3, tag 0x0112.
    """
    right, bottom = size[0] - 1, size[1] - 1
    turned: dict[int, Point] = {
        2: (right - x, y),
        3: (right - x, bottom - y),
        4: (x, bottom - y),
        5: (y, x),
        6: (bottom - y, x),
        7: (bottom - y, right - x),
        8: (y, right - x),
    }
    return turned.get(orientation, (x, y))


def turned_box(
    box: Sequence[float], orientation: int, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = (
        turned_point(x, y, orientation, size) for x, y in ((box[0], box[1]), (box[2], box[3]))
    )
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def turned_landmarks(
    points: Sequence[Point], orientation: int, size: tuple[int, int]
) -> list[Point]:
    turned = [turned_point(x, y, orientation, size) for x, y in points]
    return [turned[i] for i in MIRRORED_ORDER] if orientation in MIRRORING else turned


def check_box(box: Sequence[float], size: tuple[int, int]) -> None:
    """Raise ``Impossible`` unless the box has an area and meets the picture."""
    x_min, y_min, x_max, y_max = box
    if x_max <= x_min or y_max <= y_min:
        raise Impossible(f"box: {x_min:g},{y_min:g} to {x_max:g},{y_max:g} has no area")
    if x_max <= 0 or y_max <= 0 or x_min >= size[0] - 1 or y_min >= size[1] - 1:
        raise Impossible(f"box: lies outside the picture of {size[0]}×{size[1]}")


def clipped_box(box: Sequence[float], size: tuple[int, int]) -> list[float]:
    """The part of the box that lies in the picture: detectors reach over borders."""
    x_min, y_min, x_max, y_max = box
    return [
        max(x_min, 0.0),
        max(y_min, 0.0),
        min(x_max, float(size[0])),
        min(y_max, float(size[1])),
    ]


def check_landmarks(points: Sequence[Point], size: tuple[int, int]) -> None:
    """Raise ``Impossible`` where a point lies outside or left and right are exchanged.

    The order shows at any tilt: seen from the eyes, the mouth is on the right-hand side of the
    way from left eye to right eye (y points down).
    """
    names = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
    for name, (x, y) in zip(names, points, strict=True):
        if not (-0.5 <= x <= size[0] - 0.5 and -0.5 <= y <= size[1] - 0.5):
            raise Impossible(f"landmarks: {name} at {x:g},{y:g} is outside {size[0]}×{size[1]}")
    (lx, ly), (rx, ry), _, (mx, my), (nx, ny) = points
    eyes = (rx - lx, ry - ly)
    mouth = (nx - mx, ny - my)
    down = ((mx + nx - lx - rx) / 2, (my + ny - ly - ry) / 2)
    if eyes[0] * down[1] - eyes[1] * down[0] <= 0:
        raise Impossible("landmarks: left and right eye are exchanged, or the mouth is above them")
    if mouth[0] * eyes[0] + mouth[1] * eyes[1] < 0:
        raise Impossible("landmarks: left and right corner of the mouth are exchanged")
