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

from reliability import kernels, steps
from reliability.exchange import ALONE, Exchange
from reliability.kernels import Floats, Images, Model, Scratch, Sums
from reliability.options import Options
from reliability.steps import QuasiNewton
from reliability.votes import Votes

T = TypeVar("T")

_VOTES_PER_RANGE = 1 << 16
_MOST_RANGES = 8  # each has a table of pairs of people
_ROUNDS = 8  # of an image's b, in one pass
_LEAST = 0.1  # the least share of Fisher's information that counts as curvature in α
_FEW_PAIRS = 2_000_000  # pairs of votes that are all looked at for the direction of a step
_PAIRS_PER_VOTE = 4  # beyond


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
    of_mean: Floats  # (n_annotators,) by which Σ b falls as α rises
    pairs: Floats | None  # (n_annotators, n_annotators) curvature of pairs, lower triangle

    @property
    def gradient(self) -> float:
        """Root mean square of the slopes in α, in standard errors; 0 at the optimum."""
        scaled = (self.slope - self.pull) ** 2 / self.fisher
        return float(np.sqrt(scaled.mean())) if len(scaled) else 0.0

    @property
    def reduced_curvature(self) -> Floats:
        """Negative Hessian in α with each image's b eliminated, (n_annotators, n_annotators)."""
        if self.pairs is None:
            raise ValueError("the sweep was asked for no pairs of people")
        full: Floats = self.pairs + self.pairs.T
        full[np.diag_indices(len(full))] = self.curvature
        return full

    def step(self) -> tuple[Floats, float]:
        """The Newton step in α, (n_annotators,), and the gain in nats that it promises.

        Each image's b follows in the next sweep. Raises numpy.linalg.LinAlgError where the
        curvature is not positive.
        """
        matrix, slope = self.reduced_curvature, self.slope - self.pull
        np.linalg.cholesky(matrix)
        step = np.asarray(np.linalg.solve(matrix, slope), dtype=np.float64)
        return step, 0.5 * float(slope @ step)

    @property
    def own_curvature(self) -> Floats:
        """Each person's own part of ``reduced_curvature``, made positive, (n_annotators,)."""
        return np.asarray(np.maximum(self.curvature, _LEAST * self.fisher))

    def quasi_step(self, steps: QuasiNewton) -> tuple[Floats, float]:
        """The same without a table of pairs of people."""
        slope = self.slope - self.pull
        step = steps.step(self.model.alpha, slope, self.own_curvature)
        return step, 0.5 * float(slope @ step)


class Likelihood:
    """The votes cut into ranges of images, and the memory that each sweep fills anew.

    ``images`` belongs to the last sweep. Where processes share the images, ``votes`` holds those
    of this one and every sum is taken over all by ``exchange``. Use as a context manager: leaving
    it ends the threads.
    """

    def __init__(self, votes: Votes, options: Options, exchange: Exchange = ALONE) -> None:
        self.votes, self.options, self.exchange = votes, options, exchange
        n = len(votes)
        self.images = Images(
            posterior=np.zeros((votes.n_items, votes.n_classes)),
            b=np.zeros(votes.n_items),
            slope=np.zeros(votes.n_items),
            curvature=np.ones(votes.n_items),
        )
        depth = votes.votes_per_item.astype(np.float64)
        self.most = int(depth.max(initial=0))
        self.voted = depth > 0
        of_people, (n_votes, n_pairs, n_voted) = np.split(
            exchange.total(
                np.concatenate(
                    [
                        votes.votes_per_annotator,
                        [n, (depth * (depth - 1)).sum() / 2, self.voted.sum()],
                    ]
                )
            ),
            [votes.n_annotators],
        )
        self.n_votes, self.n_voted = int(n_votes), int(n_voted)  # over all processes
        self.votes_per_annotator = of_people
        self.dense = votes.n_annotators <= steps.DENSE
        few = n_pairs <= _FEW_PAIRS
        self.pairs = 1 if few else max(1, round(n_pairs / (_PAIRS_PER_VOTE * n_votes)))
        self.pool = ThreadPoolExecutor(min(n_processors(), _MOST_RANGES))

    def __enter__(self) -> "Likelihood":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pool.shutdown()

    def sweep(
        self,
        model: Model,
        share: float = 1.0,
        given: Floats | None = None,
        *,
        rounds: int = 0,
        stride: int = 1,
        pairs: int = 0,
    ) -> Point:
        """One pass over all votes: refill ``images`` and sum up. The posterior may be ``given``.

        Each image's b climbs for at most ``rounds`` steps, and the point's model has what it
        reached. A ``stride`` above 1 takes only so few of the images, as if there were no others.
        The pairs of people are read from every ``pairs``-th of these, and scaled up; from none
        if it is 0.
        """
        if given is not None:
            self.images.posterior[:] = given
        self.images.b[:] = model.b
        n = self.votes.n_annotators
        shape = (n, n) if pairs else (0, 0)
        ranges = self.ranges_of(stride)
        sums = [Sums(np.zeros((n, kernels.N_COLUMNS)), np.zeros(shape)) for _ in ranges]

        def run(r: int) -> float:
            return kernels.sweep(
                self.votes.by_item, *ranges[r], stride, pairs, rounds, model, share,
                given is not None, self._scratch(), self.images, sums[r],
            )  # fmt: skip

        value = sum(self.map(run, len(ranges)))
        reached = model._replace(b=self.images.b.copy()) if rounds else model
        squares = float(np.sum(reached.b[::stride] ** 2))
        people, table, ends = self.total(
            *(np.sum(part, axis=0) for part in zip(*sums, strict=True)), np.array([value, squares])
        )
        precision = self.options.reliability_sd**-2
        away = model.alpha - self.options.reliability_mean
        slope, fisher, curvature, pull, of_mean = people.T
        return Point(
            model=reached,
            share=share,
            log_likelihood=float(ends[0]),
            penalised=float(ends[0]) + self._log_priors(model, float(ends[1])),
            slope=slope - precision * away,
            curvature=curvature + precision,
            fisher=fisher + precision,
            pull=pull,
            of_mean=of_mean,
            pairs=table * pairs if pairs else None,
        )

    def climb_b(self, model: Model, share: float, stride: int) -> Point:
        """A sweep at this α with each image's b at its best, and all that a step needs."""
        pairs = (self.pairs if stride == 1 else 1) if self.dense else 0
        return self.sweep(model, share, rounds=_ROUNDS, stride=stride, pairs=pairs)

    def mean_over_items(self, values: Floats) -> float:
        """The mean of ``values`` (n_items,) over all items with votes; 0 without any."""
        total = self.exchange.total(np.array([float(values[self.voted].sum())]))
        return float(total[0]) / max(self.n_voted, 1)

    def class_sizes(self, stride: int = 1) -> Floats:
        """How many items show each class by the last sweep, (n_classes,)."""
        return self.exchange.total(self.images.posterior[::stride].sum(axis=0))

    def confusion(self, stride: int = 1) -> Floats:
        """Votes by what their item shows and what they say, by the last sweep, (K, K)."""
        counts = self.votes.counts[::stride].astype(np.float64)
        return self.exchange.total(self.images.posterior[::stride].T @ counts)

    def ranges_of(self, stride: int) -> list[tuple[int, int]]:
        """The ranges of images that threads share, where ``stride`` divides those that count."""
        return self._cut(min(max(len(self.votes) // stride // _VOTES_PER_RANGE, 1), _MOST_RANGES))

    def map(self, run: Callable[[int], T], n: int) -> list[T]:
        if n == 1:
            return [run(0)]
        return list(self.pool.map(run, range(n)))

    def total(self, *parts: Floats) -> list[Floats]:
        """The parts summed over all processes, in one exchange."""
        if self.exchange is ALONE:
            return list(parts)
        whole = self.exchange.total(np.concatenate([part.ravel() for part in parts]))
        pieces = np.split(whole, np.cumsum([part.size for part in parts])[:-1])
        return [piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True)]

    def _cut(self, n: int) -> list[tuple[int, int]]:
        """Ranges of images with about equally many votes."""
        start = self.votes.by_item.start
        at = np.searchsorted(start, np.linspace(0, start[-1], n + 1)[1:-1])
        edges = [0, *(int(edge) for edge in at), self.votes.n_items]
        return list(pairwise(edges))

    def _scratch(self) -> Scratch:
        of_class, of_vote = np.zeros((3, self.votes.n_classes)), np.zeros((4, self.most))
        return Scratch(*of_class, *of_vote)

    def _log_priors(self, model: Model, squares: float) -> float:
        options = self.options
        away = (model.alpha - options.reliability_mean) / options.reliability_sd
        value = -0.5 * (float(away @ away) + model.precision * squares)
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
