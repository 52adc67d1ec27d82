"""What chance alone would give: the yardstick beside every figure of a person or an image.

A random voter keeps a person's habits (how often each key) but never looks at the face. Where the
votes are pure noise, nobody may look reliable and no image certain; tests hold both.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability.estimates import Estimate, estimate, start_after
from reliability.options import Options
from reliability.screening import ScreeningRule
from reliability.start import Start
from reliability.votes import Votes

Floats = NDArray[np.float64]
_PLANTED = 100  # random voters from whom the band is read
_SHARE = 0.1  # of the people replaced at a time: few enough not to move the consensus
_SAMPLE = 100_000  # votes, on images drawn at random, that show as well as all what chance does
_TOLERANCE = 1e-6  # nats per vote: far below a standard error, and an iteration or two cheaper
_CLOSE = 1e-4  # of an expectation to its end
_DISCOVERIES = 0.01  # false ones among the images called certain


@dataclass(frozen=True)
class Band:
    """The reliability that a random voter would get in each person's place, (n_annotators,)."""

    low: Floats
    high: Floats
    coverage: float
    """The share of random voters inside."""

    def outside(self, reliability: Floats) -> NDArray[np.bool_]:
        """Who is told apart from a random voter, upwards or downwards, (n_annotators,)."""
        return np.asarray((reliability < self.low) | (reliability > self.high))


def band(
    votes: Votes,
    found: Estimate,
    rng: np.random.Generator,
    *,
    screening: ScreeningRule | None = ScreeningRule(),  # noqa: B008  # frozen
    options: Options = Options(),  # noqa: B008  # frozen
    coverage: float = 0.98,
) -> Band:
    """Plant random voters in people's places, estimate again, and see what they get.

    The same estimator with the same screening judges the planted people, so that chance agreement,
    their own weight in the consensus and the prior are all in the band. Each one's result is taken
    relative to the first-order expectation for that person's number of votes and images, and the
    pooled quantiles are carried back. Where there are many votes the planting is done on a part of
    the images: what is carried back is then measured on fewer votes, and is widened by as much.
    Cost: four estimates, at most 100, of at most 100,000 votes; each starts from ``found``.
    """
    options = replace(options, tolerance=max(options.tolerance, _TOLERANCE))
    habits = _habits(votes)
    some, items = _sample(votes, rng)
    start = start_after(found).renumbered(np.arange(votes.n_annotators), items)
    centre, spread = _expected(some, found, items, habits, options)
    voters = np.flatnonzero(some.votes_per_annotator > 0)
    if not len(voters):
        return Band(centre - spread, centre + spread, coverage)
    at_once = max(1, round(_SHARE * len(voters)))
    away: list[Floats] = []  # of the planted from their expectation
    per: list[Floats] = []
    while sum(map(len, away)) < _PLANTED:
        planted = rng.choice(voters, size=at_once, replace=False)
        noise = _with_random(some, planted, habits, rng)
        alpha = _refit(noise, found.method, start, screening, options)
        away.append(alpha[planted] - centre[planted])
        per.append(spread[planted])
    if some is not votes:
        every = np.arange(votes.n_items)
        centre, spread = _expected(votes, found, every, habits, options)
    return _carried_back(np.concatenate(away), np.concatenate(per), centre, spread, coverage)


def certain(votes: Votes, found: Estimate, *, confidence: float = 0.95) -> NDArray[np.bool_]:
    """Which images are decided beyond what habits alone could give, (n_items,).

    The consensus must reach ``confidence``, and its votes must be more than random voters with the
    crowd's habits would ever heap on one expression of that image; of the images so called at most
    1 % are expected to be chance (Benjamini–Hochberg), and on pure noise there are none.
    """
    kept = votes.select(found.kept[votes.annotator])
    chance = _chance_of_heap(kept.counts, found.consensus)
    order = np.argsort(chance, kind="stable")
    limit = _DISCOVERIES * np.arange(1, len(order) + 1) / max(len(order), 1)
    passed = np.flatnonzero(chance[order] <= limit)
    beyond = np.zeros(votes.n_items, dtype=bool)
    if len(passed):
        beyond[order[: passed[-1] + 1]] = True
    return np.asarray(beyond & (found.confidence >= confidence) & ~found.tied)


def shuffled(votes: Votes, rng: np.random.Generator) -> Votes:
    """The same people with the same habits on the same images, but nobody looks at a face.

    Each person's choices are permuted among the images that person saw.
    """
    order = np.lexsort((np.arange(len(votes)), votes.annotator))
    drawn = np.lexsort((rng.random(len(votes)), votes.annotator))
    expression = np.empty_like(votes.expression)
    expression[order] = votes.expression[drawn]
    return _with_expressions(votes, expression)


def _habits(votes: Votes) -> Floats:
    """(n_annotators, K): each person's share of each class, drawn to the crowd's by K votes."""
    n_classes = votes.n_classes
    cell = votes.annotator.astype(np.int64) * n_classes + votes.expression
    own = np.bincount(cell, minlength=votes.n_annotators * n_classes).reshape(-1, n_classes)
    crowd = (own.sum(axis=0) + 1) / (len(votes) + n_classes)
    habits = own + n_classes * crowd
    return np.asarray(habits / habits.sum(axis=1, keepdims=True))


def _expected(
    votes: Votes, found: Estimate, items: NDArray[np.int64], habits: Floats, options: Options
) -> tuple[Floats, Floats]:
    """First-order mean and standard deviation of a random voter's α in each person's place.

    The mean solves the M-step for α with the chance that the habit hits the posterior in place of
    the vote; the spread is that of the score over its curvature. ``items`` are those of ``found``
    that the votes speak of.
    """
    at = items[votes.item]
    beta = (found.easiness * found.scale)[at]
    hit = np.einsum("vk,vk->v", habits[votes.annotator], found.right[at])
    square = np.einsum("vk,vk->v", habits[votes.annotator], (found.right**2)[at])
    precision = options.reliability_sd**-2

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(votes.annotator, values, minlength=votes.n_annotators))

    alpha = np.zeros(votes.n_annotators)
    for _ in range(12):
        chance = 1 / (1 + np.exp(-alpha[votes.annotator] * beta))
        slope = summed(beta * (hit - chance)) - precision * (alpha - options.reliability_mean)
        curvature = summed(beta**2 * chance * (1 - chance)) + precision
        step = np.clip(slope / curvature, -1, 1)
        alpha = alpha + step
        if np.abs(step).max(initial=0.0) < _CLOSE:
            break
    score = summed(beta**2 * np.maximum(square - hit**2, 0.01))
    return alpha * found.scale, np.sqrt(score) / curvature * found.scale + 1e-3


def _with_random(
    votes: Votes, planted: NDArray[np.int64], habits: Floats, rng: np.random.Generator
) -> Votes:
    """The votes with those of ``planted`` drawn anew from their habits."""
    at = np.flatnonzero(np.isin(votes.annotator, planted))
    cumulative = habits.cumsum(axis=1)[votes.annotator[at]]
    expression = votes.expression.copy()
    expression[at] = (rng.random((len(at), 1)) >= cumulative[:, :-1]).sum(axis=1)
    return _with_expressions(votes, expression)


def _with_expressions(votes: Votes, expression: NDArray[np.integer[Any]]) -> Votes:
    return Votes(
        votes.item,
        votes.annotator,
        expression,
        n_items=votes.n_items,
        n_annotators=votes.n_annotators,
        n_classes=votes.n_classes,
    )


def _refit(
    votes: Votes, method: str, start: Start, screening: ScreeningRule | None, options: Options
) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # noise may not converge, and need not
        again = estimate(votes, method, screening, start=start, options=options)
    return again.reliability


def _sample(votes: Votes, rng: np.random.Generator) -> tuple[Votes, NDArray[np.int64]]:
    """The votes on as many images as hold ``_SAMPLE``, and which images these are."""
    if len(votes) <= _SAMPLE:
        return votes, np.arange(votes.n_items)
    order = rng.permutation(votes.n_items)
    n = int(np.searchsorted(votes.votes_per_item[order].cumsum(), _SAMPLE)) + 1
    items = np.sort(order[:n])
    place = np.full(votes.n_items, -1)
    place[items] = np.arange(n)
    at = place[votes.item]
    chosen = at >= 0
    some = Votes(
        at[chosen],
        votes.annotator[chosen],
        votes.expression[chosen],
        n_items=n,
        n_annotators=votes.n_annotators,
        n_classes=votes.n_classes,
    )
    return some, items


def _carried_back(
    away: Floats, per: Floats, centre: Floats, spread: Floats, coverage: float
) -> Band:
    """Limits that a further random voter stays inside with at least this probability.

    ``away`` (n,) is how far planted voters came from their expectation, whose spread was ``per``.
    Their mean, by precision, is carried over as it is and the rest in units of the spread. The
    wider of the ranks and of Student's t, since a hundred voters say little of their tails.
    """
    from scipy.special import stdtrit  # scipy.stats would cost more to import than to use

    n, precision = len(away), (per**-2).sum()
    shift = float((away / per**2).sum() / precision)
    ranked = np.sort((away - shift) / per)
    tail = max(int((1 - coverage) / 2 * (n + 1)), 1)
    half = stdtrit(n - 1, (1 + coverage) / 2) * ranked.std(ddof=1)
    half = half * np.sqrt(spread**2 + 1 / precision)
    low = np.minimum(ranked[tail - 1] * spread, -half)
    high = np.maximum(ranked[-tail] * spread, half)
    return Band(centre + shift + low, centre + shift + high, coverage)


def _chance_of_heap(counts: NDArray[np.int64], consensus: NDArray[np.int64]) -> Floats:
    """The chance that random voters put so many votes on any one expression, (n_items,)."""
    from scipy.special import bdtrc

    share = counts.sum(axis=0) / max(counts.sum(), 1)
    depth = counts.sum(axis=1)
    heap = np.take_along_axis(counts, consensus[:, None], axis=1)[:, 0] if len(counts) else depth
    both, place = np.unique(np.stack([depth, heap]), axis=1, return_inverse=True)
    chance = bdtrc(both[1][:, None] - 1, both[0][:, None], share[None, :]).sum(axis=1)
    return np.asarray(np.minimum(chance, 1.0)[place])
