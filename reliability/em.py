"""The paper's Algorithm 1: who is reliable, which image is easy, what each shows.

Expectation and maximisation alternate until the penalised marginal likelihood rests. The E-step
is exact; the M-step is a Newton step in all α and β together, so 7–10 rounds suffice.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from reliability.kernels import Floats, Model
from reliability.likelihood import Likelihood, Point, uniform_errors
from reliability.measured import Progress
from reliability.options import Options
from reliability.votes import Votes

_SMALL = 50_000  # votes; below, several starts cost nothing and weak data has several optima
_GRADIENT = 1e-2  # standard errors
_HALVINGS = 30
_FLOOR = 0.1  # nats of entropy added, so that unanimous images start finite


@dataclass(frozen=True)
class Fit:
    """The end of one search, on the scale of the priors."""

    point: Point
    posterior: Floats  # (n_items, n_classes)
    history: tuple[float, ...]  # penalised likelihood per iteration, never falling
    converged: bool

    @property
    def iterations(self) -> int:
        return len(self.history) - 1


def fit(likelihood: Likelihood, warm: Model | None = None, progress: Progress | None = None) -> Fit:
    """The best optimum found; ``likelihood.images`` belongs to it afterwards.

    ``warm`` starts from known parameters. Small data is searched from several starts; any data
    whose optimum stands on its head (the crowd mostly wrong) is searched from its mirror as well.
    """
    first = warm or first_guess(likelihood.votes, likelihood.options)
    starts = [first]
    if len(likelihood.votes) <= _SMALL:
        starts.append(_flat(likelihood.votes, likelihood.options))
    fits = [climb(likelihood, start, progress) for start in starts]
    best = max(fits, key=lambda found: found.point.penalised)
    if _is_upside_down(likelihood.votes, best):
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


def climb(likelihood: Likelihood, start: Model, progress: Progress | None = None) -> Fit:
    """Iterate E- and M-steps from one start until the bound rests; no step lowers it."""
    options = likelihood.options
    now = likelihood.sweep(start, share=0.0)  # far from the optimum only Fisher's is positive
    history = [now.penalised]
    enough = options.tolerance * max(len(likelihood.votes), 1)
    converged = False
    for iteration in range(options.max_iterations):
        following = _ascend(likelihood, now)
        if following is None:  # no step gains anything a double can tell
            now, converged = likelihood.sweep(now.model), True
            break
        gain = following.penalised - now.penalised
        now = following
        history.append(now.penalised)
        if progress is not None:
            progress((iteration + 1) / (iteration + 4), f"iteration {iteration + 1}")
        if gain < enough and now.gradient < _GRADIENT:
            converged = True
            break
    return Fit(now, likelihood.images.posterior.copy(), tuple(history), converged)


def _ascend(likelihood: Likelihood, now: Point) -> Point | None:
    """The next, higher point: by the marginal curvature, or where that fails by Fisher's."""
    for share in (now.share, 1.0 - now.share):
        if now.share != share:
            now = likelihood.sweep(now.model, share=share)
        try:
            step = likelihood.step(now)
        except np.linalg.LinAlgError:
            continue
        found = _search(likelihood, now, step)
        if found is not None:
            return found
    return None


def _search(likelihood: Likelihood, now: Point, step: tuple[Floats, Floats]) -> Point | None:
    """Halve the step until the likelihood rises."""
    tables = _tables(now, likelihood)
    for halving in range(_HALVINGS):
        scale = 0.5**halving
        following = likelihood.sweep(
            tables._replace(
                alpha=now.model.alpha + scale * step[0], b=now.model.b + scale * step[1]
            )
        )
        if following.penalised > now.penalised:
            return following
    return None


def _tables(now: Point, likelihood: Likelihood) -> Model:
    """EM's own update of the shares of classes and of wrong votes, where these are estimated."""
    options, model = likelihood.options, now.model
    if options.estimate_classes:
        model = model._replace(log_prior=_log_shares(likelihood.images.posterior.sum(0), options))
    if options.estimate_errors:
        wrong = np.zeros_like(model.wrong)
        others = ~np.eye(len(wrong), dtype=bool)
        rows = now.confusion[others].reshape(len(wrong), -1)
        wrong[others] = np.concatenate([_log_shares(row, options) for row in rows])
        model = model._replace(wrong=wrong)
    return model


def _log_shares(expected: Floats, options: Options) -> Floats:
    smoothed = expected + options.pseudo_count
    shares: Floats = np.log(smoothed / smoothed.sum())
    return shares


def first_guess(votes: Votes, options: Options) -> Model:
    """Algorithm 1's start: equal people, so that the truth is by majority; difficulty by entropy.

    The paper prints β := entropy, but 1/β is the difficulty: we take the entropy as the initial
    difficulty (README, decision 4).
    """
    flat = _flat(votes, options)
    counts = votes.counts
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(1)
    b = np.log(entropy + _FLOOR) * (1.0 if options.entropy_is_easiness else -1.0)
    voted = counts.sum(1) > 0
    b -= b[voted].mean() if voted.any() else 0.0
    b[~voted] = 0.0
    return flat._replace(b=np.clip(b, -2.0, 2.0))


def _flat(votes: Votes, options: Options) -> Model:
    """Everybody as reliable as the prior says, every image as easy as any other."""
    return Model(
        alpha=np.full(votes.n_annotators, float(options.reliability_mean)),
        b=np.zeros(votes.n_items),
        wrong=uniform_errors(votes.n_classes),
        log_prior=np.full(votes.n_classes, -np.log(votes.n_classes)),
        precision=options.easiness_sd**-2,
    )


def _is_upside_down(votes: Votes, found: Fit) -> bool:
    return float(found.point.model.alpha @ votes.votes_per_annotator) < 0
