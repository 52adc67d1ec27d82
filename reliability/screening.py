"""Whose votes are kept: one rule in one sentence, adjustable, open to a curator's veto."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScreeningRule:
    """Votes are left out only of people who cast at least ``min_votes`` and of whom we are
    ``confidence`` sure that their reliability is below ``threshold``.

    α = 0 means right on half of the votes whatever the image, hard images being allowed for;
    random clicking is far below that (README, decision 8).
    """

    threshold: float = 0.0
    confidence: float = 0.99
    min_votes: int = 20

    def __post_init__(self) -> None:
        if not np.isfinite(self.threshold):
            raise ValueError(f"threshold is {self.threshold}, not a finite number")
        if not 0.5 <= self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}, outside 0.5–1")
        if self.min_votes < 1:
            raise ValueError(f"min_votes is {self.min_votes}, below 1")

    def upper_end(self, reliability: Floats, std_error: Floats) -> Floats:
        """What the reliability is surely below, (n_annotators,)."""
        return reliability + NormalDist().inv_cdf(self.confidence) * std_error

    def leaves_out(
        self, reliability: Floats, std_error: Floats, n_votes: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whom the rule screens out, (n_annotators,)."""
        below = self.upper_end(reliability, std_error) < self.threshold
        return below & (n_votes >= self.min_votes)


@dataclass(frozen=True)
class Screened:
    """Who is kept, and why not or why all the same."""

    kept: NDArray[np.bool_]  # (n_annotators,)
    overruled: NDArray[np.bool_]  # (n_annotators,): a curator decided against the rule
    reason: tuple[str, ...]  # '' where there is nothing to say


def checked_overrides(overrides: Mapping[int, bool] | None, n_annotators: int) -> dict[int, bool]:
    """The curator's decisions, each for an annotator that exists."""
    for annotator in overrides or {}:
        if not 0 <= annotator < n_annotators:
            raise ValueError(f"overrides names annotator {annotator}, outside 0–{n_annotators - 1}")
    return dict(overrides or {})


def decide(out: NDArray[np.bool_], overrides: Mapping[int, bool]) -> NDArray[np.bool_]:
    """Who is kept when the rule says ``out`` and a curator has the last word, (n_annotators,)."""
    kept = ~out
    for annotator, keep in overrides.items():
        kept[annotator] = keep
    return kept


def explain(
    rule: ScreeningRule | None,
    out: NDArray[np.bool_],
    overrides: Mapping[int, bool],
    reliability: Floats,
    std_error: Floats,
    n_votes: NDArray[np.int64],
) -> Screened:
    """The decision with its reasons in words."""
    kept = decide(out, overrides)
    reasons = []
    for i in range(len(out)):
        measured = f"α {reliability[i]:.2f} ± {std_error[i]:.2f} on {n_votes[i]} votes"
        if kept[i] and out[i]:
            reasons.append(f"kept by a curator against the rule: {measured}")
        elif not kept[i] and not out[i]:
            reasons.append(f"left out by a curator, not by the rule: {measured}")
        elif out[i] and rule is not None:
            reasons.append(
                f"left out: {measured}, {100 * rule.confidence:g} % sure to be below"
                f" {rule.threshold:g}"
            )
        else:
            reasons.append("")
    return Screened(kept, kept == out, tuple(reasons))
