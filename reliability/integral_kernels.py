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
POINTS = 8  # a grid has a multiple of so many, which the processor takes several at once
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
    is_right: Floats  # (n_classes, n_states): the same
    log_share: Floats  # (n_classes, n_states): where right votes fall, and where wrong ones
    log_prior: Floats  # (n_states,)


class Faces(NamedTuple):
    """What the last pass leaves per image."""

    posterior: Floats  # (n_items, n_classes): where a right vote falls; rows sum to 1
    right: Floats  # (n_items, n_classes): the chance that a vote for the class is right
    two: Floats  # (n_items,): the chance that it shows two classes
    mean: Floats  # (n_items,): of b
    variance: Floats  # (n_items,): of b


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
    of_class: Floats  # (n_classes,)
    of_state: Floats  # (3, n_states): ln p without b, weighted votes, votes with one added to each
    best: Floats  # (n_states,): the largest of ``joint`` before it is normalised
    score: Floats  # (most votes of an image, DEGREES)
    active: NDArray[np.int64]  # (n_states,): the states that are not negligible
    live: NDArray[np.bool_]  # (n_classes,): those that are right in one of them


@njit(fastmath=SUMS)
def log_joint(
    votes: ByItem, j: int, alpha: Floats, grid: Grid, states: States, buffers: Buffers
) -> float:
    """Fill ``joint`` with ln p(votes, state, b) of one image; return the largest."""
    base, tally = buffers.weight, buffers.tally
    n_states, n_classes = states.right.shape
    n_points = len(base)
    for q in range(n_points):
        base[q] = grid.log_weight[q]
    tally[:] = 0.0
    for v in range(votes.start[j], votes.start[j + 1]):
        a, vote = np.uint32(votes.annotator[v]), np.uint8(votes.expression[v])
        tally[0, vote] += 1.0
        tally[1, vote] += alpha[a]
        for q in range(n_points):
            base[q] += grid.wrong[a, q]
    of_state = buffers.of_state
    for m in range(n_states):
        of_state[0, m], of_state[1, m], of_state[2, m] = states.log_prior[m], 0.0, 0.0
    for k in range(n_classes):
        n_votes, g = tally[0, k], tally[1, k]
        for m in range(n_states):
            of_state[0, m] += n_votes * states.log_share[k, m]
            of_state[1, m] += g * states.is_right[k, m]
            of_state[2, m] += (n_votes + 1.0) * states.is_right[k, m]
    top = -np.inf
    for m in range(n_states):
        constant, g, best = of_state[0, m], of_state[1, m], -np.inf
        for q in range(n_points):
            value = base[q] + grid.beta[q] * g + constant
            buffers.joint[m, q] = value
            best = max(best, value)
        buffers.best[m] = best
        top = max(top, best)
    return float(top)


@njit(fastmath=SUMS)
def normalise(top: float, states: States, buffers: Buffers) -> tuple[float, int]:
    """Turn ``joint`` into probabilities; ln of their sum, and the number of active states.

    Only rows of active states are valid. Sums them up to ``weight``, ``two`` and ``hit``.
    """
    joint, weight, two, hit = buffers.joint, buffers.weight, buffers.two, buffers.hit
    n_states, n_points = joint.shape
    n_classes = states.right.shape[1]
    weight[:] = 0.0
    two[:] = 0.0
    buffers.live[:] = False
    n_active = 0
    for m in range(n_states):
        if buffers.best[m] - top <= _NEGLIGIBLE:
            continue
        buffers.active[n_active] = m
        n_active += 1
        for q in range(n_points):
            p = fast_exp(max(joint[m, q] - top, 2.0 * _NEGLIGIBLE))
            joint[m, q] = p
            weight[q] += p
        if m >= n_classes:
            for q in range(n_points):
                two[q] += joint[m, q]
        for k in range(n_classes):
            if states.right[m, k] > 0.0:
                if not buffers.live[k]:
                    hit[k, :] = 0.0
                    buffers.live[k] = True
                for q in range(n_points):
                    hit[k, q] += joint[m, q]
    total = 0.0
    for q in range(n_points):
        total += weight[q]
    scale = 1.0 / total
    for q in range(n_points):
        weight[q] *= scale
        two[q] *= scale
    for n in range(n_active):
        for q in range(n_points):
            joint[buffers.active[n], q] *= scale
    for k in range(n_classes):
        if buffers.live[k]:
            for q in range(n_points):
                hit[k, q] *= scale
    return top + math.log(total), n_active


@njit(fastmath=SUMS)
def dot(one: Floats, other: Floats) -> float:
    total = 0.0
    for q in range(len(one)):
        total += one[q] * other[q]
    return total


@njit(fastmath=SUMS)
def _describe(
    j: int, grid: Grid, states: States, n_active: int, buffers: Buffers, faces: Faces
) -> None:
    """Fill ``faces`` for one image.

    Where two classes are shown, right votes fall on them as the votes do, one added to each.
    """
    faces.posterior[j] = 0.0
    faces.right[j] = 0.0
    for n in range(n_active):
        m = buffers.active[n]
        p = 0.0
        for q in range(len(grid.b)):
            p += buffers.joint[m, q]
        share = p / buffers.of_state[2, m]
        for k in range(states.right.shape[1]):
            faces.right[j, k] += states.right[m, k] * p
            faces.posterior[j, k] += states.right[m, k] * share * (buffers.tally[0, k] + 1.0)
    mean, square = 0.0, 0.0
    for q in range(len(grid.b)):
        x = buffers.weight[q] * grid.b[q]
        mean += x
        square += x * grid.b[q]
    faces.two[j] = buffers.two.sum()
    faces.mean[j] = mean
    faces.variance[j] = square - mean * mean


@njit(fastmath=SUMS)
def expect(
    votes: ByItem,
    first: int,
    last: int,
    stride: int,
    alpha: Floats,
    grid: Grid,
    states: States,
    buffers: Buffers,
    faces: Faces,
    people: Floats,
    totals: Floats,
) -> float:
    """The E-step of the images of a range that ``stride`` divides; returns ln p(votes).

    Fills ``faces``. Adds to ``people`` (n_annotators, n_points + 1) the posterior of b on the
    images that each person saw, and Σ β P(the vote is right) in the last column; and to ``totals``
    (2,) the sums over images of the mean of b² and of the chance that two classes are shown.
    """
    n_classes, n_points = states.right.shape[1], len(grid.b)
    of_class = buffers.of_class
    value = 0.0
    for j in range(first + (stride - first % stride) % stride, last, stride):
        top = log_joint(votes, j, alpha, grid, states, buffers)
        gain, n_active = normalise(top, states, buffers)
        value += gain
        _describe(j, grid, states, n_active, buffers, faces)
        totals[0] += faces.variance[j] + faces.mean[j] * faces.mean[j]
        totals[1] += faces.two[j]
        for k in range(n_classes):
            of_class[k] = dot(buffers.hit[k], grid.beta) if buffers.live[k] else 0.0
        for v in range(votes.start[j], votes.start[j + 1]):
            a = np.uint32(votes.annotator[v])
            for q in range(n_points):
                people[a, q] += buffers.weight[q]
            people[a, n_points] += of_class[np.uint8(votes.expression[v])]
    return value
