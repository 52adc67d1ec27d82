"""What every estimator finds, whatever its model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability.exchange import ALONE, Exchange
from reliability.votes import Votes

Floats = NDArray[np.float64]
Progress = Callable[[float, str], None]  # share of the work done, and what is being done


@dataclass(frozen=True)
class Optimum:
    """Where the penalised likelihood is highest in α and b = ln β, on the priors' scale."""

    alpha: Floats  # (n_annotators,)
    b: Floats  # (n_items,)


@dataclass(frozen=True)
class Integration:
    """What integrating the easiness out has found beside people and items (README, decision 7)."""

    log_likelihood: float
    """ln p(votes) with every item's easiness integrated out."""
    easiness_spread: float
    """Standard deviation of ln β over items."""
    two_share: float
    """Share of items that show two classes; 0 where that was not asked."""
    shows_two: Floats
    """(n_items,) the chance that an item shows two classes."""


@dataclass(frozen=True)
class Measured:
    """One fit: people, items, and how the search went.

    ``reliability`` and ``easiness`` are on the scale where the geometric mean of the easiness of
    items with votes is 1; times ``scale`` turns that easiness, and divided by it that reliability,
    back to the scale of the priors. ``right`` is the chance that a vote for the class is right:
    the posterior, or more where an item shows two classes.
    """

    reliability: Floats  # (n_annotators,)
    std_error: Floats  # (n_annotators,)
    easiness: Floats  # (n_items,), above 0
    easiness_error: Floats  # (n_items,) standard error of ln easiness
    posterior: Floats  # (n_items, n_classes)
    right: Floats  # (n_items, n_classes)
    history: tuple[float, ...]
    converged: bool
    log_likelihood: float
    penalised_log_likelihood: float
    scale: float = 1.0
    optimum: Optimum | None = None
    integrated: Integration | None = None

    @property
    def iterations(self) -> int:
        return len(self.history) - 1


def logit(p: Floats) -> Floats:
    """The α whose σ(α) is p, for p in 0–1 exclusive."""
    odds: Floats = np.log(p) - np.log1p(-p)
    return odds


def sigmoid(x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """σ(x) = 1 / (1 + exp(−x)), without overflow, in the precision of x."""
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, x.dtype.type(1), e) / (1 + e))


def summed(at: NDArray[np.integer[Any]], weight: NDArray[np.floating[Any]], n: int) -> Floats:
    """Sums of the weights that belong to each of 0…n − 1, (n,)."""
    return np.asarray(np.bincount(at, weight, minlength=n), dtype=np.float64)


def implied_accuracy(
    votes: Votes, reliability: Floats, easiness: Floats, exchange: Exchange = ALONE
) -> Floats:
    """Mean chance that a vote is right, over the items that each person saw, (n_annotators,).

    For people without votes: over all items.
    """
    n = votes.n_annotators
    alpha, beta = reliability.astype(np.float32), easiness.astype(np.float32)  # a tenth of the time
    right = np.zeros(n)
    for block in votes.blocks():
        chance = sigmoid(alpha[block.annotator] * beta[block.items][block.item])
        right += summed(block.annotator, chance, n)
    total, seen = exchange.total(np.stack([right, votes.votes_per_annotator]))
    for i in np.flatnonzero(seen == 0):  # nobody's votes: the same people in every process
        chances = sigmoid(reliability[i] * easiness).sum()
        total[i], seen[i] = exchange.total(np.array([float(chances), len(easiness)]))
    return np.where(seen > 0, total / np.maximum(seen, 1), 0.5)
