"""The paper's Algorithm 1: who is reliable, which image is easy, what each shows.

Expectation and maximisation alternate until the penalised marginal likelihood rests. The E-step
is exact; the M-step is a Newton step in all α and β together, so 7–10 rounds suffice.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np

from reliability.kernels import Floats, Model
from reliability.likelihood import Likelihood, Point, uniform_errors
from reliability.measured import Progress
from reliability.options import Options
from reliability.steps import QuasiNewton
from reliability.votes import Votes

_SMALL = 50_000  # votes; below, several starts cost nothing and weak data has several optima
_PART = 15_000  # votes that make a part worth a search of its own
_FACTOR = 8  # between one part and the next
_ROUGH = 0.3  # standard errors, in a part
_NEAR = 4.0  # standard errors from which the marginal curvature leads further than Fisher's
_GRADIENT = 1e-2  # standard errors
_HALVINGS = 30
_FLOOR = 0.1  # nats of entropy added, so that unanimous images start finite


@dataclass(frozen=True)
class Fit:
    """The end of one search, on the scale of the priors."""

    point: Point
    history: tuple[float, ...]  # penalised likelihood per iteration, never falling
    converged: bool

    @property
    def iterations(self) -> int:
        return len(self.history) - 1


def fit(likelihood: Likelihood, warm: Model | None = None, progress: Progress | None = None) -> Fit:
    """The best optimum found; ``likelihood.images`` belongs to it afterwards.

    ``warm`` starts from known parameters. Small data is searched from several starts, large data
    from the optimum of a part of its images; any data whose optimum stands on its head (the crowd
    mostly wrong) is searched from its mirror as well.
    """
    first = warm or first_guess(likelihood)
    starts = [first]
    if likelihood.n_votes <= _SMALL:
        starts.append(_flat(likelihood.votes, likelihood.options))
    elif warm is None:
        for stride in strides(likelihood.n_votes, _PART):
            starts = [climb(likelihood, starts[0], progress, stride=stride).point.model]
    fits = [climb(likelihood, start, progress) for start in starts]
    best = max(fits, key=lambda found: found.point.penalised)
    if _is_upside_down(likelihood, best):
        flipped = best.point.model._replace(alpha=-best.point.model.alpha)
        fits.append(climb(likelihood, flipped, progress))
        best = max(fits, key=lambda found: found.point.penalised)
    if best is not fits[-1]:
        likelihood.sweep(best.point.model)
    if not best.converged:
        warnings.warn(
            f"no convergence after {best.iterations} iterations", RuntimeWarning, stacklevel=2
        )
    return best


def climb(
    likelihood: Likelihood, start: Model, progress: Progress | None = None, stride: int = 1
) -> Fit:
    """Iterate E- and M-steps from one start until the bound rests; no step lowers it.

    With a ``stride`` above 1 only so few images count, and the search ends where their own noise
    is far greater than what is left to climb.
    """
    options = likelihood.options
    now = likelihood.climb_b(start, 0.0, stride)  # far off only Fisher's curvature is positive
    history = [now.penalised]
    enough, steep = options.tolerance * max(likelihood.n_votes, 1), _GRADIENT
    if stride > 1:
        enough, steep = math.inf, _ROUGH
    converged, steps = False, QuasiNewton()
    for iteration in range(options.max_iterations):
        at_least = enough if now.gradient < steep else 0.0
        following = _ascend(likelihood, now, stride, at_least, steps)
        if following is None:
            converged = True
            break
        gain = following.penalised - now.penalised
        now = following
        history.append(now.penalised)
        if progress is not None:
            progress((iteration + 1) / (iteration + 4), f"iteration {iteration + 1}")
        if gain < enough and now.gradient < steep:
            converged = True
            break
    return Fit(now, tuple(history), converged)


def strides(n_votes: int, least: int) -> list[int]:
    """The parts to search before the whole: every 8th image, before that every 64th …

    As long as a part has ``least`` votes.
    """
    found, stride = [], _FACTOR
    while n_votes > stride * least:
        found.append(stride)
        stride *= _FACTOR
    return found[::-1]


def _ascend(
    likelihood: Likelihood, now: Point, stride: int, enough: float, steps: QuasiNewton
) -> Point | None:
    """The next, higher point: by the marginal curvature, or where that fails by Fisher's.

    None, with ``likelihood.images`` at ``now``, where the step promises less than ``enough`` nats
    or none gains anything that a double can tell.
    """
    for share in (now.share, 1.0 - now.share):
        if now.share != share:
            now = likelihood.climb_b(now.model, share, stride)
        try:
            step, promised = now.step() if likelihood.dense else now.quasi_step(steps)
        except np.linalg.LinAlgError:
            continue
        if share == 1.0 and promised < enough:
            return None
        tables, is_near = _tables(now, likelihood, stride), now.gradient < _NEAR
        for halving in range(_HALVINGS):
            to = tables._replace(alpha=now.model.alpha + 0.5**halving * step)
            following = likelihood.climb_b(to, 1.0 if is_near else 0.0, stride)
            if following.penalised > now.penalised:
                return following
    likelihood.sweep(now.model, stride=stride)
    return None


def _tables(now: Point, likelihood: Likelihood, stride: int) -> Model:
    """EM's own update of the shares of classes and of wrong votes, where these are estimated."""
    options, model = likelihood.options, now.model
    if options.estimate_classes:
        model = model._replace(log_prior=_log_shares(likelihood.class_sizes(stride), options))
    if options.estimate_errors:
        wrong = np.zeros_like(model.wrong)
        others = ~np.eye(len(wrong), dtype=bool)
        rows = likelihood.confusion(stride)[others].reshape(len(wrong), -1)
        wrong[others] = np.concatenate([_log_shares(row, options) for row in rows])
        model = model._replace(wrong=wrong)
    return model


def _log_shares(expected: Floats, options: Options) -> Floats:
    smoothed = expected + options.pseudo_count
    shares: Floats = np.log(smoothed / smoothed.sum())
    return shares


def first_guess(likelihood: Likelihood) -> Model:
    """Algorithm 1's start: equal people, so that the truth is by majority; difficulty by entropy.

    The paper prints β := entropy, but 1/β is the difficulty: we take the entropy as the initial
    difficulty (README, decision 4).
    """
    votes, options = likelihood.votes, likelihood.options
    counts, voted = votes.tallied(), likelihood.voted
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(1)
    b = np.log(entropy + _FLOOR) * (1.0 if options.entropy_is_easiness else -1.0)
    b -= likelihood.mean_over_items(b)
    b[~voted] = 0.0
    return _flat(votes, options)._replace(b=np.clip(b, -2.0, 2.0))


def _flat(votes: Votes, options: Options) -> Model:
    """Everybody as reliable as the prior says, every image as easy as any other."""
    return Model(
        alpha=np.full(votes.n_annotators, float(options.reliability_mean)),
        b=np.zeros(votes.n_items),
        wrong=uniform_errors(votes.n_classes),
        log_prior=np.full(votes.n_classes, -np.log(votes.n_classes)),
        precision=options.easiness_sd**-2,
    )


def _is_upside_down(likelihood: Likelihood, found: Fit) -> bool:
    return float(found.point.model.alpha @ likelihood.votes_per_annotator) < 0
