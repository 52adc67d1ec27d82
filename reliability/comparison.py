"""Several estimators on the same votes, beside each other: where they agree and where not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability import report
from reliability.estimates import Estimate, estimate
from reliability.measured import Floats
from reliability.options import Method, Options
from reliability.screening import ScreeningRule
from reliability.votes import Votes


@dataclass(frozen=True)
class Comparison:
    """Estimates of the same votes by several methods, in the order of ``methods``."""

    estimates: Mapping[str, Estimate]
    accuracy: Mapping[str, float] | None
    """Share of the items of known truth that each concludes rightly; None without a truth."""

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(self.estimates)

    @property
    def same_consensus(self) -> Floats:
        """Share of the items with votes on which two methods conclude the same, (n, n)."""
        labels = self._consensus
        return np.asarray((labels[:, None] == labels[None]).mean(axis=2))

    @property
    def same_order(self) -> Floats:
        """Spearman's correlation of two methods' reliabilities, (n, n); 1 where all are even."""
        from scipy.stats import rankdata

        ranks = np.stack([rankdata(found.reliability) for found in self.estimates.values()])
        away = ranks - ranks.mean(axis=1, keepdims=True)
        size = np.sqrt((away**2).sum(axis=1))
        scale = np.outer(size, size)
        return np.asarray(np.where(scale > 0, away @ away.T / np.where(scale > 0, scale, 1), 1.0))

    def disagreed(self) -> NDArray[np.int64]:
        """Items with votes on which not all methods conclude the same."""
        labels = self._consensus
        return np.asarray(self._voted[(labels != labels[0]).any(axis=0)])

    @property
    def _voted(self) -> NDArray[np.int64]:
        posterior = next(iter(self.estimates.values())).posterior
        voted = np.ptp(posterior, axis=1) > 0
        return np.flatnonzero(voted) if voted.any() else np.arange(len(posterior))

    @property
    def _consensus(self) -> NDArray[np.int64]:
        """(n, n_voted)"""
        return np.stack([found.consensus[self._voted] for found in self.estimates.values()])

    def rows(self) -> list[dict[str, Any]]:
        """One row a method: what comparison.csv holds."""
        first = self.same_consensus[0], self.same_order[0]
        return [
            {
                "method": method,
                "accuracy": "" if self.accuracy is None else round(self.accuracy[method], 6),
                "same_consensus": round(float(first[0][n]), 6),
                "same_order": round(float(first[1][n]), 6),
                "mean_confidence": round(float(found.confidence.mean()), 6),
                "kept": int(found.kept.sum()),
                "log_likelihood": found.log_likelihood,
                "converged": "true" if found.converged else "false",
                "iterations": found.iterations,
                "seconds": round(found.seconds, 3),
            }
            for n, (method, found) in enumerate(self.estimates.items())
        ]


def compare(
    votes: Votes,
    methods: Sequence[str] = tuple(Method),
    screening: ScreeningRule | None = ScreeningRule(),  # noqa: B008  # frozen
    options: Options = Options(),  # noqa: B008  # frozen
    truth: Mapping[int, int] | None = None,
    seed: int = 0,
) -> Comparison:
    """Estimate by each method; the first is what the others are measured against.

    ``truth`` names the class of items where it is known. Likelihoods are of different models and
    do not compare between methods.
    """
    if len(methods) < 2:
        raise ValueError(f"methods is {list(methods)}: comparing needs at least two")
    found = {
        str(Method(method)): estimate(votes, method, screening, options=options, seed=seed)
        for method in methods
    }
    accuracy = None
    if truth:
        items, classes = (np.array(each) for each in zip(*truth.items(), strict=True))
        accuracy = {
            method: float((each.consensus[items] == classes).mean())
            for method, each in found.items()
        }
    return Comparison(found, accuracy)


def write(
    folder: str | Path,
    found: Comparison,
    *,
    item_names: Sequence[str],
    class_names: Sequence[str],
) -> None:
    """Write comparison.csv, comparison.json (with the tables of pairs) and disagreements.csv."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = found.rows()
    report.write_table(folder / "comparison.csv", list(rows[0]), [tuple(r.values()) for r in rows])
    told = {
        "methods": list(found.methods),
        "same_consensus": found.same_consensus.tolist(),
        "same_order": found.same_order.tolist(),
        "accuracy": None if found.accuracy is None else dict(found.accuracy),
        "disagreed": len(found.disagreed()),
    }
    report.write_json(folder / "comparison.json", told)
    header = ["item"]
    for method in found.methods:
        header += [method, f"{method}_confidence"]
    lines = []
    for j in found.disagreed().tolist():
        line: list[Any] = [item_names[j]]
        for each in found.estimates.values():
            line += [class_names[int(each.consensus[j])], round(float(each.confidence[j]), 6)]
        lines.append(tuple(line))
    report.write_table(folder / "disagreements.csv", header, lines)
