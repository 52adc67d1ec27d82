"""How far the votes agree, from the counts alone: Cronbach's alpha, Fleiss, Krippendorff.

Every image has its own people, so the vote slots of a table are not raters. Cronbach's alpha is
therefore the reliability of the mean vote in a one-way analysis of variance between and within
images, with the K indicators of a vote pooled (README, decision 10). It rises with the number of
votes alone and must be read beside it; ``single_vote_reliability`` does not.
"""

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
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 2:
        raise ValueError(f"counts: shape {n.shape}, must be (n_items, K)")
    n = n[n.sum(axis=1) > 0]
    between, within = mean_squares(n)
    depth = n.sum(axis=1)
    return Agreement(
        n_votes=int(depth.sum()),
        mean_votes_per_item=float(depth.mean()) if len(n) else 0.0,
        cronbach_alpha=_ratio(between - within, between),
        single_vote_reliability=_single_vote(between, within, depth),
        fleiss_kappa=_fleiss(n),
        krippendorff_alpha=_krippendorff(n),
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


def mean_squares(counts: Floats) -> tuple[float, float]:
    """Mean squares between and within items of one-hot votes, summed over the K indicators.

    Rows without votes must be gone. NaN where there are no degrees of freedom.
    """
    depth = counts.sum(axis=1)
    n_votes, n_items = depth.sum(), len(counts)
    if n_items < 2:
        return float("nan"), float("nan")
    raw = (counts**2).sum(axis=1) / depth
    between = (raw.sum() - (counts.sum(axis=0) ** 2).sum() / n_votes) / (n_items - 1)
    if n_votes == n_items:
        return float(between), float("nan")
    return float(between), float((depth - raw).sum() / (n_votes - n_items))


def spearman_brown(single: float, depth: ArrayLike) -> Floats:
    """Cronbach's alpha that a depth would give, from the reliability of a single vote."""
    k = np.asarray(depth, dtype=np.float64)
    return np.asarray(k * single / (1 + (k - 1) * single))


def _single_vote(between: float, within: float, depth: Floats) -> float | None:
    if len(depth) < 2:
        return None
    typical = (depth.sum() - (depth**2).sum() / depth.sum()) / (len(depth) - 1)
    return _ratio(between - within, between + (typical - 1) * within)


def _fleiss(counts: Floats) -> float | None:
    """Fleiss' kappa; with ragged votes the mean over items of two votes or more."""
    pairs = counts[counts.sum(axis=1) >= 2]
    if not len(pairs):
        return None
    depth = pairs.sum(axis=1)
    observed = (((pairs**2).sum(axis=1) - depth) / (depth * (depth - 1))).mean()
    chance = ((pairs.sum(axis=0) / depth.sum()) ** 2).sum()
    return _ratio(float(observed - chance), float(1 - chance))


def _krippendorff(counts: Floats) -> float | None:
    """Krippendorff's alpha for nominal values, from the counts of items with two votes or more."""
    pairs = counts[counts.sum(axis=1) >= 2]
    if not len(pairs):
        return None
    depth = pairs.sum(axis=1)
    n_votes = depth.sum()
    disagreement = n_votes - ((pairs * (pairs - 1)).sum(axis=1) / (depth - 1)).sum()
    totals = pairs.sum(axis=0)
    expected = (n_votes**2 - (totals**2).sum()) / (n_votes - 1)
    return _ratio(float(expected - disagreement), float(expected))


def _ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, or ``None`` where it is undefined (0/0, or no degrees of freedom)."""
    if not np.isfinite(numerator) or not np.isfinite(denominator) or abs(denominator) < 1e-12:
        return None
    return numerator / denominator
