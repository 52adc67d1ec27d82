"""The second stage: α with every image's easiness integrated out, and how sure it is.

The joint optimum of ``em`` takes each image's b for known and so carries its noise into α. Here
b ~ N(0, s²) is integrated out, with s estimated from all images (empirical Bayes), and an image
may show two classes, in a share of images that is estimated too. What is maximised is the
likelihood of the votes in α, ln s and the log-odds of that share, with their priors; the errors
come from its curvature.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reliability import em, information_kernels
from reliability import integral_kernels as kernels
from reliability.information_kernels import B, Sums
from reliability.integral_kernels import DEGREES, POINTS, Faces, Floats, Grid, States
from reliability.kernels import Model
from reliability.likelihood import Likelihood
from reliability.start import Start
from reliability.steps import QuasiNewton

_REACH = 5.0  # of the grid, in standard deviations of the prior
_MOST_POINTS = 160
_TOLERANCE = (1e-3, 1e-2)  # standard errors: where all images, or a sample, tell the curvature
_ROUGH = 0.1
_PART = 100_000  # votes that make a part worth a climb of its own
_SAMPLE = 200_000  # votes from which a step on the whole reads its curvature
_TOLD = 400_000  # votes from which errors are read
_GAIN = 1e-5  # nats: a step of 0.005 standard errors
_ROUNDS = 60
_HALVINGS = 12
_LEAST_KNOWN = 0.05  # the least share of complete information that counts as known
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

    @property
    def parameters(self) -> Floats:
        """α, ln s and the log-odds of two (0 where that is not asked), (n_annotators + 2,)."""
        odds = np.log(self.two / (1 - self.two)) if self.two > 0 else 0.0
        return np.concatenate([self.alpha, [np.log(self.spread), odds]])


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
class Missing:
    """What the votes do not tell because state and easiness are hidden."""

    own: Floats  # (n_annotators,)
    lower: Floats | None  # (n_annotators, n_annotators) of pairs of people, lower triangle
    border: Floats  # (2, n_annotators): ln s and log-odds of two, with people
    corner: Floats  # (2, 2)
    of_mean: Floats  # (n_annotators + 2,): derivative of Σ E b in all parameters

    @property
    def information(self) -> Floats:
        """All of it in one table, (n_annotators + 2,)²; pairs of people 0 where not asked."""
        n = len(self.own)
        full = np.zeros((n + 2, n + 2))
        if self.lower is not None:
            full[:n, :n] = self.lower + self.lower.T
        full[np.arange(n), np.arange(n)] = self.own
        full[n:, :n] = self.border
        full[:n, n:] = self.border.T
        full[n:, n:] = self.corner
        return full


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

    def at(self, setting: Setting, stride: int = 1) -> Place:
        """One pass over all votes, or over the images that ``stride`` divides."""
        votes, options, q = self.votes, self.options, self.n_points
        grid, states = _grid(setting, q), _states(self.model, self.pairs, setting.two)
        ranges = self.likelihood.ranges_of(stride)
        people = [np.zeros((votes.n_annotators, q + 1)) for _ in ranges]
        totals = [np.zeros(2) for _ in ranges]

        def run(n: int) -> float:
            return kernels.expect(
                votes.by_item, *ranges[n], stride, setting.alpha, grid, states, self._buffers(),
                self.faces, people[n], totals[n],
            )  # fmt: skip

        value = sum(self.likelihood.map(run, len(ranges)))
        n_items = len(range(0, votes.n_items, stride))
        seen, squares, ends = self.likelihood.total(
            np.sum(people, axis=0), np.sum(totals, axis=0), np.array([value, n_items])
        )
        seen_by, hits = seen[:, :q], seen[:, q]
        precision = options.reliability_sd**-2
        away = setting.alpha - options.reliability_mean
        slope = hits - (seen_by * grid.right).sum(axis=1) - precision * away
        spread = grid.right * (grid.beta - grid.right)  # β² σ (1 − σ)
        of_prior, more_slope, more_complete = self._hyper(setting, squares, int(ends[1]))
        return Place(
            setting=setting, grid=grid, states=states, log_likelihood=float(ends[0]),
            penalised=float(ends[0]) + of_prior - 0.5 * precision * float((away**2).sum()),
            slope=np.append(slope, more_slope),
            complete=np.append((seen_by * spread).sum(axis=1) + precision, more_complete),
        )  # fmt: skip

    def _hyper(
        self, setting: Setting, totals: Floats, n: int
    ) -> tuple[float, list[float], list[float]]:
        """Log-prior, slopes and complete information of ln s and of the log-odds of two classes."""
        two = setting.two
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

    def missing(self, place: Place, stride: int = 1, scale: int = 1) -> "Missing":
        """The information that is missing, read from the images that ``stride`` divides."""
        votes, n = self.votes, self.votes.n_annotators
        ranges = self.likelihood.ranges_of(stride)
        sums = [Sums(np.zeros(n), np.zeros((3, n)), np.zeros((3, 3))) for _ in ranges]
        shape = (n, n) if self.likelihood.dense else (0, 0)
        tables = [np.zeros(shape) for _ in ranges]

        def run(r: int) -> None:
            information_kernels.missing(
                votes.by_item, *ranges[r], stride, place.setting.alpha, place.grid,
                place.states, self._buffers(), sums[r], tables[r],
            )  # fmt: skip

        self.likelihood.map(run, len(ranges))
        own, mixed, image, lower = (
            scale * each
            for each in self.likelihood.total(
                *(np.sum(part, axis=0) for part in zip(*sums, strict=True)),
                np.sum(tables, axis=0),
            )
        )
        per = np.array([1.0, place.setting.spread**-2, 1.0])  # of b, b², two: to b, ln s, odds
        return Missing(
            own=own,
            lower=lower if self.likelihood.dense else None,
            border=(mixed * per[:, None])[1:],
            corner=(image * np.outer(per, per))[1:, 1:],
            of_mean=np.concatenate([mixed[B], image[B, 1:] * per[1:]]),
        )

    def _buffers(self) -> kernels.Buffers:
        k, q, most = self.votes.n_classes, self.n_points, self.likelihood.most
        m = k + len(self.pairs)
        return kernels.Buffers(
            joint=np.zeros((m, q)), weight=np.zeros(q), two=np.zeros(q), hit=np.zeros((k, q)),
            basis=np.zeros((DEGREES + 1, q)), by_class=np.zeros((k, DEGREES + 1)),
            within=np.zeros((k, k)), tally=np.zeros((2, k)), of_class=np.zeros(k),
            of_state=np.zeros((3, m)), best=np.zeros(m),
            score=np.zeros((most, DEGREES)), active=np.zeros(m, dtype=np.int64),
            live=np.zeros(k, dtype=np.bool_),
        )  # fmt: skip


def integrate(likelihood: Likelihood, found: em.Fit, start: Start | None) -> Integrated:
    """Climb from the joint optimum, or from where ``start`` ended for all that it knows.

    Where there are many votes, a part of the images is climbed first.
    """
    model = found.point.model
    shift = likelihood.mean_over_items(model.b)
    spread = math.sqrt(likelihood.mean_over_items((model.b - shift) ** 2)) or 1.0
    two = _TWO / (_ONE + _TWO)
    alpha = model.alpha * np.exp(shift)
    is_known = False
    if start is not None and start.easiness_spread is not None:
        is_known = True
        spread, two = start.easiness_spread, start.two_share or two
        known = np.flatnonzero(np.isfinite(start.told))
        alpha[known] = start.told[known]
    spread = min(max(spread, 0.2), _WIDEST)
    integral = Integral(likelihood, model, _n_points(likelihood, spread))
    setting = Setting(alpha, spread, two if integral.pairs else 0.0)
    for part in [] if is_known else em.strides(likelihood.n_votes, _PART):
        setting = _climb(integral, integral.at(setting, part), part)[0].setting
    place, converged = _climb(integral, integral.at(setting), 1)
    return _concluded(integral, place, converged)


def _n_points(likelihood: Likelihood, spread: float) -> int:
    """Enough points for the image of which b is known best but for one in twenty."""
    voted = likelihood.voted
    stiff = np.quantile(likelihood.images.curvature[voted], 0.95) if voted.any() else 1.0
    stiff = float(likelihood.exchange.highest(np.array([stiff]))[0])
    fine = min(1.2 / math.sqrt(stiff), spread / 2)
    wanted = math.ceil(2 * _REACH * spread / fine) + 1
    return min(-(-wanted // POINTS) * POINTS, _MOST_POINTS)


def _climb(integral: Integral, place: Place, part: int) -> tuple[Place, bool]:
    """Newton's steps until the place rests; of a ``part`` only, until its noise is far greater.

    Of many votes, a sample tells the curvature.
    """
    sample = max(integral.likelihood.n_votes // part // _SAMPLE, 1)
    tolerance, enough = (_TOLERANCE[sample > 1], _GAIN) if part == 1 else (_ROUGH, 1.0)
    missing, steps = None, QuasiNewton()
    for _ in range(_ROUNDS):
        if place.gradient < tolerance:
            return place, True
        before = place
        if not integral.likelihood.dense:
            place = _ascend_by(integral, place, steps, part) or place
        else:
            if missing is None or sample == 1:  # a sample anyway: one serves all steps
                missing = integral.missing(place, sample * part, sample)
            place = _ascend(integral, place, missing, part) or place
        if place.penalised - before.penalised < enough:
            return place, True
    return place, False


def _ascend(integral: Integral, place: Place, missing: Missing, part: int) -> Place | None:
    """The next, higher place: Newton's step, damped where that does not climb."""
    known = missing.information
    for damping in _DAMPINGS:
        damped = np.diag((1 + damping) * place.complete) - known
        try:
            np.linalg.cholesky(damped)
        except np.linalg.LinAlgError:
            continue
        step = np.asarray(np.linalg.solve(damped, place.slope), dtype=np.float64)
        found = integral.at(_moved(place.setting, step), part)
        if found.penalised > place.penalised:
            return found
    return None


def _ascend_by(integral: Integral, place: Place, steps: QuasiNewton, part: int) -> Place | None:
    """The same without a table of pairs of people, halved where it does not climb."""
    step = steps.step(place.setting.parameters, place.slope, place.complete)
    for halving in range(_HALVINGS):
        found = integral.at(_moved(place.setting, 0.5**halving * step), part)
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


def _concluded(integral: Integral, place: Place, converged: bool) -> Integrated:
    """Variances on the scale where the geometric mean of β is 1: α exp(mean b)."""
    likelihood, faces = integral.likelihood, integral.faces
    stride = max(likelihood.n_votes // _TOLD, 1)
    missing = integral.missing(place, stride, stride)
    own, with_mean = _inverse(place, missing)
    n = max(likelihood.n_voted, 1)
    shift = likelihood.mean_over_items(faces.mean)
    of_b = likelihood.mean_over_items(faces.variance) + missing.of_mean @ with_mean / n
    alpha = place.setting.alpha
    variance = own[:-2] + 2 * alpha * with_mean[:-2] / n + alpha**2 * of_b / n
    return Integrated(
        place, faces, np.exp(2 * shift) * variance, likelihood.voted, shift, converged
    )


def _inverse(place: Place, missing: Missing) -> tuple[Floats, Floats]:
    """Of the observed information: the inverse's diagonal, and the inverse times ``of_mean``.

    Without a table of pairs of people only the border binds them: among thousands, what two of
    them share adds little to either's variance.
    """
    if missing.lower is not None:
        matrix = np.diag(place.complete) - missing.information
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            matrix = np.diag(place.complete)
        inverse = np.linalg.inv(matrix)
        return np.diag(inverse), inverse @ missing.of_mean
    n = len(missing.own)
    own = np.maximum(place.complete[:n] - missing.own, _LEAST_KNOWN * place.complete[:n])
    across = -missing.border / own  # (2, n)
    corner = np.linalg.inv(np.diag(place.complete[n:]) - missing.corner + across @ missing.border.T)
    in_corner = corner @ (missing.of_mean[n:] - across @ missing.of_mean[:n])
    in_people = missing.of_mean[:n] / own - across.T @ in_corner
    diagonal = 1 / own + np.einsum("kn,kl,ln->n", across, corner, across)
    return np.append(diagonal, np.diag(corner)), np.append(in_people, in_corner)


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
    return States(
        right, np.ascontiguousarray(right.T), np.ascontiguousarray(log_share.T), log_prior
    )
