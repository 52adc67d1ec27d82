"""GLAD, the paper's model: the two stages of the fit in the terms of ``measured``."""

import warnings

import numpy as np

from reliability import em
from reliability.exchange import ALONE, Exchange
from reliability.integral import Integrated, integrate
from reliability.kernels import Model
from reliability.likelihood import Likelihood, Point
from reliability.measured import Floats, Integration, Measured, Optimum, Progress, sigmoid, summed
from reliability.options import Options
from reliability.start import Start
from reliability.votes import Votes

_ITEMS_AT_ONCE = 2048


def glad(
    votes: Votes,
    options: Options,
    start: Start | None = None,
    progress: Progress | None = None,
    exchange: Exchange = ALONE,
) -> Measured:
    """Fit the paper's model; α and β on the scale where the geometric mean of β is 1.

    The likelihoods and the history are those of the joint optimum in α and b; people and items
    are those with b integrated out, unless ``options`` say otherwise (README, decision 7).
    ``start`` is where to begin, over the same people and items, or fewer of them.
    """
    with Likelihood(votes, options, exchange) as likelihood:
        warm = None if start is None else _warm(em.first_guess(likelihood), start)
        found = em.fit(likelihood, warm, progress)
        if not options.integrate or not likelihood.n_votes:
            return _measured(likelihood, found)
        if progress is not None:
            progress(0.9, "Integrating the easiness out")
        return _integrated(found, integrate(likelihood, found, start))


def _integrated(joint: em.Fit, found: Integrated) -> Measured:
    if not found.converged:
        warnings.warn("no convergence with b integrated out", RuntimeWarning, stacklevel=3)
    place, faces, model = found.place, found.faces, joint.point.model
    return Measured(
        reliability=place.setting.alpha * np.exp(found.shift),
        std_error=np.sqrt(found.variance),
        easiness=np.exp(np.where(found.voted, faces.mean - found.shift, 0.0)),
        easiness_error=np.sqrt(faces.variance),
        posterior=faces.posterior,
        right=faces.right,
        history=joint.history,
        converged=joint.converged and found.converged,
        log_likelihood=joint.point.log_likelihood,
        penalised_log_likelihood=joint.point.penalised,
        scale=float(np.exp(found.shift)),
        optimum=Optimum(model.alpha, model.b),
        integrated=Integration(
            log_likelihood=place.log_likelihood,
            easiness_spread=place.setting.spread,
            two_share=place.setting.two,
            shows_two=faces.two,
        ),
    )


def _warm(model: Model, start: Start) -> Model:
    """The earlier parameters, where there are such; the usual start for people and items since."""
    alpha, b = model.alpha.copy(), model.b.copy()
    if len(start.alpha) > len(alpha) or len(start.b) > len(b):
        raise ValueError(
            f"start has {len(start.alpha)} annotators and {len(start.b)} items, more"
            f" than the votes' {len(alpha)} and {len(b)}"
        )
    for now, known in ((alpha, start.alpha), (b, start.b)):
        at = np.flatnonzero(np.isfinite(known))
        now[at] = known[at]
    return model._replace(alpha=alpha, b=b)


def _measured(likelihood: Likelihood, found: em.Fit) -> Measured:
    """The joint optimum itself, with errors from the inverse of its arrow-shaped curvature."""
    model, voted = found.point.model, likelihood.voted
    shift = likelihood.mean_over_items(model.b)
    posterior = likelihood.images.posterior.copy()
    variance = _variances(likelihood, found.point, shift)
    return Measured(
        reliability=model.alpha * np.exp(shift),
        std_error=np.sqrt(variance),
        easiness=np.exp(np.where(voted, model.b - shift, 0.0)),
        easiness_error=np.sqrt(1.0 / likelihood.images.curvature),
        posterior=posterior,
        right=posterior,
        history=found.history,
        converged=found.converged,
        log_likelihood=found.point.log_likelihood,
        penalised_log_likelihood=found.point.penalised,
        scale=float(np.exp(shift)),
        optimum=Optimum(model.alpha, model.b),
    )


def _variances(likelihood: Likelihood, at: Point, shift: float) -> Floats:
    """Variance of the reported α, (n_annotators,).

    That is α exp(mean b), so it has a part from the mean of b.
    """
    n, alpha = max(likelihood.n_voted, 1), at.model.alpha
    if likelihood.dense:
        inverse, at = _inverse(likelihood, at)
        own, with_mean = np.diag(inverse), -inverse @ at.of_mean / n
    else:  # among thousands, a pair of people binds little
        own = 1.0 / at.own_curvature
        with_mean = -own * at.of_mean / n
    of_b = likelihood.mean_over_items(1.0 / likelihood.images.curvature) - at.of_mean @ with_mean
    variance = own + 2 * alpha * with_mean + alpha**2 * of_b / n
    return np.asarray(np.exp(2 * shift) * variance)


def _inverse(likelihood: Likelihood, at: Point) -> tuple[Floats, Point]:
    """The covariance of α. Where weak data ends on a ridge, by Fisher's curvature instead."""
    for share in (1.0, 0.0):
        at = likelihood.sweep(at.model, share, pairs=1)
        curvature = at.reduced_curvature
        try:
            np.linalg.cholesky(curvature)
            break
        except np.linalg.LinAlgError:
            continue
    return np.asarray(np.linalg.inv(curvature), dtype=np.float64), at


def against_others(
    votes: Votes, measured: Measured, options: Options, exchange: Exchange = ALONE
) -> tuple[Floats, Floats]:
    """α and its standard error for people whose own votes took no part in ``measured``.

    Each α is fitted alone, by Newton's method, to the items and posterior that the others
    determined; (n_annotators,) each.
    """
    mean, precision = (
        options.reliability_mean * measured.scale,
        (options.reliability_sd * measured.scale) ** -2,
    )
    beta = measured.easiness[votes.item]
    right = measured.right[votes.item, votes.expression]
    n = votes.n_annotators
    alpha = np.zeros(n)
    for _ in range(50):
        p = sigmoid(alpha[votes.annotator] * beta)
        slope, curvature = exchange.total(
            np.stack(
                [
                    summed(votes.annotator, beta * (right - p), n),
                    summed(votes.annotator, beta**2 * p * (1 - p), n),
                ]
            )
        )
        slope = slope - precision * (alpha - mean)
        curvature = curvature + precision
        step = np.clip(slope / curvature, -1.0, 1.0)
        alpha += step
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    return alpha, 1.0 / np.sqrt(curvature)
