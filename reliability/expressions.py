"""The seven expressions and their compounds: the only list of them in Rafter.

In arrays an expression is 0–6 in the paper's order; in files it is 1–7 (paper §3.1,
"label k ∈ {1, …, 7}").
"""

from enum import IntEnum


class Expression(IntEnum):
    """One of the paper's seven classes, by its index in arrays."""

    SURPRISE = 0
    FEAR = 1
    DISGUST = 2
    HAPPINESS = 3
    SADNESS = 4
    ANGER = 5
    NEUTRAL = 6

    @property
    def title(self) -> str:
        """The word on screens and in files, such as ``Surprise``."""
        return self.name.capitalize()

    @property
    def file_label(self) -> int:
        """The label 1–7 that RAF-DB's files carry."""
        return int(self) + 1


N_EXPRESSIONS = len(Expression)
NAMES: tuple[str, ...] = tuple(e.name.lower() for e in Expression)

_E = Expression
COMPOUNDS: tuple[tuple[str, Expression, Expression], ...] = (
    ("Happily Surprised", _E.HAPPINESS, _E.SURPRISE),
    ("Happily Disgusted", _E.HAPPINESS, _E.DISGUST),
    ("Sadly Fearful", _E.SADNESS, _E.FEAR),
    ("Sadly Angry", _E.SADNESS, _E.ANGER),
    ("Sadly Surprised", _E.SADNESS, _E.SURPRISE),
    ("Sadly Disgusted", _E.SADNESS, _E.DISGUST),
    ("Fearfully Angry", _E.FEAR, _E.ANGER),
    ("Fearfully Surprised", _E.FEAR, _E.SURPRISE),
    ("Angrily Surprised", _E.ANGER, _E.SURPRISE),
    ("Angrily Disgusted", _E.ANGER, _E.DISGUST),
    ("Disgustedly Surprised", _E.DISGUST, _E.SURPRISE),
    ("Fearfully Disgusted", _E.FEAR, _E.DISGUST),
)
"""RAF-DB's compounds in the order of its labels 1–12: name and the pair. The twelfth was too
rare to distribute (paper §5). A pair outside this list (happiness with sadness, fear or anger)
is two-label but has no compound class."""

N_DISTRIBUTED_COMPOUNDS = 11

_BY_PAIR = {frozenset((a, b)): i for i, (_, a, b) in enumerate(COMPOUNDS)}


def compound_of(first: int, second: int) -> int | None:
    """The index 0–11 into ``COMPOUNDS`` of an unordered pair, or None where it has no name."""
    return _BY_PAIR.get(frozenset((Expression(first), Expression(second))))
