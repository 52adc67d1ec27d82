"""The pass over the votes that must be fast, compiled by numba.

Paper §3.1: a vote is right with probability σ(α β). The log-odds of "right" is therefore α β, and
with g_k = Σ α over the votes for k the posterior of an image needs no exponential per vote:

    ln p(votes, y = k) = Σ ln(1 − σ(α β)) + β g_k + Σ_l N_l T_kl + ln π_k

N_l counts the votes for l; T_kl = ln P(a wrong vote is l when the truth is k), T_kk = 0.

An image's b = ln β touches no other image, so the pass climbs to its best value for the given α
while the image's votes lie in the processor's cache, and sums up what the people need.

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
_LONGEST = 2.0  # step in b
_HALVINGS = 6
_REST = 1e-9  # nats that a step in b must promise to be taken

SLOPE, FISHER, CURVATURE, PULL, OF_MEAN = 0, 1, 2, 3, 4  # columns of ``Sums.people``
N_COLUMNS = 5


class Model(NamedTuple):
    """The parameters: α, b = ln β, and the logarithms of the wrong votes' and the class shares."""

    alpha: Floats  # (n_annotators,)
    b: Floats  # (n_items,)
    wrong: Floats  # (n_classes, n_classes): T, rows by the truth, 0 on the diagonal
    log_prior: Floats  # (n_classes,): ln π
    precision: float  # of b's prior: one over its variance


class Images(NamedTuple):
    """What a pass leaves per image."""

    posterior: Floats  # (n_items, n_classes)
    b: Floats  # (n_items,)
    slope: Floats  # (n_items,): in b, its prior included
    curvature: Floats  # (n_items,): in b, positive


class Sums(NamedTuple):
    """Sums over the votes.

    The columns of ``people``: the slope in α; Σ β² σ(1 − σ); the curvature in α with each image's
    b eliminated; what eliminating b takes off the slope; and Σ of mixed second derivatives over
    the image's curvature, by which the mean of b follows α.
    """

    people: Floats  # (n_annotators, N_COLUMNS)
    pairs: Floats  # (n_annotators, n_annotators): lower triangle of the curvature off its diagonal


class Scratch(NamedTuple):
    """Memory for one image at a time."""

    votes_for: Floats  # (n_classes,)
    g: Floats  # (n_classes,): weighted by reliability
    constant: Floats  # (n_classes,): ln p(votes, y = k) without β
    alpha: Floats  # (most votes of an image,): α of who voted
    right: Floats  # (most votes of an image,): σ(α β)
    cross: Floats  # (most votes of an image,): negative mixed second derivative in α and b
    curvature: Floats  # (most votes of an image,): in α


@njit(fastmath=_SUMS)
def fast_exp(x: float) -> float:
    """e^x for −40 ≤ x ≤ 0 to 1e−12, without a table or a branch, so that loops take four at once.

    (e^(x / 256))^256 by nine terms of the series and eight squarings.
    """
    y = x * (1.0 / 256.0)
    e = 1.0 / 40320.0 + y * (1.0 / 362880.0)
    e = 1.0 / 5040.0 + y * e
    e = 1.0 / 720.0 + y * e
    e = 1.0 / 120.0 + y * e
    e = 1.0 / 24.0 + y * e
    e = 1.0 / 6.0 + y * e
    e = 0.5 + y * e
    e = 1.0 + y * e
    e = 1.0 + y * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@njit(fastmath=_SUMS)
def _tally(votes: ByItem, j: int, model: Model, scratch: Scratch) -> int:
    """Note who voted; count the votes for each class, plain and weighted. Return how many."""
    votes_for, g = scratch.votes_for, scratch.g
    votes_for[:] = 0.0
    g[:] = 0.0
    low, n_votes = votes.start[j], votes.start[j + 1] - votes.start[j]
    for n in range(n_votes):
        a = model.alpha[np.uint32(votes.annotator[low + n])]
        vote = np.uint8(votes.expression[low + n])
        scratch.alpha[n] = a
        votes_for[vote] += 1.0
        g[vote] += a
    for k in range(len(g)):
        total = model.log_prior[k]
        for other in range(len(g)):
            total += votes_for[other] * model.wrong[k, other]
        scratch.constant[k] = total
    return int(n_votes)


@njit(fastmath=_SUMS)
def _chances(n_votes: int, beta: float, scratch: Scratch) -> tuple[float, float, float]:
    """Fill ``right`` with σ(α β); return Σ ln(1 − σ), Σ α σ and Σ α² σ (1 − σ).

    The logarithms of up to 512 votes are taken at once, as the logarithm of a product.
    """
    total, expected, spread = 0.0, 0.0, 0.0
    for begin in range(0, n_votes, _PRODUCT):
        product = 1.0
        for n in range(begin, min(begin + _PRODUCT, n_votes)):
            a = scratch.alpha[n]
            x = a * beta
            e = fast_exp(-min(abs(x), 40.0))
            p = 1.0 / (1.0 + e)
            right = p if x >= 0 else e * p
            scratch.right[n] = right
            product *= 1.0 + e
            total -= max(x, 0.0)
            expected += a * right
            spread += a * a * (e * p * p)
        total -= math.log(product)
    return total, expected, spread


@njit(fastmath=_SUMS)
def _at(
    n_votes: int, b: float, model: Model, share: float, given: bool, scratch: Scratch, q: Floats
) -> tuple[float, float, float, float]:
    """One image at one b: its likelihood, slope, positive curvature, and the mean of g.

    Fills ``q`` with the posterior, unless that is ``given``, and ``scratch.right``.
    """
    beta, g = math.exp(b), scratch.g
    value, expected, spread = _chances(n_votes, beta, scratch)
    if not given:
        top = -np.inf
        for k in range(len(q)):
            q[k] = beta * g[k] + scratch.constant[k]
            top = max(top, q[k])
        total = 0.0
        for k in range(len(q)):
            q[k] = math.exp(q[k] - top)
            total += q[k]
        for k in range(len(q)):
            q[k] /= total
        value += top + math.log(total)
    mean, square = 0.0, 0.0
    for k in range(len(q)):
        mean += q[k] * g[k]
        square += q[k] * g[k] * g[k]
    slope = beta * (mean - expected)
    fisher = beta * beta * spread
    curvature = fisher - share * (slope + beta * beta * (square - mean * mean))
    curvature = max(curvature, _LEAST * fisher) + model.precision
    return value, slope - model.precision * b, curvature, mean


@njit(fastmath=_SUMS)
def _climb(
    n_votes: int, b: float, rounds: int, model: Model, share: float, given: bool,
    scratch: Scratch, q: Floats,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """Newton's steps in b of one image, none of which lowers it; b, then what ``_at`` returns.

    A step that would lower it is halved; where the image rests, no step is taken.
    """
    value, slope, curvature, mean = _at(n_votes, b, model, share, given, scratch, q)
    for _ in range(rounds):
        if slope * slope < _REST * curvature:
            break
        step = min(max(slope / curvature, -_LONGEST), _LONGEST)
        before = value - 0.5 * model.precision * b * b
        for halving in range(_HALVINGS):
            to = b + step
            value, slope, curvature, mean = _at(n_votes, to, model, share, given, scratch, q)
            rises = value - 0.5 * model.precision * to * to >= before
            if rises or halving == _HALVINGS - 1:
                break
            step *= 0.5
        if not rises:
            value, slope, curvature, mean = _at(n_votes, b, model, share, given, scratch, q)
            break
        b = to
    return b, value, slope, curvature, mean


@njit(fastmath=_SUMS)
def _add_people(
    votes: ByItem, j: int, b: float, slope: float, curvature: float, mean: float, share: float,
    scratch: Scratch, q: Floats, people: Floats,
) -> None:  # fmt: skip
    """Add one image's votes to the annotators' sums and note their mixed derivatives.

    ``scratch.right`` and ``alpha`` give way to the votes' slopes and Fisher's information.
    """
    beta = math.exp(b)
    square, soft, ratio = beta * beta, 1.0 / curvature, slope / curvature
    low, n_votes = votes.start[j], votes.start[j + 1] - votes.start[j]
    for n in range(n_votes):  # by itself, so that several votes are taken at once
        k = np.uint8(votes.expression[low + n])
        p, chance = scratch.right[n], q[k]
        own, beyond = square * p * (1.0 - p), beta * (chance - p)
        moves = share * square * chance * (scratch.g[k] - mean) - scratch.alpha[n] * own
        mixed = -share * beyond - moves
        scratch.cross[n], scratch.right[n], scratch.alpha[n] = mixed, beyond, own
        scratch.curvature[n] = own - share * square * chance * (1.0 - chance) - mixed * mixed * soft
    for n in range(n_votes):
        i = np.uint32(votes.annotator[low + n])
        people[i, SLOPE] += scratch.right[n]
        people[i, FISHER] += scratch.alpha[n]
        people[i, CURVATURE] += scratch.curvature[n]
        people[i, PULL] += scratch.cross[n] * ratio
        people[i, OF_MEAN] += scratch.cross[n] * soft


@njit(fastmath=_SUMS)
def _add_pairs(
    votes: ByItem, j: int, scale: float, curvature: float, scratch: Scratch, q: Floats,
    pairs: Floats,
) -> None:  # fmt: skip
    """Add what one image says of pairs of people: a Schur complement, since b is eliminated."""
    low = votes.start[j]
    for n in range(votes.start[j + 1] - low):
        k = np.uint8(votes.expression[low + n])
        by_b, by_q = scratch.cross[n] / curvature, scale * q[k]
        i = np.uint32(votes.annotator[low + n])
        for w in range(n):  # sorted by annotator, so this is the lower triangle
            other = np.uint8(votes.expression[low + w])
            moved = by_q * ((1.0 if other == k else 0.0) - q[other])
            pairs[i, np.uint32(votes.annotator[low + w])] -= moved + by_b * scratch.cross[w]


@njit(fastmath=_SUMS)
def sweep(
    votes: ByItem,
    first: int,
    last: int,
    stride: int,
    pairs: int,
    rounds: int,
    model: Model,
    share: float,
    given: bool,
    scratch: Scratch,
    images: Images,
    sums: Sums,
) -> float:
    """Everything a Newton step in α needs from images ``first``…``last`` − 1; returns ln p(votes).

    Takes the images that ``stride`` divides, and of these every ``pairs``-th for the table of
    pairs (0: no table). Each image's b climbs for at most ``rounds`` steps first.
    ``share`` is 1 for the curvature of the marginal likelihood and 0 for Fisher's, which leaves out
    slopes and the posterior's own movement and is positive everywhere. Where ``given``, the
    posterior is taken as it is. Fills ``images`` and adds to ``sums``.
    """
    total = 0.0
    for j in range(first + (stride - first % stride) % stride, last, stride):
        q = images.posterior[j]
        n_votes = _tally(votes, j, model, scratch)
        b, value, slope, curvature, mean = _climb(
            n_votes, model.b[j], rounds, model, share, given, scratch, q
        )
        total += value
        images.b[j], images.slope[j], images.curvature[j] = b, slope, curvature
        _add_people(votes, j, b, slope, curvature, mean, share, scratch, q, sums.people)
        if pairs > 0 and j // stride % pairs == 0:
            _add_pairs(votes, j, share * math.exp(2.0 * b), curvature, scratch, q, sums.pairs)
    return total
