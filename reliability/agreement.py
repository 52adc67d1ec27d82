"""How far the votes agree, from the counts alone: Cronbach's alpha, Fleiss, Krippendorff.

Every image has its own people, so the vote slots of a table are not raters. Cronbach's alpha is
therefore the reliability of the mean vote in a one-way analysis of variance between and within
images, with the K indicators of a vote pooled (README, decision 10). It rises with the number of
votes alone and must be read beside it; ``single_vote_reliability`` does not.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reliability.votes import Votes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Coefficients of agreement; ``None`` where the votes leave one undefined."""

    n_votes: int
    mean_votes_per_item: float
    """Over the items that have votes; 0 without any."""
    cronbach_alpha: float | None
    """Paper §3.1: 0.966. Undefined where no item has two votes or all votes are equal."""
    single_vote_reliability: float | None
    """The intraclass correlation of one vote: Cronbach's alpha at a depth of one."""
    fleiss_kappa: float | None
    krippendorff_alpha: float | None


@dataclass(frozen=True)
class AgreementOverTime:
    """Agreement of the first ``n_votes[p]`` votes, for each point p."""

    n_votes: NDArray[np.int64]
    last: Floats
    """When the last of those votes was given, in the unit of the times handed in."""
    agreement: tuple[Agreement, ...]


def agreement(votes: Votes) -> Agreement:
    """All coefficients of the votes; below 0.1 s for 1.2 million."""
    return agreement_of_counts(votes.counts)


def agreement_of_counts(counts: ArrayLike) -> Agreement:
    """All coefficients of ``counts`` (n_items, K): how many people chose each class."""
    return agreement_of_sums(sums_of_counts(counts))


def sums_of_counts(counts: ArrayLike) -> Floats:
    """All that the coefficients need of ``counts`` (n_items, K), (8 + 2 K,).

    The sums of two sets of items add up to those of both, so that processes may share them.
    """
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 2:
        raise ValueError(f"counts: shape {n.shape}, must be (n_items, K)")
    n = n[n.sum(axis=1) > 0]
    depth, squares = n.sum(axis=1), (n**2).sum(axis=1)
    twice = depth >= 2
    same, deep = (squares - depth)[twice], depth[twice]  # ordered pairs of votes that agree
    return np.concatenate(
        [
            [len(n), depth.sum(), (depth**2).sum(), (squares / depth).sum()],
            [len(deep), deep.sum(), (same / (deep * (deep - 1))).sum(), (same / (deep - 1)).sum()],
            n.sum(axis=0),
            n[twice].sum(axis=0),
        ]
    )


def agreement_of_sums(sums: Floats) -> Agreement:
    """All coefficients from ``sums_of_counts``."""
    n_items, n_votes, depth_squares, raw = (float(value) for value in sums[:4])
    n_deep, deep_votes, agreeing, krippendorff_agreeing = (float(value) for value in sums[4:8])
    of_class, of_deep = np.split(sums[8:], 2)
    between = within = math.nan
    if n_items >= 2:
        between = (raw - float((of_class**2).sum()) / n_votes) / (n_items - 1)
        within = (n_votes - raw) / (n_votes - n_items) if n_votes > n_items else math.nan
    single = fleiss = krippendorff = None
    if n_items >= 2:
        typical = (n_votes - depth_squares / n_votes) / (n_items - 1)
        single = _ratio(between - within, between + (typical - 1) * within)
    if n_deep:
        chance = float(((of_deep / deep_votes) ** 2).sum())
        fleiss = _ratio(agreeing / n_deep - chance, 1 - chance)
        expected = (deep_votes**2 - float((of_deep**2).sum())) / (deep_votes - 1)
        krippendorff = _ratio(expected - (deep_votes - krippendorff_agreeing), expected)
    return Agreement(
        n_votes=int(n_votes),
        mean_votes_per_item=n_votes / n_items if n_items else 0.0,
        cronbach_alpha=_ratio(between - within, between),
        single_vote_reliability=single,
        fleiss_kappa=fleiss,
        krippendorff_alpha=krippendorff,
    )


def agreement_over_time(votes: Votes, when: ArrayLike, n_points: int = 12) -> AgreementOverTime:
    """Agreement as the votes came in: ``when`` (n_votes,) are times in any one unit.

    The points divide the votes evenly; the last is the whole. One pass over the votes.
    """
    times = np.asarray(when, dtype=np.float64)
    if times.shape != votes.item.shape or not np.isfinite(times).all():
        raise ValueError(f"when: shape {times.shape}, must be {votes.item.shape} finite times")
    if not len(times):
        return AgreementOverTime(np.zeros(0, np.int64), np.zeros(0), ())
    order = np.argsort(times, kind="stable")
    ends = np.unique(np.linspace(0, len(order), min(n_points, len(order)) + 1).astype(np.int64))[1:]
    cell = votes.item.astype(np.int64) * votes.n_classes + votes.expression
    counts = np.zeros(votes.n_items * votes.n_classes, dtype=np.int64)
    points, begin = [], 0
    for end in ends:
        counts += np.bincount(cell[order[begin:end]], minlength=len(counts))
        points.append(agreement_of_counts(counts.reshape(-1, votes.n_classes)))
        begin = end
    return AgreementOverTime(ends, times[order[ends - 1]], tuple(points))


def spearman_brown(single: float, depth: ArrayLike) -> Floats:
    """Cronbach's alpha that a depth would give, from the reliability of a single vote."""
    k = np.asarray(depth, dtype=np.float64)
    return np.asarray(k * single / (1 + (k - 1) * single))


def _ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, or ``None`` where it is undefined (0/0, or no degrees of freedom)."""
    if not np.isfinite(numerator) or not np.isfinite(denominator) or abs(denominator) < 1e-12:
        return None
    return numerator / denominator
