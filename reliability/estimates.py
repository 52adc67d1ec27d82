"""One verb, votes in and estimate out, whatever the method."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reliability import screening as screen
from reliability.exchange import ALONE, Exchange
from reliability.measured import (
    Floats,
    Integration,
    Measured,
    Optimum,
    Progress,
    implied_accuracy,
)
from reliability.options import Method, Options
from reliability.partition import Partition, SubsetsBy, partition
from reliability.screening import ScreeningRule
from reliability.start import Start, after
from reliability.votes import Votes

_ROUNDS = 5  # of screening: who is left out is judged again by those who stay
_ROWS_AT_ONCE = 1 << 16
_EVEN = 1e-9  # classes this close in posterior share the top


@dataclass(frozen=True)
class BeforeScreening:
    """The first fit, before anyone was left out."""

    reliability: Floats  # (n_annotators,)
    std_error: Floats  # (n_annotators,)
    start: Start | None = None
    """Where a later first fit may begin."""


@dataclass(frozen=True)
class Estimate:
    """One fit to frozen votes, screening included. No value is ever NaN.

    Per annotator (n_annotators,): reliability α and its ``std_error``; ``accuracy``, the mean
    chance that a vote of theirs is right; ``kept`` with the ``reason`` where there is something to
    say; ``overruled`` where a curator decided against the rule. α of people left out is measured
    against the consensus of those who stay. α is not accuracy against the truth: where a crowd
    shares a bias, it measures agreement with that bias.

    Per item: ``easiness`` β (geometric mean 1 over items with votes), ``easiness_error`` (standard
    error of ln β), ``posterior`` (n_items, n_classes; rows sum to 1), ``consensus`` (the likeliest
    class; of even ones the first, and ``tied`` says so), ``confidence`` (its posterior),
    ``weighted_votes`` (n_items, n_classes) the paper's g over kept people, ``distribution`` (g
    normalised, negative sums as 0; uniform where nothing is left), ``entropy`` of that, in nats,
    ``right`` (n_items, n_classes) the chance that a vote for the class is right, and ``shows_two``
    the chance that the item shows two classes: there a vote for either is right, the posterior is
    divided between them as the votes are, and ``right`` adds up to 2.

    ``log_likelihood``, ``penalised_log_likelihood`` and ``history`` belong to the joint optimum in
    α and b, the ``optimum``, and ``integrated`` to what people and items are told from (GLAD only).
    """

    method: str
    reliability: Floats
    std_error: Floats
    accuracy: Floats
    n_votes: NDArray[np.int64]
    kept: NDArray[np.bool_]
    reason: tuple[str, ...]
    overruled: NDArray[np.bool_]
    easiness: Floats
    easiness_error: Floats
    posterior: Floats
    right: Floats
    shows_two: Floats
    consensus: NDArray[np.int64]
    confidence: Floats
    tied: NDArray[np.bool_]
    weighted_votes: Floats
    distribution: Floats
    entropy: Floats
    history: tuple[float, ...]
    converged: bool
    iterations: int
    log_likelihood: float
    penalised_log_likelihood: float
    scale: float
    optimum: Optimum | None
    integrated: Integration | None
    seconds: float
    before_screening: BeforeScreening

    def partition(
        self, by: SubsetsBy = SubsetsBy.VOTES, *, are_expressions: bool | None = None
    ) -> Partition:
        """The subsets of paper §3.1: by the paper's g, or by the chance that a vote is right.

        The second finds more of the images that show two classes, and takes fewer others for such.
        """
        g = self.weighted_votes if SubsetsBy(by) is SubsetsBy.VOTES else self.right
        return partition(g, are_expressions=are_expressions)


def estimate(
    votes: Votes,
    method: str = Method.GLAD,
    screening: ScreeningRule | None = ScreeningRule(),  # noqa: B008  # frozen
    overrides: Mapping[int, bool] | None = None,
    start: Estimate | Start | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    options: Options = Options(),  # noqa: B008  # frozen
    exchange: Exchange = ALONE,
) -> Estimate:
    """Fit, screen, and fit again on what is kept (paper §3.1, Algorithm 1).

    ``overrides`` says for an annotator whether a curator keeps them, whatever the rule. ``start``
    is an earlier estimate of the same project; people and items may have been added since.
    ``seed`` draws the extra starts that small data is searched from. ``progress`` is called with
    the share of the work done and a message. Where processes share the images, ``votes`` are
    those of this one, over all people, and ``exchange`` sums over all: every process finds the
    same people, and its own items (``sharded``; GLAD only).
    Cost for GLAD: about 0.8 CPU seconds per million votes.
    """
    began = time.perf_counter()
    method = Method(method)
    if exchange is not ALONE and method is not Method.GLAD:
        raise ValueError(
            f"method is {method}: only {Method.GLAD} is estimated by several processes"
        )
    decisions = screen.checked_overrides(overrides, votes.n_annotators)
    begin = start_after(start) if isinstance(start, Estimate) else start
    first_begin = begin if begin is None or begin.before is None else begin.before
    first = _measure(votes, method, options, first_begin, progress, exchange)
    n_votes = exchange.total(votes.votes_per_annotator.astype(np.float64)).astype(np.int64)
    now, judged = first, (first.reliability, first.std_error)
    out = np.zeros(votes.n_annotators, dtype=bool)
    kept = screen.decide(out, decisions)
    for _ in range(_ROUNDS):
        if screening is not None:
            out |= screening.leaves_out(*judged, n_votes)
        if (screen.decide(out, decisions) == kept).all() and (kept.all() or now is not first):
            break
        kept = screen.decide(out, decisions)
        mine = votes.select(kept[votes.annotator])
        again = begin if begin is not None and now is first else after(now)
        now = _measure(mine, method, options, again, progress, exchange)
        judged = _with_others(votes, method, now, options, kept, exchange)
    seconds = time.perf_counter() - began
    said = screen.explain(screening, out, decisions, *judged, n_votes)
    return _concluded(votes, method, now, judged, said, first, seconds, n_votes, exchange)


def _measure(
    votes: Votes,
    method: Method,
    options: Options,
    start: Start | None,
    progress: Progress | None,
    exchange: Exchange,
) -> Measured:
    """One fit. The compiled parts load here, so that importing ``reliability`` stays cheap."""
    from threadpoolctl import threadpool_limits

    from reliability import baselines

    with threadpool_limits(limits=1, user_api="blas"):
        if method is Method.GLAD:
            from reliability.glad import glad

            return glad(votes, options, start, progress, exchange)
        fit = {
            Method.MAJORITY: baselines.majority,
            Method.ONE_COIN: baselines.one_coin,
            Method.DAWID_SKENE: baselines.dawid_skene,
        }[method]
        return fit(votes, options, progress)


def _with_others(
    votes: Votes,
    method: Method,
    now: Measured,
    options: Options,
    kept: NDArray[np.bool_],
    exchange: Exchange,
) -> tuple[Floats, Floats]:
    """α and standard error of everybody: people left out are measured against the rest."""
    gone = ~kept
    if not gone.any():
        return now.reliability, now.std_error
    theirs = votes.select(gone[votes.annotator])
    if method is Method.GLAD:
        from reliability.glad import against_others

        alpha, error = against_others(theirs, now, options, exchange)
    else:
        from reliability.baselines import coins_against_others

        alpha, error = coins_against_others(theirs, now.posterior)
    return np.where(gone, alpha, now.reliability), np.where(gone, error, now.std_error)


def start_after(start: Estimate) -> Start:
    """Where the next estimate of the same project may begin."""
    measured = Measured(
        reliability=start.reliability,
        std_error=start.std_error,
        easiness=start.easiness,
        easiness_error=start.easiness_error,
        posterior=start.posterior,
        right=start.right,
        history=start.history,
        converged=start.converged,
        log_likelihood=start.log_likelihood,
        penalised_log_likelihood=start.penalised_log_likelihood,
        scale=start.scale,
        optimum=start.optimum,
        integrated=start.integrated,
    )
    return replace(after(measured, ~start.kept), before=start.before_screening.start)


def _concluded(
    votes: Votes,
    method: Method,
    now: Measured,
    judged: tuple[Floats, Floats],
    said: screen.Screened,
    first: Measured,
    seconds: float,
    n_votes: NDArray[np.int64],
    exchange: Exchange,
) -> Estimate:
    """The consensus and the paper's g from the last fit."""
    posterior = now.posterior
    best = posterior.max(axis=1, initial=0.0)
    g = _weighted_votes(votes, method, judged[0], said.kept)
    distribution = np.maximum(g, 0.0)
    distribution[distribution.sum(axis=1) == 0] = 1.0
    distribution /= distribution.sum(axis=1, keepdims=True)
    return Estimate(
        method=str(method),
        reliability=judged[0],
        std_error=judged[1],
        accuracy=implied_accuracy(votes, judged[0], now.easiness, exchange),
        n_votes=n_votes,
        kept=said.kept,
        reason=said.reason,
        overruled=said.overruled,
        easiness=now.easiness,
        easiness_error=now.easiness_error,
        posterior=posterior,
        right=now.right,
        shows_two=np.zeros(votes.n_items) if now.integrated is None else now.integrated.shows_two,
        consensus=posterior.argmax(axis=1),
        confidence=best,
        tied=(posterior > best[:, None] - _EVEN).sum(axis=1) > 1,
        weighted_votes=g,
        distribution=distribution,
        entropy=_entropy(distribution),
        history=now.history,
        converged=now.converged,
        iterations=now.iterations,
        log_likelihood=now.log_likelihood,
        penalised_log_likelihood=now.penalised_log_likelihood,
        scale=now.scale,
        optimum=now.optimum,
        integrated=now.integrated,
        seconds=seconds,
        before_screening=BeforeScreening(first.reliability, first.std_error, after(first)),
    )


def _entropy(distribution: Floats) -> Floats:
    """Of each row, in nats, (n_items,); some rows at a time, since the logarithms need room."""
    found = np.zeros(len(distribution))
    for low in range(0, len(found), _ROWS_AT_ONCE):
        rows = distribution[low : low + _ROWS_AT_ONCE]
        found[low : low + _ROWS_AT_ONCE] = -(rows * np.log(np.where(rows > 0, rows, 1.0))).sum(1)
    return found


def _weighted_votes(
    votes: Votes, method: Method, reliability: Floats, kept: NDArray[np.bool_]
) -> Floats:
    """g_k = Σ α over kept people's votes for k; by majority every kept vote counts one."""
    return votes.tallied(np.where(kept, 1.0 if method is Method.MAJORITY else reliability, 0.0))
