"""Which facial muscles an expression moves: the paper's Table 1, and draws from it."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from reliability.expressions import NAMES, Expression

UNITS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 25, 26, 27)
"""The fifteen action units of Table 1, by their FACS numbers."""

Units = Mapping[int, float]
"""Intensity 0–1 of every unit of ``UNITS``; 0 is absent."""

BLANK = 0.03
"""Table 1 leaves a cell empty below 10 %; we take 3 %."""

_E = Expression
_PRINTED: dict[Expression, dict[int, int]] = {
    _E.SURPRISE: {1: 97, 2: 97, 5: 84, 25: 98, 26: 53},
    _E.FEAR: {1: 78, 2: 42, 4: 74, 5: 79, 7: 50, 20: 30, 26: 61, 27: 43},
    _E.DISGUST: {4: 51, 9: 34, 10: 89, 17: 82, 20: 26, 25: 55},
    # Our transcript prints 98 under AU7; smiles raise the cheeks (AU6), and AU12's 85 beside it
    # belongs to the Duchenne smile. README, Decisions.
    _E.HAPPINESS: {6: 98, 12: 85, 25: 97, 26: 23},
    _E.SADNESS: {1: 88, 4: 84, 15: 21, 17: 54, 25: 49},
    _E.ANGER: {4: 96, 5: 72, 7: 94, 10: 36, 17: 87, 25: 79, 26: 72},
    _E.NEUTRAL: {},
}

PROBABILITIES: np.ndarray = np.array(
    [[_PRINTED[e].get(unit, 100 * BLANK) / 100 for unit in UNITS] for e in _E]
)
"""(7, 15) probability that an expression shows a unit. Source: paper, Table 1."""
PROBABILITIES.setflags(write=False)

PROTOTYPES: Mapping[Expression, tuple[int, ...]] = MappingProxyType(
    {
        _E.SURPRISE: (1, 2, 5, 25, 27),
        _E.FEAR: (1, 2, 4, 5, 20, 25, 26),
        _E.DISGUST: (4, 7, 9, 10, 17),
        _E.HAPPINESS: (6, 12, 25),
        _E.SADNESS: (1, 4, 15, 17),
        _E.ANGER: (4, 5, 7, 17),
        _E.NEUTRAL: (),
    }
)
"""What a psychologist asks a sitter to do: the posed expressions of a laboratory."""


def none_shown() -> dict[int, float]:
    """A face at rest."""
    return dict.fromkeys(UNITS, 0.0)


def sample(expression: Expression, strength: float, rng: np.random.Generator) -> dict[int, float]:
    """Draw the units a real-world face shows, each with Table 1's probability.

    Units are drawn independently: the table has no joint frequencies. Intensities lie around
    ``strength`` (0–1) and never below 0.12, the least that a coder would see.
    """
    shown = rng.random(len(UNITS)) < PROBABILITIES[expression]
    # What Table 1 leaves blank is rare and, where it happens, slight.
    usual = np.where(PROBABILITIES[expression] > BLANK, 1.0, 0.5)
    intensity = np.clip(usual * strength * rng.normal(1.0, 0.16, len(UNITS)), 0.12, 1.0)
    return {u: float(x) for u, x in zip(UNITS, shown * intensity, strict=True)}


def pose(expression: Expression, strength: float, rng: np.random.Generator) -> dict[int, float]:
    """The posed prototype of ``expression``: always the same units, nearly the same strength."""
    intensity = np.clip(strength * rng.normal(1.0, 0.06, len(UNITS)), 0.12, 1.0)
    asked = PROTOTYPES[expression]
    return {u: float(x) if u in asked else 0.0 for u, x in zip(UNITS, intensity, strict=True)}


def blend(first: Units, second: Units, share: float) -> dict[int, float]:
    """One face with two expressions: every unit of either.

    ``share`` (0–1) is the first expression's part; at one half both keep 85 % of their strength,
    so that a compound face is readable without being twice as strong as a single one.
    """
    weights = 0.35 + 1.0 * share, 0.35 + 1.0 * (1.0 - share)
    return {u: min(1.0, max(first[u] * weights[0], second[u] * weights[1])) for u in UNITS}


def clarity(units: Units, expression: Expression) -> float:
    """How much of what Table 1 expects of ``expression`` this face shows, 0–1.

    For neutral it is how little moves. It decides how easy the drawn face is to read.
    """
    shown = np.array([units[u] for u in UNITS])
    if expression is Expression.NEUTRAL:
        return float(1.0 - shown.max())
    expected = np.where(PROBABILITIES[expression] >= 0.1, PROBABILITIES[expression], 0.0)
    # Strays count against it: a smile on an angry face makes it harder to read.
    strays = np.where(PROBABILITIES[expression] < 0.1, shown, 0.0).sum()
    return float(np.clip(shown @ expected / expected.sum() - 0.15 * strays, 0.0, 1.0))


def table() -> str:
    """Table 1 as text, for reports: one line per expression."""
    rows = (
        f"{name:<10}" + " ".join(f"{p:4.2f}" for p in row)
        for name, row in zip(NAMES, PROBABILITIES, strict=True)
    )
    return "\n".join(rows)
