"""How many votes does an image need? Fewer votes are drawn, estimated again and compared.

No peer has it, and it saves money: a curve of what 5, 10, 20, 30 votes per image would have given,
and for each image whether more votes would change anything.
"""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability.agreement import agreement
from reliability.effects import settled, some_votes
from reliability.estimates import Estimate, estimate
from reliability.measured import Floats, Progress
from reliability.options import Options
from reliability.partition import partition
from reliability.plots import Figure, Table, vote_plan
from reliability.screening import ScreeningRule
from reliability.votes import Votes

DEPTHS = (5, 10, 20, 30, 40)
MEASURES = ("expression", "subset", "distribution")
"""Same consensus; same subset; one minus the mean total variation distance of distributions."""
_HALVES = 20  # of each image's votes, to see whether it is settled
_SURE = 0.95  # share of the halves that must agree


@dataclass(frozen=True)
class VotePlan:
    """What fewer votes per image would have given, against all of them.

    ``settled`` and ``settled_subset`` (n_items,) are the shares of random halves of an image's
    votes that conclude as all of them do: its expression, its subset.
    """

    depths: NDArray[np.int64]
    """(n_depths,) votes per image, ascending; the last is the most that any image has."""
    same: dict[str, Floats]
    """(n_depths, n_repeats) for each of ``MEASURES``, in 0–1."""
    cronbach_alpha: tuple[float | None, ...]
    """At each depth, of the first repeat."""
    n_votes: NDArray[np.int64]
    """(n_items,)"""
    settled: Floats
    settled_subset: Floats

    def mean(self, measure: str) -> Floats:
        """(n_depths,)"""
        return np.asarray(self.same[measure].mean(axis=1))

    def interval(self, measure: str) -> tuple[Floats, Floats]:
        """Where 95 % of such draws would fall, (n_depths,) each: Student's t over the repeats."""
        from scipy.special import stdtrit

        values = self.same[measure]
        n = values.shape[1]
        half = np.zeros(len(values))
        if n > 1:
            half = stdtrit(n - 1, 0.975) * values.std(axis=1, ddof=1) * np.sqrt(1 + 1 / n)
        mean = values.mean(axis=1)
        return np.maximum(mean - half, 0.0), np.minimum(mean + half, 1.0)

    def sentence(self, depth: int | None = None) -> str:
        """What a curator wants to know, of 20 votes or of half of them."""
        wanted = depth or (20 if 20 in self.depths[:-1] else int(self.depths[-1]) // 2)
        at = int(np.abs(self.depths - wanted).argmin())
        votes = int(self.depths[at])
        words = "1 vote" if votes == 1 else f"{votes} votes"
        return (
            f"{words} per image would have given the same expression on"
            f" {100 * self.mean('expression')[at]:.1f} % of the faces."
        )

    def is_settled(self) -> NDArray[np.bool_]:
        """Images to which more votes would hardly add anything, (n_items,)."""
        return np.asarray((self.settled >= _SURE) & (self.settled_subset >= _SURE))

    def figure(self) -> Figure:
        """The curves with their intervals."""
        both = {measure: self.interval(measure) for measure in MEASURES}
        return vote_plan(
            self.depths,
            {measure: self.mean(measure) for measure in MEASURES},
            {measure: both[measure][0] for measure in MEASURES},
            {measure: both[measure][1] for measure in MEASURES},
            sentence=self.sentence(),
        )

    def summary(self) -> dict[str, Any]:
        """What plan.json says."""
        voted = max(int((self.n_votes > 0).sum()), 1)
        return {
            "sentence": self.sentence(),
            "depths": self.depths.tolist(),
            "n_repeats": int(self.same[MEASURES[0]].shape[1]),
            "same": {m: self.mean(m).tolist() for m in MEASURES},
            "low_95": {m: self.interval(m)[0].tolist() for m in MEASURES},
            "high_95": {m: self.interval(m)[1].tolist() for m in MEASURES},
            "cronbach_alpha": list(self.cronbach_alpha),
            "settled": int(self.is_settled().sum()),
            "settled_expression": int((self.settled >= _SURE).sum()),
            "n_items": voted,
        }


def plan(
    votes: Votes,
    found: Estimate | None = None,
    depths: Sequence[int] = DEPTHS,
    n_repeats: int = 5,
    *,
    seed: int = 0,
    screening: ScreeningRule | None = ScreeningRule(),  # noqa: B008  # frozen
    options: Options = Options(),  # noqa: B008  # frozen
    progress: Progress | None = None,
) -> VotePlan:
    """Draw so many of each image's votes, estimate again, compare with the estimate from all.

    Images with fewer votes keep what they have. ``found`` is the estimate from all votes, made
    here if it is not given. Raises ValueError where there are no votes or a depth is below 1.
    Cost: about ``n_repeats`` × 2.6 estimates.
    """
    at = _checked(depths, n_repeats, votes)
    whole = found or estimate(votes, screening=screening, options=options)
    rng = np.random.default_rng(seed)
    same = {measure: np.ones((len(at), n_repeats)) for measure in MEASURES}
    alphas: list[float | None] = []
    n_fits = (len(at) - 1) * n_repeats
    for d, depth in enumerate(at):
        for repeat in range(n_repeats if depth < at[-1] else 0):
            if progress is not None:
                words = f"{depth} votes per image, {repeat + 1} of {n_repeats}"
                progress((d * n_repeats + repeat) / (n_fits + 2), words)
            some = votes.select(some_votes(votes, int(depth), rng))
            if repeat == 0:
                alphas.append(agreement(some).cronbach_alpha)
            part = _refit(some, whole, screening, options)
            for measure, value in _compared(part, whole).items():
                same[measure][d, repeat] = value
    alphas.append(agreement(votes).cronbach_alpha)
    if progress is not None:
        progress((n_fits + 1) / (n_fits + 2), "halving every image's votes")
    halves = settled(votes, whole, rng, _HALVES)
    return VotePlan(at, same, tuple(alphas), votes.votes_per_item, *halves)


def write(
    folder: str | Path, found: VotePlan, item_names: Sequence[str] | None = None
) -> dict[str, Any]:
    """Write plan.json, items.csv and the figure with its table; return what plan.json says."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found.figure().save(folder)
    names = item_names or tuple(map(str, range(len(found.n_votes))))
    rows = zip(
        names,
        found.n_votes.tolist(),
        found.settled.tolist(),
        found.settled_subset.tolist(),
        ("true" if yes else "false" for yes in found.is_settled().tolist()),
        strict=True,
    )
    columns = ("item", "votes", "same_expression", "same_subset", "settled")
    (folder / "items.csv").write_text(Table(columns, tuple(rows)).csv(), encoding="utf-8")
    told = found.summary()
    text = json.dumps(told, indent=2, allow_nan=False)
    (folder / "plan.json").write_text(text + "\n", encoding="utf-8")
    return told


def _checked(depths: Sequence[int], n_repeats: int, votes: Votes) -> NDArray[np.int64]:
    """The depths below the deepest image, ascending, and that of the deepest image."""
    if n_repeats < 1:
        raise ValueError(f"n_repeats is {n_repeats}, below 1")
    for depth in depths:
        if depth < 1:
            raise ValueError(f"depths has {depth}, below 1")
    deepest = int(votes.votes_per_item.max(initial=0))
    if deepest == 0:
        raise ValueError("there are no votes to plan from")
    return np.array([*sorted({d for d in depths if d < deepest}), deepest], dtype=np.int64)


def _refit(
    some: Votes, whole: Estimate, screening: ScreeningRule | None, options: Options
) -> Estimate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # few votes may not converge
        return estimate(some, whole.method, screening, start=whole, options=options)


def _compared(part: Estimate, whole: Estimate) -> dict[str, float]:
    """The shares of ``MEASURES``, over all images."""
    moved = np.abs(part.distribution - whole.distribution).sum(axis=1) / 2
    of_part, of_whole = (partition(fit.weighted_votes).subset for fit in (part, whole))
    return {
        "expression": float((part.consensus == whole.consensus).mean()),
        "subset": float((of_part == of_whole).mean()),
        "distribution": float(1 - moved.mean()),
    }
