"""The passes over the votes that must be fast, compiled by numba.

Paper §3.1: a vote is right with probability σ(α β). The log-odds of "right" is therefore α β, and
with g_k = Σ α over the votes for k the posterior of an image needs no exponential per vote:

    ln p(votes, y = k) = Σ ln(1 − σ(α β)) + β g_k + Σ_l N_l T_kl + ln π_k

N_l counts the votes for l; T_kl = ln P(a wrong vote is l when the truth is k), T_kk = 0.

Every pass works on a range of images and runs without Python's lock, so that threads share the
work. Importing this module loads numba (0.4 s); the first call compiles, later ones find the
machine code in the cache beside the source.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reliability.compiled import njit
from reliability.votes import ByItem

Floats = NDArray[np.float64]

_SUMS = {"reassoc", "contract", "arcp", "nsz"}  # sums may be reordered; NaN stays NaN
_PRODUCT = 512  # factors between 1 and 2 that a double can surely multiply: 2^512 < 1e155
_LEAST = 0.05  # the least share of Fisher's information that counts as curvature in b


class Model(NamedTuple):
    """The parameters: α, b = ln β, and the logarithms of the wrong votes' and the class shares."""

    alpha: Floats  # (n_annotators,)
    b: Floats  # (n_items,)
    wrong: Floats  # (n_classes, n_classes): T, rows by the truth, 0 on the diagonal
    log_prior: Floats  # (n_classes,): ln π
    precision: float  # of b's prior: one over its variance


class Images(NamedTuple):
    """What a sweep leaves per image, and per vote."""

    posterior: Floats  # (n_items, n_classes)
    slope: Floats  # (n_items,): in b, its prior included
    curvature: Floats  # (n_items,): in b, positive
    cross: NDArray[np.float32]  # (n_votes,): negative mixed second derivative in α and b


class People(NamedTuple):
    """Sums over the votes, per annotator (n_annotators,) and per pair of classes."""

    slope: Floats  # in α
    fisher: Floats  # Σ β² σ(1 − σ)
    curvature: Floats  # in α, each image's b eliminated
    pull: Floats  # what eliminating b takes off the slope
    confusion: (
        Floats  # (n_classes, n_classes): posterior of the row summed over votes for the column
    )


@njit(nogil=True, fastmath=_SUMS)
def fast_exp(x: float) -> float:
    """e^x for −40 ≤ x ≤ 0 to 1e−12, without a table or a branch, so that loops take four at once.

    (e^(x / 256))^256 by nine terms of the series and eight squarings.
    """
    y = x * (1.0 / 256.0)
    e = 1.0 + y * (1.0 / 8.0) * (1.0 + y * (1.0 / 9.0))
    for n in (7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0):
        e = 1.0 + y * (1.0 / n) * e
    for _ in range(8):
        e = e * e
    return e


@njit(nogil=True, fastmath=_SUMS)
def _posterior(model: Model, beta: float, votes_for: Floats, g: Floats, q: Floats) -> float:
    """Fill ``q`` (n_classes,) with the posterior of one image; return ln of what normalised it."""
    n_classes = len(q)
    top = -np.inf
    for k in range(n_classes):
        q[k] = beta * g[k] + model.log_prior[k]
        for other in range(n_classes):
            q[k] += votes_for[other] * model.wrong[k, other]
        top = max(top, q[k])
    total = 0.0
    for k in range(n_classes):
        q[k] = math.exp(q[k] - top)
        total += q[k]
    for k in range(n_classes):
        q[k] /= total
    return float(top + math.log(total))


@njit(nogil=True, fastmath=_SUMS)
def _tally(votes: ByItem, j: int, alpha: Floats, votes_for: Floats, g: Floats) -> None:
    """Count the votes of one image for each class, plain and weighted by reliability."""
    votes_for[:] = 0.0
    g[:] = 0.0
    for v in range(votes.start[j], votes.start[j + 1]):
        votes_for[votes.expression[v]] += 1.0
        g[votes.expression[v]] += alpha[votes.annotator[v]]


@njit(nogil=True, fastmath=_SUMS)
def _chances(votes: ByItem, j: int, alpha: Floats, beta: float, right: Floats) -> float:
    """Fill ``right`` with σ(α β) of one image's votes; return Σ ln(1 − σ(α β)).

    The logarithms of up to 512 votes are taken at once, as the logarithm of a product.
    """
    low = votes.start[j]
    total, product = 0.0, 1.0
    for n in range(votes.start[j + 1] - low):
        x = alpha[votes.annotator[low + n]] * beta
        e = fast_exp(-min(abs(x), 40.0))
        p = 1.0 / (1.0 + e)
        right[n] = p if x >= 0 else e * p
        total -= max(x, 0.0)
        product *= 1.0 + e
        if n % _PRODUCT == _PRODUCT - 1:
            total -= math.log(product)
            product = 1.0
    return float(total - math.log(product))


@njit(nogil=True, fastmath=_SUMS)
def _in_easiness(
    votes: ByItem, j: int, model: Model, share: float, right: Floats, g: Floats, q: Floats
) -> tuple[float, float, float]:
    """The posterior's mean of g, the slope in b, and the curvature in b, made positive."""
    beta = math.exp(model.b[j])
    mean, square, expected, spread = 0.0, 0.0, 0.0, 0.0
    for k in range(len(q)):
        mean += q[k] * g[k]
        square += q[k] * g[k] * g[k]
    low = votes.start[j]
    for n in range(votes.start[j + 1] - low):
        a = model.alpha[votes.annotator[low + n]]
        expected += a * right[n]
        spread += a * a * right[n] * (1.0 - right[n])
    slope = beta * (mean - expected)
    fisher = beta * beta * spread
    beyond = slope + beta * beta * (square - mean * mean)
    curvature = fisher - share * beyond
    curvature = max(curvature, _LEAST * fisher) + model.precision
    return mean, slope - model.precision * model.b[j], curvature


@njit(nogil=True, fastmath=_SUMS)
def _in_reliability(
    votes: ByItem,
    j: int,
    model: Model,
    share: float,
    right: Floats,
    g: Floats,
    mean: float,
    images: Images,
    people: People,
) -> None:
    """Add one image's votes to the annotators' sums and note their mixed derivatives."""
    beta, q = math.exp(model.b[j]), images.posterior[j]
    stiff = images.curvature[j]
    ratio = images.slope[j] / stiff
    low = votes.start[j]
    for n in range(votes.start[j + 1] - low):
        i, k, p = votes.annotator[low + n], votes.expression[low + n], right[n]
        moves = share * q[k] * (g[k] - mean) - model.alpha[i] * p * (1.0 - p)
        mixed = -share * beta * (q[k] - p) - beta * beta * moves
        own = beta * beta * p * (1.0 - p)
        moved = share * beta * beta * q[k] * (1.0 - q[k])
        images.cross[low + n] = mixed
        people.slope[i] += beta * (q[k] - p)
        people.fisher[i] += own
        people.curvature[i] += own - moved - mixed * mixed / stiff
        people.pull[i] += mixed * ratio


@njit(nogil=True, fastmath=_SUMS)
def sweep(
    votes: ByItem,
    first: int,
    last: int,
    model: Model,
    share: float,
    given: bool,
    images: Images,
    people: People,
) -> float:
    """Everything a Newton step needs from images ``first``…``last`` − 1; returns ln p(votes).

    ``share`` is 1 for the curvature of the marginal likelihood and 0 for Fisher's, which leaves out
    slopes and the posterior's own movement and is positive everywhere. Where ``given``, the
    posterior is taken as it is. Fills
    ``images`` and adds to ``people``.
    """
    n_classes = images.posterior.shape[1]
    votes_for, g = np.empty(n_classes), np.empty(n_classes)
    most = 0
    for j in range(first, last):
        most = max(most, votes.start[j + 1] - votes.start[j])
    right = np.empty(most)
    value = 0.0
    for j in range(first, last):
        beta, q = math.exp(model.b[j]), images.posterior[j]
        _tally(votes, j, model.alpha, votes_for, g)
        if not given:
            value += _posterior(model, beta, votes_for, g, q)
        value += _chances(votes, j, model.alpha, beta, right)
        mean, images.slope[j], images.curvature[j] = _in_easiness(
            votes, j, model, share, right, g, q
        )
        _in_reliability(votes, j, model, share, right, g, mean, images, people)
        for k in range(n_classes):
            for other in range(n_classes):
                people.confusion[k, other] += q[k] * votes_for[other]
    return value


@njit(nogil=True, fastmath=_SUMS)
def schur(
    votes: ByItem,
    first: int,
    last: int,
    stride: int,
    b: Floats,
    share: float,
    images: Images,
    out: Floats,
) -> None:
    """Add to the lower triangle of ``out`` what every ``stride``-th image says of pairs of people.

    ``out`` (n_annotators, n_annotators): the off-diagonal part of the negative Hessian in α after
    each image's b is eliminated (a Schur complement), since people meet only on images.
    """
    for j in range(first, last, stride):
        scale = share * math.exp(2.0 * b[j])
        q = images.posterior[j]
        low = votes.start[j]
        for v in range(low, votes.start[j + 1]):
            k = votes.expression[v]
            by_b, by_q = images.cross[v] / images.curvature[j], scale * q[k]
            row = out[votes.annotator[v]]
            for w in range(low, v):  # sorted by annotator, so this is the lower triangle
                other = votes.expression[w]
                moved = by_q * ((1.0 if other == k else 0.0) - q[other])
                row[votes.annotator[w]] -= moved + by_b * images.cross[w]


@njit(nogil=True, fastmath=_SUMS)
def step_in_easiness(
    votes: ByItem, first: int, last: int, step: Floats, limit: float, images: Images, out: Floats
) -> None:
    """Fill ``out`` (n_items,) with the steps in b that go with ``step`` in α, cut to ±limit."""
    for j in range(first, last):
        moved = images.slope[j]
        for v in range(votes.start[j], votes.start[j + 1]):
            moved -= images.cross[v] * step[votes.annotator[v]]
        out[j] = min(max(moved / images.curvature[j], -limit), limit)
