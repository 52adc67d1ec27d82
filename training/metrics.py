"""What a network is worth: confusion matrix, mean diagonal, and how sure they are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]
Vector = NDArray[np.float64]


def confusion_matrix(truth: NDArray[Any], predicted: NDArray[Any], n_classes: int) -> Matrix:
    """Counts (n_classes, n_classes): rows the true class, columns the predicted one."""
    flat = np.bincount(truth * n_classes + predicted, minlength=n_classes * n_classes)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def recalls(confusion: Matrix) -> Vector:
    """The diagonal of the row-normalised matrix, (n_classes,); NaN for a class without faces."""
    totals = confusion.sum(axis=1)
    return np.where(totals > 0, np.diag(confusion) / np.maximum(totals, 1), np.nan)


def mean_diagonal(confusion: Matrix) -> float:
    """The paper's metric (§5): the mean recall over the classes that have faces, 0–1."""
    found = recalls(confusion)
    return float(np.nanmean(found)) if np.isfinite(found).any() else 0.0


def accuracy(confusion: Matrix) -> float:
    """The share of faces on the diagonal, 0–1."""
    return float(np.trace(confusion) / max(int(confusion.sum()), 1))


def mean_diagonal_interval(confusion: Matrix, draws: int = 20_000) -> tuple[float, float]:
    """A 95 % interval of the mean diagonal for this many test faces.

    Each recall is a share of a small count, so it is drawn from its Jeffreys posterior
    Beta(right + ½, wrong + ½) and the mean is taken draw by draw. It says how far another test set
    of this size could differ, not how far another training would.
    """
    right, totals = np.diag(confusion), confusion.sum(axis=1)
    seen = totals > 0
    if not seen.any():
        return 0.0, 1.0
    generator = np.random.default_rng(0)
    drawn = generator.beta(
        right[seen] + 0.5, totals[seen] - right[seen] + 0.5, (draws, int(seen.sum()))
    )
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def summary(confusion: Matrix, class_names: tuple[str, ...]) -> dict[str, Any]:
    """All of it as a dictionary that JSON can hold; recalls are None for absent classes."""
    found = recalls(confusion)
    return {
        "mean_diagonal": mean_diagonal(confusion),
        "mean_diagonal_interval": list(mean_diagonal_interval(confusion)),
        "accuracy": accuracy(confusion),
        "per_class_recall": {
            name: None if np.isnan(r) else float(r)
            for name, r in zip(class_names, found, strict=True)
        },
        "confusion": confusion.tolist(),
        "n_test": int(confusion.sum()),
    }


def seed_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean over seeds and the half width of its 95 % Student interval (infinite for one seed)."""
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return float(values.mean()), float("inf")
    half = stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n)
    return float(values.mean()), float(half)
