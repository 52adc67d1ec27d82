"""What coders say of a face: checked, compared with each other, and concluded from. No database.

A *saying* is the JSON of one part: ``{"landmarks": …, "box": …}``, ``{"gender": …, "race": …,
"age": …}`` or ``{"units": […]}``.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError

from annotation.images import geometry
from annotation.images.sidecar import ATTRIBUTES

from . import units
from .models import Part

Saying = dict[str, Any]
POINTS_AGREE = 0.10
"""Mean distance between two coders' points, in distances between the eyes."""
UNITS_AGREE = 0.70
"""FACS's own index, twice the common units by all units scored; its certifying test asks this."""
UNSURE = 2
"""Gender where coders do not agree."""
MOST = 3
"""A third coder decides; further ones are not asked."""


def checked(
    part: str, said: Any, size: tuple[int, int], asks: Iterable[str], allowed: Iterable[int]
) -> Saying:
    """The saying in its canonical form; raises ``ValidationError`` with the field and why."""
    known = {Part.POINTS: ("landmarks", "box"), Part.UNITS: ("units",)}.get(Part(part), tuple(asks))
    if not isinstance(said, dict) or set(said) != set(known):
        raise ValidationError({"said": f"Exactly {', '.join(known)} are asked for."})
    if part == Part.POINTS:
        return _points(said, size)
    if part == Part.ATTRIBUTES:
        return {name: _attribute(name, said[name]) for name in known}
    if not _all_texts(said["units"]):
        raise ValidationError({"units": "A list of codes such as 1, 12C or L12."})
    try:
        return {"units": units.checked(said["units"], allowed)}
    except ValueError as error:
        raise ValidationError({"units": str(error)}) from None


def _points(said: Saying, size: tuple[int, int]) -> Saying:
    landmarks = [_numbers("landmarks", point, 2) for point in _list("landmarks", said, 5)]
    box = _numbers("box", said["box"], 4)
    try:
        geometry.check_landmarks([(x, y) for x, y in landmarks], size)
        geometry.check_box(box, size)
    except geometry.Impossible as error:
        field, _, why = str(error).partition(": ")
        raise ValidationError({field: why}) from None
    return {"landmarks": landmarks, "box": geometry.clipped_box(box, size)}


def _list(name: str, said: Saying, n: int) -> list[Any]:
    if not isinstance(said[name], list) or len(said[name]) != n:
        raise ValidationError({name: f"{n} points, each x and y."})
    return said[name]


def _numbers(name: str, told: Any, n: int) -> list[float]:
    is_right = isinstance(told, list) and len(told) == n
    if not is_right or not all(
        type(v) in (int, float) and math.isfinite(v) and abs(v) < 1e6 for v in told
    ):
        raise ValidationError({name: f"{n} numbers in pixels."})
    return [round(float(v), 3) for v in told]


def _attribute(name: str, told: Any) -> int:
    if type(told) is not int or not 0 <= told <= ATTRIBUTES[name]:
        raise ValidationError(
            {name: f"{told!r} is not a whole number from 0 to {ATTRIBUTES[name]}."}
        )
    return told


def _all_texts(told: Any) -> bool:
    return isinstance(told, list) and len(told) < 50 and all(isinstance(t, str) for t in told)


def agreement(part: str, one: Saying, other: Saying) -> float:
    """How far two coders agree, 0–1: points within a tenth, the same attributes, FACS's index."""
    if part == Part.POINTS:
        return float(distance(one, other) <= POINTS_AGREE)
    if part == Part.ATTRIBUTES:
        names = one.keys() & other.keys()
        return sum(one[n] == other[n] for n in names) / max(len(names), 1)
    a, b = units.numbers_of(one["units"]), units.numbers_of(other["units"])
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def distance(one: Saying, other: Saying) -> float:
    """Mean distance of the five points, in the mean distance between the eyes."""
    a, b = np.array(one["landmarks"]), np.array(other["landmarks"])
    eyes = (np.hypot(*(a[1] - a[0])) + np.hypot(*(b[1] - b[0]))) / 2
    return float(np.hypot(*(a - b).T).mean() / max(eyes, 1e-9))


def concluded(part: str, said: Sequence[Saying]) -> tuple[Saying | None, bool]:
    """What they say together, and whether that is settled or a further coder must be asked."""
    if not said:
        return None, False
    if part == Part.POINTS:
        return _points_together(said), _is_settled(part, said, POINTS_AGREE)
    if part == Part.ATTRIBUTES:
        return _attributes_together(said), _is_settled(part, said, 1.0)
    return _units_together(said), _is_settled(part, said, UNITS_AGREE)


def _is_settled(part: str, said: Sequence[Saying], least: float) -> bool:
    if len(said) == 1 or len(said) >= MOST:
        return True
    if part == Part.POINTS:
        least = 1.0
    return all(agreement(part, a, b) >= least for a, b in combinations(said, 2))


def _points_together(said: Sequence[Saying]) -> Saying:
    """The median of each coordinate: one wild point of three does no harm."""
    return {
        name: np.median([one[name] for one in said], axis=0).round(3).tolist()
        for name in ("landmarks", "box")
    }


def _attributes_together(said: Sequence[Saying]) -> Saying:
    """What more than half say; else unsure for gender, the middle for age, nothing for race."""
    together: Saying = {}
    for name in said[0]:
        values = [one[name] for one in said if name in one]
        most, n = Counter(values).most_common(1)[0]
        if 2 * n > len(values):
            together[name] = most
        elif name == "age":
            together[name] = sorted(values)[(len(values) - 1) // 2]
        else:
            together[name] = UNSURE if name == "gender" else None
    return together


def _units_together(said: Sequence[Saying]) -> Saying:
    """Units that more than half scored, with the side that most gave and the middle intensity."""
    by_number: dict[int, list[units.Code]] = {}
    for one in said:
        for text in one["units"]:
            code = units.parse(text)
            by_number.setdefault(code.number, []).append(code)
    kept = []
    for number, codes in sorted(by_number.items()):
        if 2 * len(codes) > len(said):
            side, n = Counter(code.side for code in codes).most_common(1)[0]
            marks = sorted(code.intensity for code in codes if code.intensity)
            middle = marks[(len(marks) - 1) // 2] if marks else ""
            kept.append(str(units.Code(number, side if 2 * n > len(codes) else "", middle)))
    return {"units": kept}
