"""Whether somebody looks at the faces: from the times and the order of their answers.

Signs for a curator to look into, never a verdict: each needs many answers and says by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import median

from annotation.labelling.models import Vote
from annotation.people.models import Membership
from reliability.expressions import N_EXPRESSIONS

from .measures import Score

FAST_MS = 300
"""Nobody sees a face and chooses among seven keys in less."""
ENOUGH = 50
"""Fewer answers tell nothing."""
MOST_FAST, MOST_SAME, MOST_Z = 0.1, 0.7, 4.5
"""Beyond these shares of fast answers and of one key, and this many standard errors."""


@dataclass(frozen=True)
class Attention:
    """What the keys of one person look like; expressions are 0–6, times in milliseconds."""

    n: int
    n_timed: int
    n_fast: int
    median_ms: float | None
    key: int | None
    """The expression chosen most, and how often."""
    n_key: int
    step: int
    """The next key is the last one and ``step`` (mod 7) more often than by chance: 0 repeats it,
    1 walks along the row; ``n_step`` times, where shuffled answers would give ``chance_step``."""
    n_step: int
    chance_step: float

    @property
    def is_hasty(self) -> bool:
        return self.n_timed >= ENOUGH and Score(self.n_fast, self.n_timed, 0).low > MOST_FAST

    @property
    def is_one_key(self) -> bool:
        return self.n >= ENOUGH and Score(self.n_key, self.n, 0).low > MOST_SAME

    @property
    def is_patterned(self) -> bool:
        return self.n >= ENOUGH and self.z_step > MOST_Z

    @property
    def z_step(self) -> float:
        """By how many standard errors the step exceeds chance; 0 where it cannot."""
        pairs = self.n - 1
        q = self.chance_step / pairs if pairs > 0 else 0.0
        return (self.n_step - self.chance_step) / sqrt(pairs * q * (1 - q)) if 0 < q < 1 else 0.0

    @property
    def is_in_doubt(self) -> bool:
        return self.is_hasty or self.is_one_key or self.is_patterned


def attention_of(membership: Membership) -> Attention:
    """The signs in one person's current votes, in the order they were given."""
    votes = Vote.objects.filter(is_current=True, assignment__annotator=membership).order_by("pk")
    rows = list(votes.values_list("expression", "response_ms"))
    return attention([e for e, _ in rows], [ms for _, ms in rows if ms is not None])


def attention(answers: Sequence[int], times_ms: Sequence[int]) -> Attention:
    """The signs in these answers (0–6, in order) and times; O(n)."""
    counts = [0] * N_EXPRESSIONS
    steps = [0] * N_EXPRESSIONS
    for answer in answers:
        counts[answer] += 1
    for last, following in pairwise(answers):
        steps[(following - last) % N_EXPRESSIONS] += 1
    n, pairs = len(answers), max(len(answers) - 1, 0)
    chances = [_chance(counts, n, step) * pairs for step in range(N_EXPRESSIONS)]
    step = max(range(N_EXPRESSIONS), key=lambda s: _excess(steps[s], chances[s], pairs))
    key = max(range(N_EXPRESSIONS), key=counts.__getitem__) if n else None
    return Attention(
        n=n,
        n_timed=len(times_ms),
        n_fast=sum(ms < FAST_MS for ms in times_ms),
        median_ms=median(times_ms) if times_ms else None,
        key=key,
        n_key=max(counts),
        step=step,
        n_step=steps[step],
        chance_step=chances[step],
    )


def _chance(counts: list[int], n: int, step: int) -> float:
    """How often two answers drawn from these without putting back lie ``step`` apart."""
    if n < 2:
        return 0.0
    same = n if step == 0 else 0
    together = sum(c * counts[(k + step) % N_EXPRESSIONS] for k, c in enumerate(counts))
    return (together - same) / (n * (n - 1))


def _excess(found: int, chance: float, pairs: int) -> float:
    spread = sqrt(chance * (1 - chance / pairs)) if 0 < chance < pairs else 0.0
    return (found - chance) / spread if spread else 0.0
