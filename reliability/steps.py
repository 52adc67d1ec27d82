"""The steps of a search among so many people that no table of their pairs fits."""

import numpy as np

from reliability.measured import Floats

DENSE = 2000  # people; of more, no table of pairs is made (32 MB, and n³ operations a step)
_MEMORY = 12


class QuasiNewton:
    """Steps uphill that learn the curvature from the slopes they met (L-BFGS).

    Nocedal & Wright 2006, algorithm 7.4, begun from a diagonal curvature. Needs a dozen vectors
    of the size of the people, where Newton's step needs a table of their pairs.
    """

    def __init__(self) -> None:
        self.past: list[tuple[Floats, Floats, float]] = []  # moved, slope lost, 1 / their product
        self.last: tuple[Floats, Floats] | None = None

    def step(self, at: Floats, slope: Floats, curvature: Floats) -> Floats:
        """The step from ``at``; ``curvature`` is the positive diagonal to begin from."""
        if self.last is not None:
            moved, lost = at - self.last[0], self.last[1] - slope
            product = float(moved @ lost)
            if product > 1e-12 * float(moved @ (curvature * moved)) > 0:
                self.past = [*self.past[1 - _MEMORY :], (moved, lost, 1 / product)]
        self.last = at, slope
        step, shares = slope.copy(), []
        for moved, lost, scale in reversed(self.past):
            share = scale * float(moved @ step)
            shares.append(share)
            step -= share * lost
        step = step / curvature
        for (moved, lost, scale), share in zip(self.past, reversed(shares), strict=True):
            step += (share - scale * float(lost @ step)) * moved
        return np.asarray(step)
