"""The second stage: α with every image's easiness integrated out, and how sure it is.

The joint optimum of ``em`` takes each image's b for known and so carries its noise into α. Here
b ~ N(0, s²) is integrated out, with s estimated from all images (empirical Bayes), and an image
may show two classes, in a share of images that is estimated too. What is maximised is the
likelihood of the votes in α, ln s and the log-odds of that share, with their priors; the errors
come from its curvature.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reliability import em
from reliability import integral_kernels as kernels
from reliability.information_kernels import B, Faces, Sums, missing
from reliability.integral_kernels import DEGREES, Floats, Grid, States
from reliability.kernels import Model
from reliability.likelihood import Likelihood
from reliability.measured import Integration

_REACH = 5.0  # of the grid, in standard deviations of the prior
_POINTS = (21, 161)
_TOLERANCE = 1e-3  # standard errors
_GAIN = 1e-5  # nats: a step of 0.005 standard errors
_ROUNDS = 40
_DAMPINGS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e4)  # in complete information
_NARROWEST, _WIDEST = 0.02, 3.0  # of s
_VAGUE = 0.3  # standard deviation of the prior of ln s
_LEAST, _MOST = 1e-6, 0.98  # of the share of images that show two classes
_ONE, _TWO = 18.0, 2.0  # images that this share's prior is worth: showing one, showing two
_CLASSES = (3, 12)  # where two classes at once are looked for: K (K − 1) / 2 pairs each cost time


class Setting(NamedTuple):
    """The parameters of the second stage."""

    alpha: Floats  # (n_annotators,)
    spread: float  # s
    two: float  # share of images that show two classes; 0 where that is not asked


@dataclass(frozen=True)
class Place:
    """The integrated likelihood at one setting."""

    setting: Setting
    grid: Grid
    states: States
    log_likelihood: float
    penalised: float
    slope: Floats  # (n_annotators + 2,): in α, ln s, log-odds of ``two``
    complete: Floats  # (n_annotators + 2,): information if state and b were seen

    @property
    def gradient(self) -> float:
        """Root mean square of the slopes, in standard errors."""
        return float(np.sqrt((self.slope**2 / self.complete).mean()))


@dataclass(frozen=True)
class Integrated:
    """The end of the second stage."""

    place: Place
    faces: Faces
    variance: Floats  # (n_annotators,) of α where the geometric mean of β is 1
    voted: NDArray[np.bool_]  # (n_items,)
    shift: float  # mean of b over the images with votes
    converged: bool


class Integral:
    """The votes of a ``Likelihood``, with b integrated out on a grid of ``n_points``."""

    def __init__(self, likelihood: Likelihood, model: Model, n_points: int) -> None:
        self.likelihood, self.votes = likelihood, likelihood.votes
        self.options, self.model, self.n_points = likelihood.options, model, n_points
        k = self.votes.n_classes
        asked = self.options.two_at_once and _CLASSES[0] <= k <= _CLASSES[1]
        self.pairs = tuple(combinations(range(k), 2)) if asked else ()
        n = self.votes.n_items
        self.faces = Faces(*(np.zeros((n, k)) for _ in range(2)), *(np.zeros(n) for _ in range(3)))

    def at(self, setting: Setting) -> Place:
        """One pass over all votes."""
        votes, options = self.votes, self.options
        grid, states = _grid(setting, self.n_points), _states(self.model, self.pairs, setting.two)
        ranges = self.likelihood.ranges
        hits = [np.zeros(votes.n_annotators) for _ in ranges]
        seen = [np.zeros((votes.n_annotators, self.n_points)) for _ in ranges]
        totals = [np.zeros(2) for _ in ranges]

        def run(n: int) -> float:
            return kernels.expect(
                votes.by_item, *ranges[n], setting.alpha, grid, states, self._buffers(),
                hits[n], seen[n], totals[n],
            )  # fmt: skip

        value = float(sum(self.likelihood.map(run, len(ranges))))
        seen_by = np.sum(seen, axis=0)
        precision = options.reliability_sd**-2
        away = setting.alpha - options.reliability_mean
        slope = np.sum(hits, axis=0) - (seen_by * grid.right).sum(axis=1) - precision * away
        spread = grid.right * (grid.beta - grid.right)  # β² σ (1 − σ)
        of_prior, more_slope, more_complete = self._hyper(setting, np.sum(totals, axis=0))
        return Place(
            setting=setting, grid=grid, states=states, log_likelihood=value,
            penalised=value + of_prior - 0.5 * precision * float((away**2).sum()),
            slope=np.append(slope, more_slope),
            complete=np.append((seen_by * spread).sum(axis=1) + precision, more_complete),
        )  # fmt: skip

    def _hyper(self, setting: Setting, totals: Floats) -> tuple[float, list[float], list[float]]:
        """Log-prior, slopes and complete information of ln s and of the log-odds of two classes."""
        n, two = self.votes.n_items, setting.two
        squares = float(totals[0]) / setting.spread**2
        away = float(np.log(setting.spread / self.options.easiness_sd)) / _VAGUE
        value, pull, stiff = -0.5 * away**2, away / _VAGUE, 2 * squares + _VAGUE**-2
        if not self.pairs:
            return value, [squares - n - pull, 0.0], [stiff, 1.0]
        weight = n + _ONE + _TWO
        return (
            value + float(_TWO * np.log(two) + _ONE * np.log1p(-two)),
            [squares - n - pull, float(totals[1]) + _TWO - weight * two],
            [stiff, weight * two * (1 - two)],
        )

    def information(self, place: Place, stride: int, pairs: int) -> tuple[Floats, Floats]:
        """Observed information in all parameters, and the derivative of Σ E b in them.

        From every ``stride``-th image; what binds pairs of people from every ``pairs``-th of these.
        """
        votes, n = self.votes, self.votes.n_annotators
        lanes = self.likelihood.lanes
        sums = [Sums(np.zeros(n), np.zeros((3, n)), np.zeros((3, 3))) for _ in lanes]
        tables = [np.zeros((n, n)) for _ in lanes]

        def run(lane: int) -> None:
            missing(
                votes.by_item, *lanes[lane], stride, pairs, place.setting.alpha, place.grid,
                place.states, self._buffers(), self.faces, sums[lane], tables[lane],
            )  # fmt: skip

        self.likelihood.map(run, len(lanes))
        own, mixed, image = (stride * np.sum(part, axis=0) for part in zip(*sums, strict=True))
        lower = stride * pairs * np.sum(tables, axis=0)
        per = np.array([1.0, place.setting.spread**-2, 1.0])  # of b, b², two: to b, ln s, odds
        full = np.zeros((n + 2, n + 2))
        full[:n, :n] = -(lower + lower.T)
        full[np.arange(n), np.arange(n)] = -own
        full[n:, :n] = -(mixed * per[:, None])[1:]
        full[:n, n:] = full[n:, :n].T
        full[n:, n:] = -(image * np.outer(per, per))[1:, 1:]
        full[np.arange(n + 2), np.arange(n + 2)] += place.complete
        of_mean = np.concatenate([mixed[B], image[B, 1:] * per[1:]])
        return full, of_mean

    def _buffers(self) -> kernels.Buffers:
        k, q = self.votes.n_classes, self.n_points
        m = k + len(self.pairs)
        most = int(self.votes.votes_per_item.max(initial=0))
        return kernels.Buffers(
            joint=np.zeros((m, q)), weight=np.zeros(q), two=np.zeros(q), hit=np.zeros((k, q)),
            basis=np.zeros((DEGREES + 1, q)), by_class=np.zeros((k, DEGREES + 1)),
            within=np.zeros((k, k)), tally=np.zeros((2, k)), best=np.zeros(m),
            score=np.zeros((most, DEGREES)), active=np.zeros(m, dtype=np.int64),
            live=np.zeros(k, dtype=np.bool_),
        )  # fmt: skip


def integrate(likelihood: Likelihood, found: em.Fit, start: Integration | None) -> Integrated:
    """Climb from the joint optimum; s and the share of two begin where ``start`` ended."""
    model = found.point.model
    voted = likelihood.votes.votes_per_item > 0
    b = model.b[voted] - (model.b[voted].mean() if voted.any() else 0.0)
    alpha = model.alpha * np.exp(model.b[voted].mean() if voted.any() else 0.0)
    spread, two = float(b.std()) if len(b) else 1.0, _TWO / (_ONE + _TWO)
    if start is not None:
        spread, two = start.easiness_spread, start.two_share or two
    spread = min(max(spread, 0.2), _WIDEST)
    stiff = np.quantile(likelihood.images.curvature[voted], 0.95) if voted.any() else 1.0
    fine = min(1.2 / np.sqrt(stiff), spread / 2)
    n_points = int(np.clip(np.ceil(2 * _REACH * spread / fine) + 1, *_POINTS))
    integral = Integral(likelihood, model, n_points)
    place = integral.at(Setting(alpha, spread, two if integral.pairs else 0.0))
    converged = False
    for _ in range(_ROUNDS):
        if place.gradient < _TOLERANCE:
            converged = True
            break
        before, place = place, _ascend(integral, place) or place
        if place.penalised - before.penalised < _GAIN:
            converged = True
            break
    return _concluded(integral, place, voted, converged)


def _ascend(integral: Integral, place: Place) -> Place | None:
    """The next, higher place: Newton's step, damped where that does not climb."""
    matrix, _ = integral.information(place, integral.likelihood.stride, 1)
    for damping in _DAMPINGS:
        damped = matrix + np.diag(damping * place.complete)
        try:
            np.linalg.cholesky(damped)
        except np.linalg.LinAlgError:
            continue
        step = np.asarray(np.linalg.solve(damped, place.slope), dtype=np.float64)
        found = integral.at(_moved(place.setting, step))
        if found.penalised > place.penalised:
            return found
    return None


def _moved(setting: Setting, step: Floats) -> Setting:
    in_spread, in_odds = np.clip(step[-2:], -1.5, 1.5)
    two = setting.two
    if two > 0:
        two = float(np.clip(1 / (1 + (1 / two - 1) * np.exp(-in_odds)), _LEAST, _MOST))
    spread = float(np.clip(setting.spread * np.exp(in_spread), _NARROWEST, _WIDEST))
    return Setting(setting.alpha + step[:-2], spread, two)


def _concluded(integral: Integral, place: Place, voted: np.ndarray, converged: bool) -> Integrated:
    """Variances on the scale where the geometric mean of β is 1: α exp(mean b)."""
    matrix, of_mean = integral.information(place, 1, 1)
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        matrix = np.diag(place.complete)
    inverse = np.linalg.inv(matrix)
    faces = integral.faces
    n = max(int(voted.sum()), 1)
    shift = float(faces.mean[voted].sum() / n)
    with_mean = inverse @ of_mean / n
    of_b = float(faces.variance[voted].sum() / n**2 + of_mean @ with_mean / n)
    alpha = place.setting.alpha
    variance = np.diag(inverse)[:-2] + 2 * alpha * with_mean[:-2] + alpha**2 * of_b
    return Integrated(place, faces, np.exp(2 * shift) * variance, voted, shift, converged)


def _grid(setting: Setting, n_points: int) -> Grid:
    x = np.linspace(-_REACH, _REACH, n_points)
    log_weight = -0.5 * x**2
    log_weight -= np.log(np.exp(log_weight).sum())
    b = setting.spread * x
    beta = np.exp(b)
    z = setting.alpha[:, None] * beta
    e = np.exp(-np.abs(z))
    right = beta * np.where(z >= 0, 1.0, e) / (1.0 + e)
    return Grid(b, beta, log_weight, -np.maximum(z, 0.0) - np.log1p(e), right)


def _states(model: Model, pairs: tuple[tuple[int, int], ...], two: float) -> States:
    """One class each, then the pairs: half of the right votes for either of two classes."""
    k = len(model.log_prior)
    right = np.eye(k + len(pairs), k)
    log_share = np.zeros((k + len(pairs), k))
    log_share[:k] = model.wrong
    log_prior = np.append(model.log_prior + np.log1p(-two), np.zeros(len(pairs)))
    for n, pair in enumerate(pairs, start=k):
        right[n, list(pair)] = 1.0
        wrong = np.exp(model.wrong[list(pair)]).mean(axis=0)
        wrong[list(pair)] = 0.0
        log_share[n] = np.log(np.where(right[n] > 0, 0.5, wrong / wrong.sum()))
        log_prior[n] = model.log_prior[list(pair)].sum()
    if pairs:
        log_prior[k:] += np.log(two) - np.log(np.exp(log_prior[k:]).sum())
    return States(right, log_share, log_prior)
