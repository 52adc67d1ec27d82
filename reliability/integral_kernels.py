"""The passes over the votes with each image's easiness integrated out, compiled by numba.

b = ln β of an image is N(0, s²); the integral over it is a sum over one grid of b for all images,
exact to 1e−8 where the grid is finer than any image's posterior. On a grid, ln(1 − σ(α β)) is a
small table of people × points, so no vote costs an exponential. What an image shows is one of M
states, each with the classes that are right in it:

    ln p(votes, y = m, b) = Σ ln(1 − σ(α β)) + β G_m + Σ_l N_l L_ml + ln π_m + ln N(b; 0, s²)

with G_m the weighted votes of the classes that are right, and L_ml = ln P(l | right) or
ln P(l | wrong) as l is right or wrong in m.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reliability.compiled import njit
from reliability.kernels import fast_exp
from reliability.votes import ByItem

Floats = NDArray[np.float64]

SUMS = {"reassoc", "contract", "arcp", "nsz", "nnan"}  # no operand here can be NaN
_NEGLIGIBLE = -20.0  # e^−20 ≈ 2e−9
DEGREES = 3  # polynomials in b that carry the variance of a score; a fourth changes nothing


class Grid(NamedTuple):
    """The grid of b, and every person's chances on it."""

    b: Floats  # (n_points,)
    beta: Floats  # (n_points,)
    log_weight: Floats  # (n_points,): of the prior N(0, s²), summing to 1
    wrong: Floats  # (n_annotators, n_points): ln(1 − σ(α β))
    right: Floats  # (n_annotators, n_points): β σ(α β)


class States(NamedTuple):
    """What an image can show: one class, or two of them."""

    right: Floats  # (n_states, n_classes): 1 where a vote for the class is right, else 0
    log_share: Floats  # (n_states, n_classes): where right votes fall, and where wrong ones
    log_prior: Floats  # (n_states,)


class Buffers(NamedTuple):
    """Memory for one image at a time."""

    joint: Floats  # (n_states, n_points): the posterior of state and b
    weight: Floats  # (n_points,): the posterior of b
    two: Floats  # (n_points,): that of b, and the image shows two classes
    hit: Floats  # (n_classes, n_points): that of b, and a vote for the class is right
    basis: Floats  # (DEGREES + 1, n_points): orthonormal polynomials in b
    by_class: Floats  # (n_classes, DEGREES + 1)
    within: Floats  # (n_classes, n_classes): mean covariance of "right" at given b, times β²
    tally: Floats  # (2, n_classes): votes, and weighted votes
    best: Floats  # (n_states,): the largest of ``joint`` before it is normalised
    score: Floats  # (most votes of an image, DEGREES)
    active: NDArray[np.int64]  # (n_states,): the states that are not negligible
    live: NDArray[np.bool_]  # (n_classes,): those that are right in one of them


@njit(nogil=True, fastmath=SUMS)
def log_joint(
    votes: ByItem, j: int, alpha: Floats, grid: Grid, states: States, buffers: Buffers
) -> float:
    """Fill ``joint`` with ln p(votes, state, b) of one image; return the largest."""
    base, tally = buffers.weight, buffers.tally
    n_states, n_classes = states.right.shape
    n_points = len(base)
    base[:] = grid.log_weight
    tally[:] = 0.0
    for v in range(votes.start[j], votes.start[j + 1]):
        a, k = votes.annotator[v], votes.expression[v]
        tally[0, k] += 1.0
        tally[1, k] += alpha[a]
        row = grid.wrong[a]
        for q in range(n_points):
            base[q] += row[q]
    top = -np.inf
    for m in range(n_states):
        constant, g = states.log_prior[m], 0.0
        for k in range(n_classes):
            constant += tally[0, k] * states.log_share[m, k]
            g += tally[1, k] * states.right[m, k]
        best = -np.inf
        for q in range(n_points):
            value = base[q] + grid.beta[q] * g + constant
            buffers.joint[m, q] = value
            best = max(best, value)
        buffers.best[m] = best
        top = max(top, best)
    return float(top)


@njit(nogil=True, fastmath=SUMS)
def normalise(top: float, states: States, buffers: Buffers) -> tuple[float, int, int, int]:
    """Turn ``joint`` into probabilities; ln of their sum, the number of active states, the points.

    Only rows of active states and the points from the first to the last that count are valid.
    """
    joint, active = buffers.joint, buffers.active
    n_states, n_points = joint.shape
    n_active, first, last = 0, n_points, 0
    for m in range(n_states):
        if buffers.best[m] - top > _NEGLIGIBLE:
            active[n_active] = m
            n_active += 1
            low, high = 0, n_points
            while joint[m, low] - top < _NEGLIGIBLE:
                low += 1
            while joint[m, high - 1] - top < _NEGLIGIBLE:
                high -= 1
            first, last = min(first, low), max(last, high)
    total = 0.0
    for n in range(n_active):
        row = joint[active[n]][first:last]
        for q in range(len(row)):
            row[q] = fast_exp(max(row[q] - top, 2.0 * _NEGLIGIBLE))
            total += row[q]
    _gather(1.0 / total, states, n_active, first, last, buffers)
    return top + math.log(total), n_active, first, last


@njit(nogil=True, fastmath=SUMS)
def _gather(
    scale: float, states: States, n_active: int, first: int, last: int, buffers: Buffers
) -> None:
    """Scale ``joint``, and sum it up to ``weight``, ``two`` and ``hit``."""
    weight, two = buffers.weight[first:last], buffers.two[first:last]
    weight[:] = 1e-300  # points between two modes are divided by
    two[:] = 0.0
    buffers.live[:] = False
    for n in range(n_active):
        m = buffers.active[n]
        row = buffers.joint[m][first:last]
        for q in range(len(row)):
            row[q] *= scale
            weight[q] += row[q]
        if m >= states.right.shape[1]:
            for q in range(len(row)):
                two[q] += row[q]
        for k in range(states.right.shape[1]):
            if states.right[m, k] > 0.0:
                hit = buffers.hit[k][first:last]
                if not buffers.live[k]:
                    hit[:] = 0.0
                    buffers.live[k] = True
                for q in range(len(row)):
                    hit[q] += row[q]


@njit(nogil=True, fastmath=SUMS)
def dot(one: Floats, other: Floats) -> float:
    total = 0.0
    for q in range(len(one)):
        total += one[q] * other[q]
    return total


@njit(nogil=True, fastmath=SUMS)
def expect(
    votes: ByItem,
    first: int,
    last: int,
    alpha: Floats,
    grid: Grid,
    states: States,
    buffers: Buffers,
    hits: Floats,
    seen: Floats,
    totals: Floats,
) -> float:
    """The E-step of a range of images; returns ln p(votes).

    Adds to ``hits`` (n_annotators,), Σ β P(the vote is right), to ``seen`` (n_annotators,
    n_points), the posterior of b on the images that each person saw, and to ``totals`` (2,), the
    sums over images of the mean of b² and of the chance that two classes are shown.
    """
    of_class = np.zeros(states.right.shape[1])
    value = 0.0
    for j in range(first, last):
        top = log_joint(votes, j, alpha, grid, states, buffers)
        gain, _, low, high = normalise(top, states, buffers)
        value += gain
        weight, b, beta = buffers.weight[low:high], grid.b[low:high], grid.beta[low:high]
        totals[0] += dot(weight, b * b)
        totals[1] += buffers.two[low:high].sum()
        for k in range(len(of_class)):
            of_class[k] = dot(buffers.hit[k][low:high], beta) if buffers.live[k] else 0.0
        for v in range(votes.start[j], votes.start[j + 1]):
            a = votes.annotator[v]
            hits[a] += of_class[votes.expression[v]]
            row = seen[a][low:high]
            for q in range(len(weight)):
                row[q] += weight[q]
    return value
