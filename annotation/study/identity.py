"""Who is drawn: age, gender, race, colours, proportions, hair. Nothing here knows expressions.

The three attributes carry RAF-DB's codes (gender 0–2, race 0–2, age 0–4) and its shares:
52 % female, 43 % male, 5 % unsure; 77 % Caucasian, 8 % African-American, 15 % Asian (paper §3.1).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from annotation.study.painting import Colour, mix, rgb


class Gender(IntEnum):
    """RAF-DB's gender codes."""

    MALE = 0
    FEMALE = 1
    UNSURE = 2


class Race(IntEnum):
    """RAF-DB's race codes."""

    CAUCASIAN = 0
    AFRICAN_AMERICAN = 1
    ASIAN = 2


class Age(IntEnum):
    """RAF-DB's age codes: 0–3, 4–19, 20–39, 40–69, 70 and over."""

    BABY = 0
    YOUNG = 1
    ADULT = 2
    MIDDLE = 3
    OLD = 4


_GENDERS = (0.43, 0.52, 0.05)
_RACES = (0.77, 0.08, 0.15)
_AGES = (0.06, 0.20, 0.50, 0.18, 0.06)

_SKINS: dict[Race, tuple[Colour, ...]] = {
    Race.CAUCASIAN: (
        rgb(253, 222, 199),
        rgb(248, 211, 184),
        rgb(240, 198, 166),
        rgb(229, 182, 146),
        rgb(214, 163, 125),
    ),
    Race.AFRICAN_AMERICAN: (
        rgb(186, 130, 95),
        rgb(161, 107, 76),
        rgb(134, 87, 62),
        rgb(109, 70, 51),
    ),
    Race.ASIAN: (
        rgb(251, 221, 190),
        rgb(243, 207, 170),
        rgb(231, 189, 147),
        rgb(210, 164, 120),
    ),
}
_DARK_HAIR = (rgb(36, 30, 32), rgb(48, 36, 34), rgb(64, 45, 38))
_FAIR_HAIR = (
    rgb(92, 62, 45),
    rgb(122, 78, 50),
    rgb(158, 84, 52),
    rgb(176, 134, 84),
    rgb(216, 178, 116),
)
_DARK_EYES = (rgb(74, 48, 34), rgb(92, 60, 38), rgb(58, 40, 34))
_FAIR_EYES = (rgb(92, 134, 164), rgb(104, 138, 104), rgb(126, 104, 62), rgb(110, 128, 136))
_GREY = rgb(176, 174, 172)
_WHITE = rgb(232, 230, 224)


class HairStyle(IntEnum):
    """The cuts that ``hair`` knows to draw."""

    BALD = 0
    CROP = 1
    SIDE_PART = 2
    QUIFF = 3
    CURLS = 4
    AFRO = 5
    BOB = 6
    LONG = 7
    WAVES = 8
    BUN = 9
    PONYTAIL = 10
    SCARF = 11
    FUZZ = 12
    RECEDING = 13
    PIXIE = 14


_S = HairStyle
_MENS = (_S.CROP, _S.SIDE_PART, _S.QUIFF, _S.CURLS, _S.SIDE_PART, _S.QUIFF)
_OLDER_MENS = (_S.BALD, _S.RECEDING, _S.SIDE_PART, _S.CROP, _S.RECEDING)
_WOMENS = (_S.BOB, _S.LONG, _S.WAVES, _S.BUN, _S.PONYTAIL, _S.PIXIE, _S.LONG, _S.WAVES, _S.SCARF)
_OLDER_WOMENS = (_S.BOB, _S.BUN, _S.PIXIE, _S.CURLS, _S.WAVES, _S.SCARF)
_AFRICAN_MENS = (_S.CROP, _S.CROP, _S.AFRO, _S.BALD, _S.CURLS)
_AFRICAN_WOMENS = (_S.AFRO, _S.CURLS, _S.BUN, _S.BOB, _S.SCARF, _S.WAVES)


@dataclass(frozen=True)
class Identity:
    """One person: what stays the same whatever they feel. Proportions are factors near 1."""

    gender: Gender
    race: Race
    age: Age
    skin: Colour
    hair: Colour
    iris: Colour
    style: HairStyle
    part: float
    """Where the parting or the fringe's sweep begins, −1 to 1 across the forehead."""
    fringe: float
    """How far the hair hangs into the forehead, 0–1."""
    beard: float
    """0 is shaven; up to 0.45 a shadow of stubble; above, a beard."""
    width: float
    length: float
    jaw: float
    eyes: float
    eye_distance: float
    eye_tilt: float
    brows: float
    nose: float
    mouth: float
    lips: float
    lipstick: float
    lashes: float
    crease: float
    """How much of the lid's crease is seen, 0–1."""
    wrinkles: float
    freckles: float
    scarf: Colour

    @property
    def is_child(self) -> bool:
        """Whether the head has a child's proportions."""
        return self.age <= Age.YOUNG


def sample(rng: np.random.Generator, adults_only: bool = False) -> Identity:
    """Draw a person; ``adults_only`` is for the laboratory's students and staff."""
    gender = Gender(rng.choice(3, p=_GENDERS))
    race = Race(rng.choice(3, p=_RACES))
    age = Age(rng.choice(5, p=_AGES))
    if adults_only:
        age = Age.ADULT if rng.random() < 0.8 else Age.MIDDLE
    looks_female = bool(rng.random() < 0.5) if gender is Gender.UNSURE else gender is Gender.FEMALE
    grown = age >= Age.ADULT
    style = _style(looks_female, race, age, rng)
    beard = rng.uniform(0.2, 1.0) if grown and not looks_female and rng.random() < 0.4 else 0.0
    made_up = looks_female and grown and rng.random() < 0.55
    child = {Age.BABY: 1.0, Age.YOUNG: 0.45}.get(age, 0.0)
    near_one = rng.normal(1.0, 0.05, 8).clip(0.88, 1.12)
    return Identity(
        gender=gender,
        race=race,
        age=age,
        skin=_skin(race, rng),
        hair=_hair(race, age, rng),
        iris=_iris(race, rng),
        style=style,
        part=float(rng.choice([-1, 1]) * rng.uniform(0.15, 0.5)),
        fringe=float(rng.beta(1.2, 1.6)),
        beard=float(beard),
        width=float(near_one[0] * (1 + 0.02 * child)),
        length=float(near_one[1] * (1 - 0.13 * child)),
        jaw=float(near_one[2] * (0.95 if looks_female else 1.05) * (1 + 0.02 * child)),
        eyes=float(near_one[3] * (1.06 if looks_female else 0.97) * (1 + 0.16 * child)),
        eye_distance=float(rng.normal(1.0, 0.03)),
        eye_tilt=float(rng.normal(0.025 if race is Race.ASIAN else 0.012, 0.012)),
        brows=float(near_one[4] * (0.78 if looks_female else 1.12) * (1 - 0.3 * child)),
        nose=float(near_one[5] * (1 - 0.26 * child) * (0.95 if looks_female else 1.04)),
        mouth=float(near_one[6] * (1 - 0.14 * child)),
        lips=float(near_one[7] * _fullness(race, looks_female, age)),
        lipstick=float(rng.uniform(0.35, 0.85)) if made_up else 0.0,
        lashes=1.0 if made_up else (0.6 if looks_female else 0.25),
        crease=float(rng.uniform(0.1, 0.6)) if race is Race.ASIAN else 0.8,
        wrinkles={Age.MIDDLE: 0.4, Age.OLD: 0.9}.get(age, 0.0) * float(rng.uniform(0.7, 1.2)),
        freckles=float(race is Race.CAUCASIAN and rng.random() < 0.1),
        scarf=_SCARVES[rng.integers(len(_SCARVES))],
    )


_SCARVES = (
    rgb(196, 120, 104),
    rgb(92, 124, 140),
    rgb(126, 138, 100),
    rgb(212, 178, 140),
    rgb(112, 88, 116),
    rgb(58, 78, 98),
)


def _style(female: bool, race: Race, age: Age, rng: np.random.Generator) -> HairStyle:
    if age is Age.BABY:
        choices: tuple[HairStyle, ...] = (_S.FUZZ, _S.FUZZ, _S.CROP, _S.BALD)
    elif race is Race.AFRICAN_AMERICAN:
        choices = _AFRICAN_WOMENS if female else _AFRICAN_MENS
    elif age >= Age.MIDDLE:
        choices = _OLDER_WOMENS if female else _OLDER_MENS
    else:
        choices = _WOMENS if female else _MENS
    return choices[rng.integers(len(choices))]


def _skin(race: Race, rng: np.random.Generator) -> Colour:
    tones = _SKINS[race]
    at = rng.uniform(0, len(tones) - 1)
    return mix(tones[int(at)], tones[min(int(at) + 1, len(tones) - 1)], at % 1)


def _hair(race: Race, age: Age, rng: np.random.Generator) -> Colour:
    choices = _DARK_HAIR + (_FAIR_HAIR if race is Race.CAUCASIAN else ())
    colour = choices[rng.integers(len(choices))]
    if age is Age.OLD:
        return mix(_GREY, _WHITE, rng.random())
    if age is Age.MIDDLE and rng.random() < 0.5:
        return mix(colour, _GREY, rng.uniform(0.2, 0.7))
    return colour


def _iris(race: Race, rng: np.random.Generator) -> Colour:
    choices = _DARK_EYES + (_FAIR_EYES if race is Race.CAUCASIAN else ())
    return choices[rng.integers(len(choices))]


def _fullness(race: Race, female: bool, age: Age) -> float:
    """Lips: fuller in some, thinner with age."""
    full = 1.28 if race is Race.AFRICAN_AMERICAN else 1.0
    return full * (1.12 if female else 0.95) * (0.75 if age is Age.OLD else 1.0)
