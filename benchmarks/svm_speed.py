"""How long the paper's SVM takes: python -m benchmarks.svm_speed [--faces 3000]

A whole 7×7 grid with five folds on RAF-DB's class balance and 2,000 features that overlap, then the
time for 12,271 faces: three sizes are measured and the power law between them is carried on.
Against: the same grid with scikit-learn's own GridSearchCV on the smallest size.
"""

import argparse
import time

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from training import classifiers

COUNTS = np.array([1290, 281, 717, 4772, 1982, 705, 2524])
N_FEATURES, LIMIT_MIN = 2000, 15.0


def features(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes around three centres each, half the variance shared: about four in five are right."""
    rng = np.random.default_rng(0)
    labels = rng.choice(7, n, p=COUNTS / COUNTS.sum())
    centres = rng.normal(size=(7, 3, 40)) * 0.62
    inner = centres[labels, rng.integers(3, size=n)] + rng.normal(size=(n, 40))
    mixed = np.maximum(inner @ rng.normal(size=(40, N_FEATURES)) / 6, 0)
    return mixed.astype(np.float32), labels


def seconds(n: int) -> float:
    """One search over the whole grid, the final machine included."""
    x, labels = features(n + n // 4)
    started = time.perf_counter()
    guess, chosen = classifiers.svm(x[:n], labels[:n], x[n:])
    spent = time.perf_counter() - started
    right = np.mean([(guess == labels[n:])[labels[n:] == c].mean() for c in range(7)])
    print(f"{n:>6,} faces: {spent:7.1f} s, mean diagonal {100 * right:.0f} %, {chosen}", flush=True)
    return spent


def peer(n: int) -> float:
    """scikit-learn's own search over the same grid and folds, on two cores."""
    x, labels = features(n)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    unit = 1 / np.median(classifiers.squared_distances(x, x))
    grid = {"C": classifiers.GRID.penalties, "gamma": [unit * w for w in classifiers.GRID.widths]}
    started = time.perf_counter()
    GridSearchCV(SVC(), grid, scoring="recall_macro", cv=5, n_jobs=2).fit(x, labels)
    return time.perf_counter() - started


def main(largest: int) -> None:
    """Three sizes, the power law, the peer."""
    sizes = [largest // 4, largest // 2, largest]
    spent = [seconds(n) for n in sizes]
    slope, height = np.polyfit(np.log(sizes), np.log(spent), 1)
    whole = np.exp(height + slope * np.log(COUNTS.sum())) / 60
    print(f"time grows as n^{slope:.2f}: {whole:.1f} min for 12,271 (limit {LIMIT_MIN:.0f})")
    other = peer(sizes[0])
    print(f"GridSearchCV on {sizes[0]:,}: {other:.1f} s, {other / spent[0]:.1f} times ours")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=3000, help="the largest size (3000)")
    main(parser.parse_args().faces)
