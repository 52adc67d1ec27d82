"""What a decision would change: another threshold, fewer votes, stopping early.

Everything here holds α and β at what the estimate found and concludes again from other votes (one
E-step), so that a question over a million votes costs a second. ``planning`` fits again instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reliability.estimates import Estimate
from reliability.measured import Floats, summed
from reliability.partition import partition
from reliability.screening import ScreeningRule
from reliability.votes import Votes

_ITEMS_AT_ONCE = 4096


@dataclass(frozen=True)
class ThresholdEffects:
    """What the screening rule would do with another threshold, all (n_thresholds,)."""

    threshold: Floats
    people: Floats
    """Share of the people with votes who would be left out."""
    votes: Floats
    """Share of the votes that would not count."""
    relabelled: Floats
    """Share of the images with votes whose consensus would be another than it is now."""


@dataclass(frozen=True)
class StoppingEffects:
    """What stopping an image at a lead of so many votes would have done, all (n_leads,)."""

    lead: NDArray[np.int64]
    saved: Floats
    """Share of the votes that would not have been asked for."""
    relabelled: Floats
    """Share of the images with votes whose consensus would be another than with all votes."""
    moved: Floats
    """Share of the images with votes that would belong to another subset."""


class Conclusions:
    """The consensus and the subset that an estimate draws from any part of its votes."""

    def __init__(self, votes: Votes, found: Estimate) -> None:
        self.easiness = found.easiness
        self.n_classes = votes.n_classes
        self.per_vote = float(np.log(max(votes.n_classes - 1, 1)))
        self.weight = np.where(found.kept, found.reliability, 0.0)
        self.counts = np.where(found.kept, 1.0, 0.0)

    def consensus(self, g: Floats, n: Floats, items: Any = slice(None)) -> Floats:
        """(…,) the likeliest class given g and the counts, (…, K): β g + N ln(K − 1)."""
        beta: Floats = self.easiness[items]
        return np.asarray((beta[..., None] * g + self.per_vote * n).argmax(axis=-1))

    def sums(self, votes: Votes, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """g and counts over the chosen votes (n_votes,) of kept people, (n_items, K) each."""
        cell = votes.item[chosen].astype(np.int64) * self.n_classes + votes.expression[chosen]
        who, size = votes.annotator[chosen], votes.n_items * self.n_classes
        shape = (votes.n_items, self.n_classes)
        g = summed(cell, self.weight[who], size).reshape(shape)
        return g, summed(cell, self.counts[who], size).reshape(shape)


def threshold_effects(
    votes: Votes,
    found: Estimate,
    rule: ScreeningRule = ScreeningRule(),  # noqa: B008  # frozen
    thresholds: ArrayLike | None = None,
) -> ThresholdEffects:
    """The effect of the rule at each threshold on α; by default forty over the range of α."""
    n_votes = votes.votes_per_annotator
    surely = rule.upper_end(found.reliability, found.std_error)
    judged = n_votes >= rule.min_votes
    at = _range_of(found.reliability) if thresholds is None else np.unique(np.asarray(thresholds))
    first = np.where(judged, np.searchsorted(at, surely, side="right"), len(at))
    people = np.cumsum(_tally(first[n_votes > 0], len(at))) / max(int((n_votes > 0).sum()), 1)
    gone = np.cumsum(_tally(np.repeat(first, n_votes), len(at))) / max(len(votes), 1)
    return ThresholdEffects(at, people, gone, _relabelled(votes, found, first, len(at)))


def stopping_effects(
    votes: Votes, found: Estimate, rng: np.random.Generator, leads: ArrayLike = (3, 4, 6, 8, 12, 16)
) -> StoppingEffects:
    """Ask for each image's votes in a random order and stop when one class is so far ahead."""
    rule = np.asarray(leads, dtype=np.int64)
    judge, kept = Conclusions(votes, found), found.kept
    asked, relabelled, moved = (np.zeros(len(rule), dtype=np.int64) for _ in range(3))
    for items, who, what in _padded(votes, kept, rng):
        once = (what[:, :, None] == np.arange(votes.n_classes)) & (who >= 0)[:, :, None]
        n = once.cumsum(axis=1)
        g = (once * judge.weight[who][:, :, None]).cumsum(axis=1)
        ranked = np.sort(n, axis=2)
        ahead = ranked[:, :, -1] - ranked[:, :, -2]
        depth, row = (who >= 0).sum(axis=1), np.arange(len(items))
        whole = judge.consensus(g[:, -1], n[:, -1], items), partition(g[:, -1]).subset
        for r, lead in enumerate(rule):
            reached = ahead >= lead
            stop = np.where(reached.any(axis=1), reached.argmax(axis=1), depth - 1)
            asked[r] += int((stop + 1).sum())
            relabelled[r] += (judge.consensus(g[row, stop], n[row, stop], items) != whole[0]).sum()
            moved[r] += (partition(g[row, stop]).subset != whole[1]).sum()
    n_votes = max(int(kept[votes.annotator].sum()), 1)
    n_items = max(int((votes.votes_per_item > 0).sum()), 1)
    return StoppingEffects(rule, 1 - asked / n_votes, relabelled / n_items, moved / n_items)


def settled(
    votes: Votes, found: Estimate, rng: np.random.Generator, n_halves: int = 20
) -> tuple[Floats, Floats]:
    """How often a random half of an image's votes says what all of them say, (n_items,) each.

    First the consensus, then the subset. Where every half already agrees, as many votes again
    will hardly change anything; where halves disagree, they may. 0 for images without votes.
    """
    judge = Conclusions(votes, found)
    whole_g, whole_n = judge.sums(votes, np.ones(len(votes), dtype=bool))
    label, subset = judge.consensus(whole_g, whole_n), partition(whole_g).subset
    same, same_subset = np.zeros(votes.n_items), np.zeros(votes.n_items)
    for _ in range(n_halves):
        g, n = judge.sums(votes, some_votes(votes, (votes.votes_per_item + 1) // 2, rng))
        same += judge.consensus(g, n) == label
        same_subset += partition(g).subset == subset
    voted = votes.votes_per_item > 0
    return voted * same / n_halves, voted * same_subset / n_halves


def some_votes(votes: Votes, n_each: ArrayLike, rng: np.random.Generator) -> NDArray[np.bool_]:
    """At most ``n_each`` of each item's votes, drawn at random: which ones, (n_votes,)."""
    order = np.argsort(votes.item + rng.random(len(votes)))
    n = votes.votes_per_item
    rank = np.arange(len(votes)) - np.repeat(np.cumsum(n) - n, n)
    most = np.broadcast_to(np.asarray(n_each), n.shape)
    chosen = np.zeros(len(votes), dtype=bool)
    chosen[order] = rank < np.repeat(most, n)
    return chosen


def _range_of(alpha: Floats, n: int = 41) -> Floats:
    if not len(alpha):
        return np.zeros(1)
    return np.unique(np.round([0.0, *np.linspace(alpha.min() - 0.1, alpha.max(), n)], 2))


def _tally(first: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """How many are left out first by each of n thresholds."""
    return np.bincount(first, minlength=n + 1)[:n]


def _relabelled(votes: Votes, found: Estimate, first: NDArray[np.int64], n: int) -> Floats:
    """The share of images with another consensus than now, as people leave threshold by threshold.

    ``first`` (n_annotators,) is the first threshold that leaves a person out.
    """
    judge, every = Conclusions(votes, found), np.ones(len(votes), dtype=bool)
    now = judge.consensus(*judge.sums(votes, every))
    judge.weight, judge.counts = found.reliability, np.ones(votes.n_annotators)
    g, counts = judge.sums(votes, every)
    leaves = first[votes.annotator]
    order = np.argsort(leaves, kind="stable")
    edges = np.searchsorted(leaves[order], np.arange(n + 1))
    share, voted = np.zeros(n), max(int((votes.votes_per_item > 0).sum()), 1)
    for t in range(n):
        gone = order[edges[t] : edges[t + 1]]
        cell = (votes.item[gone], votes.expression[gone])
        np.subtract.at(g, cell, found.reliability[votes.annotator[gone]])
        np.subtract.at(counts, cell, 1.0)
        share[t] = (judge.consensus(g, counts) != now).sum() / voted
    return share


def _padded(
    votes: Votes, kept: NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks of items with their kept votes in random order: items, then annotators and choices
    (n, depth), −1 behind the last."""
    mine = votes.select(kept[votes.annotator])
    order = np.argsort(mine.item + rng.random(len(mine)))
    start, n = mine.by_item.start, mine.votes_per_item
    for low in range(0, mine.n_items, _ITEMS_AT_ONCE):
        items = low + np.flatnonzero(n[low : low + _ITEMS_AT_ONCE])
        if not len(items):
            continue
        place = start[items][:, None] + np.arange(int(n[items].max()))
        there = place < start[items + 1][:, None]
        at = order[np.where(there, place, 0)]
        yield (
            items,
            np.where(there, mine.annotator[at], -1).astype(np.int64),
            np.where(there, mine.expression[at], -1).astype(np.int64),
        )
