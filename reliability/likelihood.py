"""The penalised marginal likelihood of all votes, its slopes and its curvature.

The compiled passes of ``kernels`` are run here over ranges of images by threads. Ranges and the
order of sums follow from the votes alone, never from how many threads there are, so that the same
votes give the same bytes.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reliability import kernels
from reliability.kernels import Floats, Images, Model, People
from reliability.options import Options
from reliability.votes import Votes

T = TypeVar("T")

_VOTES_PER_RANGE = 1 << 16
_MOST_RANGES = 32
_LANES = 4  # tables of pairs of people filled beside each other
_PAIRS_PER_STEP = 2_000_000  # pairs of votes that suffice for the direction of a step
_LONGEST_STEP = 2.0  # in b


@dataclass(frozen=True)
class Point:
    """The likelihood at one setting of the parameters, with what a step from there needs."""

    model: Model
    share: float  # 1: curvature of the marginal likelihood; 0: Fisher's
    log_likelihood: float
    penalised: float  # with the priors, constants dropped
    slope: Floats  # (n_annotators,) of the penalised likelihood in α
    curvature: Floats  # (n_annotators,) in α, b eliminated, prior included
    fisher: Floats  # (n_annotators,) in α at fixed b, prior included
    pull: Floats  # (n_annotators,) what eliminating b takes off the slope
    confusion: Floats  # (n_classes, n_classes)

    @property
    def gradient(self) -> float:
        """Root mean square of the slopes in α, in standard errors; 0 at the optimum."""
        scaled = (self.slope - self.pull) ** 2 / self.fisher
        return float(np.sqrt(scaled.mean())) if len(scaled) else 0.0


class Likelihood:
    """The votes cut into ranges of images, and the memory that each sweep fills anew.

    ``images`` belongs to the last sweep. Use as a context manager: leaving it ends the threads.
    """

    def __init__(self, votes: Votes, options: Options) -> None:
        self.votes, self.options = votes, options
        n = len(votes)
        self.images = Images(
            posterior=np.zeros((votes.n_items, votes.n_classes)),
            slope=np.zeros(votes.n_items),
            curvature=np.ones(votes.n_items),
            cross=np.zeros(n, dtype=np.float32),
        )
        self.ranges = self._cut(min(max(n // _VOTES_PER_RANGE, 1), _MOST_RANGES))
        self.lanes = self._cut(_LANES if n > _VOTES_PER_RANGE else 1)
        per_item = votes.votes_per_item.astype(float)
        self.stride = max(1, int((per_item**2).sum() / 2 / _PAIRS_PER_STEP))
        self.pool = ThreadPoolExecutor(min(n_processors(), len(self.ranges)))

    def __enter__(self) -> "Likelihood":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.shutdown()

    def sweep(self, model: Model, share: float = 1.0, given: Floats | None = None) -> Point:
        """One pass over all votes: refill ``images`` and sum up. The posterior may be ``given``."""
        if given is not None:
            self.images.posterior[:] = given
        sums = [self._empty_sums() for _ in self.ranges]

        def run(k: int) -> float:
            return kernels.sweep(
                self.votes.by_item, *self.ranges[k], model, share, given is not None,
                self.images, sums[k],
            )  # fmt: skip

        log_likelihood = float(sum(self.map(run, len(self.ranges))))
        people = People(*(np.sum(part, axis=0) for part in zip(*sums, strict=True)))
        precision = self.options.reliability_sd**-2
        away = model.alpha - self.options.reliability_mean
        return Point(
            model=model,
            share=share,
            log_likelihood=log_likelihood,
            penalised=log_likelihood + self._log_priors(model),
            slope=people.slope - precision * away,
            curvature=people.curvature + precision,
            fisher=people.fisher + precision,
            pull=people.pull,
            confusion=people.confusion,
        )

    def reduced_curvature(self, at: Point, stride: int | None = None) -> Floats:
        """Negative Hessian in α with each image's b eliminated, (n_annotators, n_annotators).

        Belongs to the last sweep, ``at``. A ``stride`` above 1 looks at so few images and scales
        up, which is enough for the direction of a step; 1 is exact.
        """
        stride = self.stride if stride is None else stride
        n = self.votes.n_annotators
        tables = [np.zeros((n, n)) for _ in self.lanes]

        def run(k: int) -> None:
            kernels.schur(
                self.votes.by_item, *self.lanes[k], stride, at.model.b, at.share,
                self.images, tables[k],
            )  # fmt: skip

        self.map(run, len(self.lanes))
        lower = np.sum(tables, axis=0) * stride
        full: Floats = lower + lower.T
        full[np.diag_indices(n)] = at.curvature
        return full

    def step(self, at: Point) -> tuple[Floats, Floats]:
        """The Newton step in α and b from the last sweep, ``at``.

        Raises numpy.linalg.LinAlgError where the curvature there is not positive.
        """
        matrix = self.reduced_curvature(at)
        np.linalg.cholesky(matrix)
        in_alpha = np.asarray(np.linalg.solve(matrix, at.slope - at.pull), dtype=np.float64)
        in_b = np.zeros(self.votes.n_items)

        def run(k: int) -> None:
            kernels.step_in_easiness(
                self.votes.by_item, *self.ranges[k], in_alpha, _LONGEST_STEP, self.images, in_b
            )

        self.map(run, len(self.ranges))
        return in_alpha, in_b

    def map(self, run: Callable[[int], T], n: int) -> list[T]:
        if n == 1:
            return [run(0)]
        return list(self.pool.map(run, range(n)))

    def _cut(self, n: int) -> list[tuple[int, int]]:
        """Ranges of images with about equally many votes."""
        start = self.votes.by_item.start
        at = np.searchsorted(start, np.linspace(0, start[-1], n + 1)[1:-1])
        edges = [0, *(int(edge) for edge in at), self.votes.n_items]
        return list(pairwise(edges))

    def _empty_sums(self) -> People:
        n, k = self.votes.n_annotators, self.votes.n_classes
        return People(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((k, k)))

    def _log_priors(self, model: Model) -> float:
        options = self.options
        value = -0.5 * float(
            np.sum(((model.alpha - options.reliability_mean) / options.reliability_sd) ** 2)
            + model.precision * np.sum(model.b**2)
        )
        if options.estimate_classes:
            value += options.pseudo_count * float(model.log_prior.sum())
        if options.estimate_errors:
            value += options.pseudo_count * float(model.wrong.sum())
        return value


def n_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def uniform_errors(n_classes: int) -> NDArray[np.float64]:
    """T where a wrong vote falls uniformly on the other classes, (n_classes, n_classes)."""
    wrong = np.full((n_classes, n_classes), -np.log(max(n_classes - 1, 1)))
    np.fill_diagonal(wrong, 0.0)
    return wrong
