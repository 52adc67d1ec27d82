"""How random an order is: the gaps within it, its neighbours, and what two people share."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def gap_p(orders: Sequence[Sequence[int]], n_images: int, n_bins: int = 20) -> float:
    """The chi-square p of the steps from each image to the next, in the order of import.

    Of an order that is random, every step (modulo ``n_images``) is as likely as any other.
    """
    steps = np.concatenate([np.diff(order) % n_images for order in orders])
    edges = np.linspace(0.5, n_images - 0.5, n_bins + 1)
    counts = np.histogram(steps, edges)[0]
    likely = np.histogram(np.arange(1, n_images), edges)[0] / (n_images - 1)
    return float(stats.chisquare(counts, likely * counts.sum()).pvalue)


def neighbours(orders: Sequence[Sequence[int]], sources: np.ndarray) -> float:
    """The share of neighbours that have one source."""
    same = [sources[np.array(order[1:])] == sources[np.array(order[:-1])] for order in orders]
    return float(np.concatenate(same).mean())


def overlap(orders: Sequence[Sequence[int]], n_images: int) -> float:
    """chi²/df of how many images two people share, over all pairs; 1 where they are unrelated.

    Expected is the overlap of random sets of their sizes. Everybody's overlaps add up to what the
    images' targets say, which takes one degree of freedom for each person.
    """
    given = np.zeros((len(orders), n_images))
    for row, order in zip(given, orders, strict=True):
        row[list(order)] = 1
    size = given.sum(axis=1)
    pairs = np.triu_indices(len(orders), 1)
    share = size / n_images
    mean = np.outer(size, share)[pairs]
    spread = np.outer(size * (1 - share), share * (1 - share))[pairs] * n_images / (n_images - 1)
    seen = (given @ given.T)[pairs]
    total = seen.sum() / mean.sum()  # images with an exact target are shared a little less
    chi2 = ((seen - mean * total) ** 2 / spread).sum()
    return float(chi2 / (len(seen) - len(orders)))
