"""Action units of FACS: their names, how a code is written, and RAF-AU's line of them.

A code is a number with, where known, an intensity A–E behind it and a side before it: ``12C``,
``L12``. Source: Ekman, Friesen and Hager, *Facial Action Coding System*, 2002; prefixes as RAF-AU
has them (``FORMATS``).
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Unit(NamedTuple):
    """One action unit: its number, its name and what one sees."""

    number: int
    name: str
    seen: str


UNITS = (
    Unit(1, "Inner brow raiser", "The inner ends of the brows go up; wrinkles in mid-forehead."),
    Unit(2, "Outer brow raiser", "The outer ends of the brows go up, arched."),
    Unit(4, "Brow lowerer", "Brows down and together; furrows between them."),
    Unit(5, "Upper lid raiser", "Eyes wide open; more white above the iris."),
    Unit(6, "Cheek raiser", "Cheeks up, crow's feet, eyes narrowed from below and the side."),
    Unit(7, "Lid tightener", "Lids tensed; the lower lid straight."),
    Unit(9, "Nose wrinkler", "Wrinkles along the nose; the nostrils' wings go up."),
    Unit(
        10,
        "Upper lip raiser",
        "Upper lip up, straight or bent; deeper furrows beside the nose.",
    ),
    Unit(11, "Nasolabial deepener", "The middle of the furrow beside the nose deepens."),
    Unit(12, "Lip corner puller", "Corners of the mouth up and back: a smile."),
    Unit(13, "Sharp lip puller", "Corners sharply up; cheeks puffed above them."),
    Unit(14, "Dimpler", "Corners tightened inwards; dimples."),
    Unit(15, "Lip corner depressor", "Corners of the mouth down."),
    Unit(16, "Lower lip depressor", "Lower lip down, the lower teeth to be seen."),
    Unit(17, "Chin raiser", "Chin up and wrinkled; lower lip pushed up."),
    Unit(18, "Lip pucker", "Lips drawn together and forward, as for a kiss."),
    Unit(20, "Lip stretcher", "Mouth stretched sideways, lips flat."),
    Unit(22, "Lip funneler", "Lips turned outwards like a funnel."),
    Unit(23, "Lip tightener", "Lips tight and narrow; no red to be seen."),
    Unit(24, "Lip pressor", "Lips pressed together."),
    Unit(25, "Lips part", "Lips apart."),
    Unit(26, "Jaw drop", "Jaw lowered, relaxed."),
    Unit(27, "Mouth stretch", "Mouth pulled wide open, downwards."),
    Unit(28, "Lip suck", "Lips drawn in over the teeth."),
    Unit(43, "Eyes closed", "Lids closed, relaxed."),
)
BY_NUMBER = {unit.number: unit for unit in UNITS}
PAPER = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 27)
"""The columns of the paper's Table 1."""
SETS = {"paper": PAPER, "full": tuple(BY_NUMBER)}
SIDES = {"L": "left", "R": "right", "T": "top", "B": "bottom"}
_CODE = re.compile(r"([LRTB]?)([1-9][0-9]?)([A-E]?)")


class Code(NamedTuple):
    """A unit as a coder scored it. ``side`` and ``intensity`` are "" where not told."""

    number: int
    side: str = ""
    intensity: str = ""

    def __str__(self) -> str:
        return f"{self.side}{self.number}{self.intensity}"


def parse(text: str) -> Code:
    """A code from its text; raises ``ValueError`` saying what is wrong."""
    found = _CODE.fullmatch(text.strip().upper())
    if found is None:
        raise ValueError(f"{text[:20]!r} is no code: write 12, 12C or L12C.")
    side, number, intensity = found.groups()
    if int(number) not in BY_NUMBER:
        raise ValueError(f"AU{number} is not on the list.")
    return Code(int(number), side, intensity)


def checked(texts: Sequence[str], allowed: Iterable[int] = BY_NUMBER) -> list[str]:
    """Codes in the order of their numbers, one for each unit; raises ``ValueError``."""
    codes = sorted(parse(text) for text in texts)
    wrong = [code.number for code in codes if code.number not in set(allowed)]
    if wrong:
        raise ValueError(f"AU{wrong[0]} is not asked for in this project.")
    numbers = [code.number for code in codes]
    doubled = {number for number in numbers if numbers.count(number) > 1}
    if doubled:
        raise ValueError(f"AU{min(doubled)} stands twice.")
    return [str(code) for code in codes]


def numbers_of(texts: Iterable[str]) -> set[int]:
    """Which units codes name, whatever their side and intensity."""
    return {parse(text).number for text in texts}


def rafau_text(texts: Sequence[str] | None) -> str | None:
    """As ``RAFAU_label.txt`` has them, ``1+2+L12``; ``null`` for none, ``None`` if not coded."""
    if texts is None:
        return None
    return "+".join(f"{c.side}{c.number}" for c in map(parse, texts)) or "null"
