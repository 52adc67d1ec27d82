"""How often somebody is right, or agrees with themself, beside what chance would give."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from reliability.expressions import N_EXPRESSIONS

Z95 = 1.959964


@dataclass(frozen=True)
class Score:
    """``n_right`` of ``n``; ``chance`` is what the same keys would get without looking (0–1)."""

    n_right: int
    n: int
    chance: float

    @property
    def share(self) -> float | None:
        return self.n_right / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson 1927); all of 0–1 where nothing is known."""
        if not self.n:
            return 0.0, 1.0
        p, n, z2 = self.n_right / self.n, self.n, Z95**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(centre - half, 0.0), min(centre + half, 1.0)

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    @property
    def beats_chance(self) -> bool:
        """Whether the whole interval lies above chance."""
        return self.n > 0 and self.low > self.chance


def score(counts: Iterable[tuple[int, int, int]]) -> Score:
    """The score of ``(expected, answered, how often)``, expressions 0–6.

    Chance is the agreement of the two margins, as in Cohen's kappa: somebody who presses one key
    is expected to be right as often as that key is right.
    """
    expected, answered = [0] * N_EXPRESSIONS, [0] * N_EXPRESSIONS
    n = n_right = 0
    for e, a, k in counts:
        expected[e] += k
        answered[a] += k
        n += k
        n_right += k if e == a else 0
    together = sum(e * a for e, a in zip(expected, answered, strict=True))
    return Score(n_right, n, together / n**2 if n else 1 / N_EXPRESSIONS)
