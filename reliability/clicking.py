"""Who clicks at random for a part of their votes: too good for screening, too bad to trust.

A person's votes are a mixture of two: with probability 1 − c the paper's model, right with σ(α β),
and with probability c any key. α alone takes such a person for a mediocre one; but somebody
mediocre errs on hard images, and clicking errs on easy ones as often. α and c of each person are
fitted together by maximum likelihood to the images as the estimate concluded them; wrong votes
that look at the face fall as the crowd's do, clicks fall evenly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reliability.estimates import Estimate
from reliability.measured import Floats, sigmoid, summed
from reliability.votes import Votes

_ROUNDS = 25
_MOST = 0.95  # share of clicks
_REST = 1e-3  # in c and α
_SURELY = 5.41  # twice the gain in log-likelihood that chance exceeds once in a hundred at c = 0


@dataclass(frozen=True)
class Clicking:
    """How much each person clicks at random, all (n_annotators,)."""

    share: Floats
    """c in 0–0.95, the share of votes that look at no face."""
    std_error: Floats
    gain: Floats
    """Twice the log-likelihood ratio against c = 0."""
    reliability: Floats
    """α of the votes that do look, on the estimate's scale."""
    judged: NDArray[np.bool_]
    """Whether there are enough votes to judge."""

    @property
    def surely(self) -> NDArray[np.bool_]:
        """People whose clicking is more than chance would show once in a hundred."""
        return np.asarray(self.judged & (self.gain > _SURELY))


def clicking(votes: Votes, found: Estimate, min_votes: int = 50) -> Clicking:
    """Fit α and the share of random clicks of each person to what ``found`` concluded.

    Cost: about two seconds per million votes.
    """
    wrong = _wrong_votes(votes, found)
    free, none = (_fit(votes, found, wrong, share) for share in (0.1, 0.0))
    gain = np.maximum(2 * (free.value - none.value), 0.0)
    return Clicking(
        share=free.share,
        std_error=free.error,
        gain=gain,
        reliability=free.alpha,
        judged=votes.votes_per_annotator >= min_votes,
    )


def _wrong_votes(votes: Votes, found: Estimate) -> Floats:
    """Where the crowd's wrong votes fall, (n_classes, n_classes), rows by the consensus."""
    k = votes.n_classes
    table = np.ones((k, k))
    for block in votes.blocks():
        shown = found.consensus[block.items][block.item]
        wrong = 1 - found.right[block.items][block.item, block.expression]
        table += summed(shown * k + block.expression, wrong, k * k).reshape(k, k)
    np.fill_diagonal(table, 0.0)
    return np.asarray(table / table.sum(axis=1, keepdims=True))


@dataclass
class _Mixture:
    alpha: Floats
    share: Floats
    error: Floats
    value: Floats


def _fit(votes: Votes, found: Estimate, wrong: Floats, share: float) -> _Mixture:
    """Scoring steps with the empirical information; ``share`` 0 keeps c there."""
    n = votes.n_annotators
    at = _Mixture(found.reliability.copy(), np.full(n, share), np.zeros(n), np.full(n, -np.inf))
    step = np.zeros((2, n))
    for _ in range(_ROUNDS):
        moved = _Mixture(
            at.alpha + step[0], np.clip(at.share + step[1], 0.0, _MOST), at.error, at.value
        )
        value, slope, information = _sums(votes, found, wrong, moved)
        value -= 0.5 * (moved.alpha - 1.0) ** 2
        better = value > at.value
        at.alpha = np.where(better, moved.alpha, at.alpha)
        at.share = np.where(better, moved.share, at.share)
        at.value = np.where(better, value, at.value)
        slope[0] -= moved.alpha - 1.0
        information[0] += 1.0
        aa, ac, cc = information
        if share == 0.0:
            fresh = np.stack([slope[0] / aa, np.zeros(n)])
        else:
            cc = cc + 1e-9
            free = aa * cc - ac**2 * (1 - 1e-9)
            fresh = np.stack([cc * slope[0] - ac * slope[1], aa * slope[1] - ac * slope[0]]) / free
            at.error = np.where(better, np.sqrt(aa / free), at.error)
        fresh = np.clip(fresh, -0.5, 0.5)
        step = np.where(better, fresh, step / 4)
        if np.abs(step).max(initial=0.0) < _REST:
            break
    return at


def _sums(
    votes: Votes, found: Estimate, wrong: Floats, at: _Mixture
) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood (n,), slopes (2, n) and empirical information (3, n) in α and c."""
    n, k = votes.n_annotators, votes.n_classes
    value, slope, information = np.zeros(n), np.zeros((2, n)), np.zeros((3, n))
    for block in votes.blocks():
        who = block.annotator
        beta = found.easiness[block.items][block.item]
        right = found.right[block.items]
        of_wrong = (1 - right + 1e-9) * wrong[found.consensus[block.items]]
        of_wrong /= of_wrong.sum(axis=1, keepdims=True)
        as_wrong = of_wrong[block.item, block.expression]
        as_right = (right / right.sum(axis=1, keepdims=True))[block.item, block.expression]
        sure = sigmoid(at.alpha[who] * beta)
        model = as_right * sure + as_wrong * (1 - sure)
        clicks = at.share[who]
        p = np.maximum((1 - clicks) * model + clicks / k, 1e-12)
        in_alpha = (1 - clicks) * (as_right - as_wrong) * sure * (1 - sure) * beta / p
        in_share = (1 / k - model) / p
        value += summed(who, np.log(p), n)
        slope += [summed(who, in_alpha, n), summed(who, in_share, n)]
        products = (in_alpha**2, in_alpha * in_share, in_share**2)
        information += [summed(who, product, n) for product in products]
    return value, slope, information
