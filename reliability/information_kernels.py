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


class Sums(NamedTuple):
    """Sums over images of what is missing, for people and for the three quantities of an image."""

    own: Floats  # (n_annotators,): variance of a person's score
    mixed: Floats  # (3, n_annotators): covariance of a score with b, b² and "shows two"
    image: Floats  # (3, 3): covariance of b, b² and "shows two"


@njit(fastmath=SUMS)
def _polynomials(b: Floats, buffers: Buffers) -> None:
    """Fill ``basis`` with orthonormal polynomials in b under the posterior: 1, then DEGREES more.

    By the recurrence of three terms. Where few points carry the posterior, the last are 0.
    """
    weight = buffers.weight
    buffers.basis[0][:] = 1.0
    size = 0.0
    for degree in range(1, DEGREES + 1):
        now, ahead = buffers.basis[degree - 1], buffers.basis[degree]
        before = buffers.basis[max(degree - 2, 0)]  # at first without weight: size is 0
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


@njit(fastmath=SUMS)
def _by_class(beta: Floats, two: float, buffers: Buffers) -> None:
    """Fill ``by_class``: of a right vote's score, the part along each polynomial.

    Afterwards ``basis`` and ``two`` hold what the other part of the score is multiplied with.
    """
    weight = buffers.weight
    for d in range(DEGREES):
        basis = buffers.basis[d + 1]
        for k in range(len(buffers.hit)):
            buffers.by_class[k, d] = 0.0
            if buffers.live[k]:
                hit = buffers.hit[k]
                total = 0.0
                for q in range(len(beta)):
                    total += basis[q] * hit[q] * beta[q]
                buffers.by_class[k, d] = total
        for q in range(len(beta)):
            basis[q] *= weight[q]
    of_two = buffers.two
    for q in range(len(beta)):
        of_two[q] -= two * weight[q]


@njit(fastmath=SUMS)
def _within(beta: Floats, states: States, n_active: int, two: float, buffers: Buffers) -> float:
    """Fill ``within``, and ``by_class`` for "shows two"; return the largest variance.

    ``basis[0]``, which is 1, gives way to β² over the weight.
    """
    n_classes = len(buffers.hit)
    buffers.within[:] = 0.0
    buffers.by_class[:, DEGREES] = 0.0
    for n in range(n_active):
        m = buffers.active[n]
        row = buffers.joint[m]
        square, mean = 0.0, 0.0
        for q in range(len(beta)):
            mean += row[q] * beta[q]
            square += row[q] * beta[q] * beta[q]
        for k in range(n_classes):
            if states.right[m, k] > 0.0:
                buffers.by_class[k, DEGREES] += mean * ((1.0 if m >= n_classes else 0.0) - two)
                for other in range(n_classes):
                    buffers.within[k, other] += square * states.right[m, other]
    ratio, weight = buffers.basis[0], buffers.weight
    for q in range(len(beta)):
        ratio[q] = beta[q] * beta[q] / weight[q]
    most = 0.0
    for k in range(n_classes):
        for other in range(k + 1):
            if buffers.live[k] and buffers.live[other]:
                one, same = buffers.hit[k], buffers.hit[other]
                both = 0.0
                for q in range(len(beta)):
                    both += one[q] * same[q] * ratio[q]
                buffers.within[k, other] -= both
                buffers.within[other, k] = buffers.within[k, other]
        most = max(most, buffers.within[k, k])
    return most


@njit(fastmath=SUMS)
def _of_image(b: Floats, buffers: Buffers, sums: Sums) -> float:
    """Add the covariance of b, b² and "shows two" of one image; return the chance of the last."""
    mean, square, cube, fourth = 0.0, 0.0, 0.0, 0.0
    two, two_mean, two_square = 0.0, 0.0, 0.0
    for q in range(len(b)):
        x, y = buffers.weight[q] * b[q], buffers.two[q] * b[q]
        mean += x
        square += x * b[q]
        cube += x * b[q] * b[q]
        fourth += x * b[q] * b[q] * b[q]
        two += buffers.two[q]
        two_mean += y
        two_square += y * b[q]
    sums.image[B, B] += square - mean * mean
    sums.image[SQUARE, SQUARE] += fourth - square * square
    sums.image[TWO, TWO] += two * (1.0 - two)
    _add(sums.image, B, SQUARE, cube - mean * square)
    _add(sums.image, B, TWO, two_mean - two * mean)
    _add(sums.image, SQUARE, TWO, two_square - two * square)
    return two


@njit(fastmath=SUMS)
def _add(table: Floats, one: int, other: int, value: float) -> None:
    table[one, other] += value
    table[other, one] += value


@njit(fastmath=SUMS)
def missing(
    votes: ByItem,
    first: int,
    last: int,
    stride: int,
    alpha: Floats,
    grid: Grid,
    states: States,
    buffers: Buffers,
    sums: Sums,
    table: Floats,
) -> None:
    """Add what the images of a range that ``stride`` divides say of the information missing.

    ``table`` (n_annotators, n_annotators), lower triangle: the covariance of two people's scores;
    or empty, where that is not asked.
    """
    for j in range(first + (stride - first % stride) % stride, last, stride):
        top = log_joint(votes, j, alpha, grid, states, buffers)
        _, n_active = normalise(top, states, buffers)
        for q in range(len(grid.b)):
            buffers.weight[q] += 1e-300  # points between two modes are divided by
        two = _of_image(grid.b, buffers, sums)
        _polynomials(grid.b, buffers)
        undecided = _within(grid.beta, states, n_active, two, buffers) > _DECIDED
        _by_class(grid.beta, two, buffers)
        _scores(votes, j, grid, buffers, sums)
        if len(table) > 0:
            _pairs(votes, j, undecided, buffers, table)


@njit(fastmath=SUMS)
def _scores(votes: ByItem, j: int, grid: Grid, buffers: Buffers, sums: Sums) -> None:
    """Fill ``score``: each vote's score in polynomials of b; add variances and covariances."""
    of_b = dot(buffers.basis[1], grid.b)
    of_square = buffers.of_class
    for d in range(DEGREES):
        of_square[d] = 0.0
        for q in range(len(grid.b)):
            of_square[d] += buffers.basis[d + 1, q] * grid.b[q] * grid.b[q]
    begin = votes.start[j]
    for n in range(votes.start[j + 1] - begin):
        a, k = np.uint32(votes.annotator[begin + n]), np.uint8(votes.expression[begin + n])
        of_two = 0.0
        for q in range(len(grid.b)):
            of_two += buffers.two[q] * grid.right[a, q]
        variance = buffers.within[k, k]
        for d in range(DEGREES):
            c = buffers.by_class[k, d]
            for q in range(len(grid.b)):
                c -= buffers.basis[d + 1, q] * grid.right[a, q]
            buffers.score[n, d] = c
            variance += c * c
            sums.mixed[SQUARE, a] += c * of_square[d]
        sums.own[a] += variance
        sums.mixed[B, a] += buffers.score[n, 0] * of_b
        sums.mixed[TWO, a] += buffers.by_class[k, DEGREES] - of_two


@njit(fastmath=SUMS)
def _pairs(votes: ByItem, j: int, undecided: bool, buffers: Buffers, table: Floats) -> None:
    begin, score = votes.start[j], buffers.score
    for n in range(votes.start[j + 1] - begin):
        i, k = np.uint32(votes.annotator[begin + n]), np.uint8(votes.expression[begin + n])
        for w in range(n):  # sorted by annotator, so this is the lower triangle
            total = 0.0
            for d in range(DEGREES):
                total += score[n, d] * score[w, d]
            if undecided:
                total += buffers.within[k, np.uint8(votes.expression[begin + w])]
            table[i, np.uint32(votes.annotator[begin + w])] += total
