"""What the votes do not tell of α because state and easiness are hidden, compiled by numba.

A person's complete score on an image is β (1[vote is right] − σ(α β)). Its variance under the
posterior of state and b is the information that is missing (Louis 1982); two people's scores vary
together where they met. As a function of b a score is nearly straight, so that three orthogonal
polynomials carry its variance, and pairs of people cost three products, not one per grid point.
"""

import math
from typing import NamedTuple

import numpy as np

from reliability.compiled import njit
from reliability.integral_kernels import (
    DEGREES,
    SUMS,
    Buffers,
    Floats,
    Grid,
    States,
    dot,
    log_joint,
    normalise,
)
from reliability.votes import ByItem

_DECIDED = 1e-9
B, SQUARE, TWO = 0, 1, 2  # of an image: b, b², whether it shows two classes


class Faces(NamedTuple):
    """What the last pass leaves per image."""

    posterior: Floats  # (n_items, n_classes): where a right vote falls; rows sum to 1
    right: Floats  # (n_items, n_classes): the chance that a vote for the class is right
    two: Floats  # (n_items,): the chance that it shows two classes
    mean: Floats  # (n_items,): of b
    variance: Floats  # (n_items,): of b


class Sums(NamedTuple):
    """Sums over images of what is missing, for people and for the three quantities of an image."""

    own: Floats  # (n_annotators,): variance of a person's score
    mixed: Floats  # (3, n_annotators): covariance of a score with b, b² and "shows two"
    image: Floats  # (3, 3): covariance of b, b² and "shows two"


@njit(nogil=True, fastmath=SUMS)
def _describe(
    j: int, states: States, n_active: int, low: int, high: int, buffers: Buffers, faces: Faces
) -> None:
    """Fill ``posterior`` and ``right`` of one image.

    Where two classes are shown, right votes fall on them as the votes do, one added to each.
    """
    faces.posterior[j] = 0.0
    faces.right[j] = 0.0
    for n in range(n_active):
        m = buffers.active[n]
        p = buffers.joint[m][low:high].sum()
        total = 0.0
        for k in range(states.right.shape[1]):
            total += states.right[m, k] * (buffers.tally[0, k] + 1.0)
        for k in range(states.right.shape[1]):
            if states.right[m, k] > 0.0:
                faces.right[j, k] += p
                faces.posterior[j, k] += p * (buffers.tally[0, k] + 1.0) / total


@njit(nogil=True, fastmath=SUMS)
def _polynomials(b: Floats, weight: Floats, low: int, high: int, buffers: Buffers) -> None:
    """Fill ``basis`` with orthonormal polynomials in b under the posterior: 1, then DEGREES more.

    By the recurrence of three terms. Where few points carry the posterior, the last are 0.
    """
    buffers.basis[0][low:high] = 1.0
    size = 0.0
    for degree in range(1, DEGREES + 1):
        now, ahead = buffers.basis[degree - 1][low:high], buffers.basis[degree][low:high]
        before = buffers.basis[max(degree - 2, 0)][low:high]  # at first without weight: size is 0
        centre, square = 0.0, 0.0
        for q in range(len(b)):
            centre += weight[q] * b[q] * now[q] * now[q]
        for q in range(len(b)):
            ahead[q] = (b[q] - centre) * now[q] - size * before[q]
            square += weight[q] * ahead[q] * ahead[q]
        size = math.sqrt(square)
        scale = 1.0 / size if size > _DECIDED else 0.0
        for q in range(len(b)):
            ahead[q] *= scale


@njit(nogil=True, fastmath=SUMS)
def _by_class(beta: Floats, two: float, low: int, high: int, buffers: Buffers) -> None:
    """Fill ``by_class``: of a right vote's score, the part along each polynomial.

    Afterwards ``basis`` and ``two`` hold what the other part of the score is multiplied with.
    """
    weight = buffers.weight[low:high]
    for d in range(DEGREES):
        basis = buffers.basis[d + 1][low:high]
        for k in range(len(buffers.hit)):
            buffers.by_class[k, d] = 0.0
            if buffers.live[k]:
                hit = buffers.hit[k][low:high]
                total = 0.0
                for q in range(len(beta)):
                    total += basis[q] * hit[q] * beta[q]
                buffers.by_class[k, d] = total
        for q in range(len(beta)):
            basis[q] *= weight[q]
    of_two = buffers.two[low:high]
    for q in range(len(beta)):
        of_two[q] -= two * weight[q]


@njit(nogil=True, fastmath=SUMS)
def _within(
    beta: Floats, states: States, n_active: int, low: int, high: int, two: float, buffers: Buffers
) -> float:
    """Fill ``within``, and ``by_class`` for "shows two"; return the largest variance.

    ``basis[0]``, which is 1, gives way to β² over the weight.
    """
    n_classes = len(buffers.hit)
    buffers.within[:] = 0.0
    buffers.by_class[:, DEGREES] = 0.0
    for n in range(n_active):
        m = buffers.active[n]
        row = buffers.joint[m][low:high]
        square, mean = 0.0, 0.0
        for q in range(len(beta)):
            mean += row[q] * beta[q]
            square += row[q] * beta[q] * beta[q]
        for k in range(n_classes):
            if states.right[m, k] > 0.0:
                buffers.by_class[k, DEGREES] += mean * ((1.0 if m >= n_classes else 0.0) - two)
                for other in range(n_classes):
                    buffers.within[k, other] += square * states.right[m, other]
    ratio, weight = buffers.basis[0][low:high], buffers.weight[low:high]
    for q in range(len(beta)):
        ratio[q] = beta[q] * beta[q] / weight[q]
    most = 0.0
    for k in range(n_classes):
        for other in range(k + 1):
            if buffers.live[k] and buffers.live[other]:
                one, same = buffers.hit[k][low:high], buffers.hit[other][low:high]
                both = 0.0
                for q in range(len(beta)):
                    both += one[q] * same[q] * ratio[q]
                buffers.within[k, other] -= both
                buffers.within[other, k] = buffers.within[k, other]
        most = max(most, buffers.within[k, k])
    return most


@njit(nogil=True, fastmath=SUMS)
def _of_image(j: int, b: Floats, weight: Floats, of_two: Floats, faces: Faces, sums: Sums) -> float:
    """Add the covariance of b, b² and "shows two" of one image; return the chance of the last."""
    mean, square, cube, fourth = 0.0, 0.0, 0.0, 0.0
    two, two_mean, two_square = 0.0, 0.0, 0.0
    for q in range(len(b)):
        x = weight[q] * b[q]
        mean += x
        square += x * b[q]
        cube += x * b[q] * b[q]
        fourth += x * b[q] * b[q] * b[q]
        two += of_two[q]
        two_mean += of_two[q] * b[q]
        two_square += of_two[q] * b[q] * b[q]
    faces.two[j], faces.mean[j], faces.variance[j] = two, mean, square - mean * mean
    sums.image[B, B] += square - mean * mean
    sums.image[SQUARE, SQUARE] += fourth - square * square
    sums.image[TWO, TWO] += two * (1.0 - two)
    _add(sums.image, B, SQUARE, cube - mean * square)
    _add(sums.image, B, TWO, two_mean - two * mean)
    _add(sums.image, SQUARE, TWO, two_square - two * square)
    return two


@njit(nogil=True)
def _add(table: Floats, one: int, other: int, value: float) -> None:
    table[one, other] += value
    table[other, one] += value


@njit(nogil=True, fastmath=SUMS)
def missing(
    votes: ByItem,
    first: int,
    last: int,
    stride: int,
    pairs: int,
    alpha: Floats,
    grid: Grid,
    states: States,
    buffers: Buffers,
    faces: Faces,
    sums: Sums,
    table: Floats,
) -> None:
    """Add what every ``stride``-th image of a range says of the information that is missing.

    Fills ``faces`` for these images. ``table`` (n_annotators, n_annotators), lower triangle: the
    covariance of two people's scores, from every ``pairs``-th of these images.
    """
    for j in range(first, last, stride):
        top = log_joint(votes, j, alpha, grid, states, buffers)
        _, n_active, low, high = normalise(top, states, buffers)
        b, beta, weight = grid.b[low:high], grid.beta[low:high], buffers.weight[low:high]
        _describe(j, states, n_active, low, high, buffers, faces)
        two = _of_image(j, b, weight, buffers.two[low:high], faces, sums)
        _polynomials(b, weight, low, high, buffers)
        undecided = _within(beta, states, n_active, low, high, two, buffers) > _DECIDED
        _by_class(beta, two, low, high, buffers)
        _scores(votes, j, b, grid, low, high, buffers, sums)
        if (j - first) % (stride * pairs) == 0:
            _pairs(votes, j, undecided, buffers, table)


@njit(nogil=True, fastmath=SUMS)
def _scores(
    votes: ByItem,
    j: int,
    b: Floats,
    grid: Grid,
    low: int,
    high: int,
    buffers: Buffers,
    sums: Sums,
) -> None:
    """Fill ``score``: each vote's score in polynomials of b; add variances and covariances."""
    of_b = dot(buffers.basis[1][low:high], b)
    of_square = np.zeros(DEGREES)
    for d in range(DEGREES):
        of_square[d] = dot(buffers.basis[d + 1][low:high], b * b)
    of_two = buffers.two[low:high]
    begin = votes.start[j]
    for n in range(votes.start[j + 1] - begin):
        a, k = votes.annotator[begin + n], votes.expression[begin + n]
        chance = grid.right[a][low:high]
        variance = buffers.within[k, k]
        for d in range(DEGREES):
            c = buffers.by_class[k, d] - dot(buffers.basis[d + 1][low:high], chance)
            buffers.score[n, d] = c
            variance += c * c
            sums.mixed[SQUARE, a] += c * of_square[d]
        sums.own[a] += variance
        sums.mixed[B, a] += buffers.score[n, 0] * of_b
        sums.mixed[TWO, a] += buffers.by_class[k, DEGREES] - dot(of_two, chance)


@njit(nogil=True, fastmath=SUMS)
def _pairs(votes: ByItem, j: int, undecided: bool, buffers: Buffers, table: Floats) -> None:
    begin = votes.start[j]
    for n in range(votes.start[j + 1] - begin):
        row = table[votes.annotator[begin + n]]
        within = buffers.within[votes.expression[begin + n]]
        for w in range(n):  # sorted by annotator, so this is the lower triangle
            total = 0.0
            for d in range(DEGREES):
                total += buffers.score[n, d] * buffers.score[w, d]
            if undecided:
                total += within[votes.expression[begin + w]]
            row[votes.annotator[begin + w]] += total
