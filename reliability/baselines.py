"""The simpler estimators: majority vote, one coin per person, and Dawid and Skene (1979).

All see the same votes and answer in the same terms as GLAD. Their reliability is the log-odds of
a person's estimated accuracy, so that σ(α) is the chance of a right vote on an item of easiness 1.
"""

from dataclasses import dataclass

import numpy as np

from reliability.measured import Floats, Measured, Progress, logit
from reliability.options import Options
from reliability.votes import Votes

_ACCURACY_RIGHT, _ACCURACY_WRONG = 2.0, 1.0  # pseudo-votes: Beta(3, 2) with its mode at 2/3


def majority(votes: Votes, options: Options, progress: Progress | None = None) -> Measured:
    """Each vote counts one; the posterior is the share of the votes."""
    counts = votes.counts
    total = counts.sum(axis=1, keepdims=True)
    share = np.where(total > 0, counts / np.maximum(total, 1), 1.0 / votes.n_classes)
    coins = _Coins.seen_with(votes, majority_of(votes), options)
    log_likelihood = coins.expect(votes)[1]
    return coins.measured(votes, share, (coins.penalised(log_likelihood),), True, log_likelihood)


def one_coin(votes: Votes, options: Options, progress: Progress | None = None) -> Measured:
    """Each person is right with one probability, on every item and class alike."""
    return _iterate(_Coins, votes, options, progress)


def dawid_skene(votes: Votes, options: Options, progress: Progress | None = None) -> Measured:
    """Each person has a table of what they call what."""
    return _iterate(_Tables, votes, options, progress)


def _iterate(
    kind: "type[_Coins] | type[_Tables]",
    votes: Votes,
    options: Options,
    progress: Progress | None,
) -> Measured:
    """E- and M-steps until the penalised likelihood rests, ending with an E-step."""
    model = kind.seen_with(votes, majority_of(votes), options)
    posterior, value = model.expect(votes)
    history = [model.penalised(value)]
    enough, converged = options.tolerance * max(len(votes), 1), False
    for _ in range(20 * options.max_iterations):
        model = kind.seen_with(votes, posterior, options)
        posterior, value = model.expect(votes)
        history.append(model.penalised(value))
        if progress is not None:
            progress(len(history) / (len(history) + 4), f"iteration {len(history) - 1}")
        if history[-1] - history[-2] < enough:
            converged = True
            break
    return model.measured(votes, posterior, tuple(history), converged, value)


@dataclass(frozen=True)
class _Coins:
    """One probability of a right vote per person."""

    accuracy: Floats  # (n_annotators,)
    log_prior: Floats  # (n_classes,)
    pseudo_count: float

    @staticmethod
    def seen_with(votes: Votes, posterior: Floats, options: Options) -> "_Coins":
        """M-step: the accuracies that the posterior makes likeliest."""
        right = np.bincount(
            votes.annotator, posterior[votes.item, votes.expression], minlength=votes.n_annotators
        )
        total = votes.votes_per_annotator + _ACCURACY_RIGHT + _ACCURACY_WRONG
        return _Coins(
            (right + _ACCURACY_RIGHT) / total, _log_classes(votes, posterior, options),
            options.pseudo_count if options.estimate_classes else 0.0,
        )  # fmt: skip

    def expect(self, votes: Votes) -> tuple[Floats, float]:
        """E-step: posterior and marginal log-likelihood."""
        k = votes.n_classes
        wrong = np.log1p(-self.accuracy) - np.log(k - 1)
        gain = np.log(self.accuracy) - wrong
        cell = votes.item.astype(np.int64) * k + votes.expression
        joint = np.bincount(cell, gain[votes.annotator], minlength=votes.n_items * k)
        return _normalised(
            joint.reshape(votes.n_items, k) + self.log_prior,
            float(wrong @ votes.votes_per_annotator),
        )

    def penalised(self, log_likelihood: float) -> float:
        prior = _ACCURACY_RIGHT * np.log(self.accuracy) + _ACCURACY_WRONG * np.log1p(-self.accuracy)
        return log_likelihood + float(prior.sum() + self.pseudo_count * self.log_prior.sum())

    def measured(
        self,
        votes: Votes,
        posterior: Floats,
        history: tuple[float, ...],
        converged: bool,
        log_likelihood: float,
    ) -> Measured:
        information = (
            self.accuracy
            * (1 - self.accuracy)
            * (votes.votes_per_annotator + _ACCURACY_RIGHT + _ACCURACY_WRONG)
        )
        return Measured(
            reliability=logit(self.accuracy),
            std_error=1.0 / np.sqrt(information),
            easiness=np.ones(votes.n_items),
            easiness_error=np.zeros(votes.n_items),
            posterior=posterior,
            right=posterior,
            history=history,
            converged=converged,
            log_likelihood=log_likelihood,
            penalised_log_likelihood=history[-1],
        )


@dataclass(frozen=True)
class _Tables:
    """What each person calls what: a confusion table per person."""

    log_table: Floats  # (n_annotators, n_classes, n_classes), rows by the truth
    log_prior: Floats
    shares: Floats  # (n_annotators, n_classes): expected truth of the items each person saw

    @staticmethod
    def seen_with(votes: Votes, posterior: Floats, options: Options) -> "_Tables":
        """M-step. Each row gets one pseudo-vote: two thirds for right, the rest spread."""
        k = votes.n_classes
        called = votes.annotator.astype(np.int64) * k + votes.expression
        size = votes.n_annotators * k
        expected = np.stack(
            [np.bincount(called, posterior[votes.item, c], minlength=size) for c in range(k)]
        )  # (truth, annotator × called)
        expected = expected.reshape(k, votes.n_annotators, k).transpose(1, 0, 2)
        shares = expected.sum(axis=2)
        table = expected + _pseudo_votes(k)
        return _Tables(
            np.log(table / table.sum(axis=2, keepdims=True)),
            _log_classes(votes, posterior, options),
            shares,
        )

    def expect(self, votes: Votes) -> tuple[Floats, float]:
        k = votes.n_classes
        joint = np.empty((votes.n_items, k))
        called = votes.annotator.astype(np.int64) * k + votes.expression
        for c in range(k):
            weight = self.log_table[:, c, :].ravel()[called]
            joint[:, c] = np.bincount(votes.item, weight, minlength=votes.n_items)
        return _normalised(joint + self.log_prior, 0.0)

    def penalised(self, log_likelihood: float) -> float:
        k = len(self.log_prior)
        return log_likelihood + float((_pseudo_votes(k) * self.log_table).sum())

    def measured(
        self,
        votes: Votes,
        posterior: Floats,
        history: tuple[float, ...],
        converged: bool,
        log_likelihood: float,
    ) -> Measured:
        right = np.exp(np.diagonal(self.log_table, axis1=1, axis2=2))  # (n_annotators, k)
        weight = self.shares + 1e-9
        weight = weight / weight.sum(axis=1, keepdims=True)
        accuracy = np.clip((right * weight).sum(axis=1), 1e-6, 1 - 1e-6)
        n = self.shares.sum(axis=1, keepdims=True)
        variance = (weight**2 * right * (1 - right) / (weight * n + 1.0)).sum(axis=1)
        return Measured(
            reliability=logit(accuracy),
            std_error=np.sqrt(variance) / (accuracy * (1 - accuracy)),
            easiness=np.ones(votes.n_items),
            easiness_error=np.zeros(votes.n_items),
            posterior=posterior,
            right=posterior,
            history=history,
            converged=converged,
            log_likelihood=log_likelihood,
            penalised_log_likelihood=history[-1],
        )


def majority_of(votes: Votes) -> Floats:
    """The share of each class among those with the most votes, (n_items, n_classes)."""
    counts = votes.counts
    most = (counts == counts.max(axis=1, keepdims=True)).astype(float)
    shares: Floats = most / most.sum(axis=1, keepdims=True)
    return shares


def _pseudo_votes(k: int) -> Floats:
    """One vote per row of a table, (k, k): more right than wrong, no cell empty."""
    return np.eye(k) * (2 / 3 - 1 / (3 * (k - 1))) + 1 / (3 * (k - 1))


def _log_classes(votes: Votes, posterior: Floats, options: Options) -> Floats:
    k = votes.n_classes
    if not options.estimate_classes:
        return np.full(k, -np.log(k))
    seen = posterior[votes.votes_per_item > 0].sum(axis=0) + options.pseudo_count
    share: Floats = np.log(seen / seen.sum())
    return share


def _normalised(joint: Floats, constant: float) -> tuple[Floats, float]:
    """Posterior from ln p(votes, y), and the marginal log-likelihood."""
    top = joint.max(axis=1, keepdims=True)
    posterior = np.exp(joint - top)
    total = posterior.sum(axis=1, keepdims=True)
    posterior /= total
    return posterior, float((top + np.log(total)).sum()) + constant


def coins_against_others(votes: Votes, posterior: Floats) -> tuple[Floats, Floats]:
    """α and its standard error of people whose votes took no part in ``posterior``."""
    coins = _Coins.seen_with(votes, posterior, Options())
    found = coins.measured(votes, posterior, (0.0,), True, 0.0)
    return found.reliability, found.std_error
