"""The paper's two classifiers on fixed features (§5, §6): an RBF-SVM and LDA with neighbours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import recall_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from training.errors import TrainingError

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
N_NEIGHBOURS = 5
CACHE_MB = 500


@dataclass(frozen=True)
class Grid:
    """What an RBF-SVM is chosen from."""

    penalties: tuple[float, ...] = tuple(2.0**p for p in range(-1, 12, 2))
    """C, rising."""
    widths: tuple[float, ...] = tuple(2.0**p for p in range(-7, 6, 2))
    """γ, in units of 1 / median squared distance."""
    folds: int = 5
    seed: int = 0
    """Of the folds."""
    workers: int = 2
    """Threads; each needs n_train² doubles of memory."""


GRID = Grid()
COARSE = Grid(penalties=(0.5, 8.0, 128.0), widths=(2.0**-5, 0.25, 2.0), folds=3)
"""For small presets: nine machines instead of 49, three folds instead of five."""


def squared_distances(a: Floats, b: Floats) -> Floats:
    """|a_i − b_j|² of rows, (n, m) float32, never below 0."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2.0 * (a @ b.T)
    found: Floats = np.maximum(squares, 0.0, dtype=np.float32)
    return found


def svm(
    train: Floats, labels: Labels, test: Floats, grid: Grid = GRID
) -> tuple[Labels, dict[str, float]]:
    """Predicted labels of ``test`` by an RBF-SVM, and its C and γ.

    C and γ are chosen by mean recall over the folds of the training features. Distances are
    computed once and serve every γ, C and fold. Costs n_train² floats of memory, and as many
    doubles for each worker.
    """
    train, test = _scaled(train, test)
    between = squared_distances(train, train)
    unit = 1.0 / max(float(np.median(between[:: max(len(between) // 1000, 1)])), 1e-12)
    cut = list(_folds(labels, grid))
    jobs = list(product((unit * w for w in grid.widths), cut))
    with ThreadPoolExecutor(grid.workers) as pool:  # libsvm releases the interpreter's lock
        found = list(pool.map(lambda job: _merits(between, labels, job[0], job[1], grid), jobs))
    merits = np.reshape(found, (len(grid.widths), len(cut), len(grid.penalties))).mean(axis=1)
    best = np.unravel_index(merits.argmax(), merits.shape)
    gamma, c = unit * grid.widths[best[0]], grid.penalties[best[1]]
    machine = _machine(c).fit(_kernel(gamma, between), labels)
    guess: Labels = machine.predict(_kernel(gamma, squared_distances(test, train)))
    return guess, {"C": c, "gamma": gamma, "cross_validated": float(merits[best])}


def _folds(labels: Labels, grid: Grid) -> Iterator[tuple[Any, Any]]:
    n_folds = min(grid.folds, int(np.bincount(labels)[np.unique(labels)].min()))
    if n_folds < 2:
        raise TrainingError("the SVM's grid search needs two training faces of each class")
    cut = StratifiedKFold(n_folds, shuffle=True, random_state=grid.seed)
    return iter(cut.split(np.zeros(len(labels)), labels))


def _merits(
    between: Floats, labels: Labels, gamma: float, fold: tuple[Any, Any], grid: Grid
) -> list[float]:
    """The mean recall outside a fold with every C.

    Where no support vector is held back by C, a larger C gives the same machine, so that the rest
    of the row is known: most rows of the grid end there.
    """
    inside, outside = fold
    known = _kernel(gamma, between[np.ix_(inside, inside)])
    asked = _kernel(gamma, between[np.ix_(outside, inside)])
    merits = list[float]()
    for c in grid.penalties:
        machine = _machine(c).fit(known, labels[inside])
        guess = machine.predict(asked)
        merits.append(
            float(recall_score(labels[outside], guess, average="macro", zero_division=0.0))
        )
        if np.abs(machine.dual_coef_).max() < c:
            break
    return merits + merits[-1:] * (len(grid.penalties) - len(merits))


def _machine(c: float) -> Any:
    return SVC(C=c, kernel="precomputed", cache_size=CACHE_MB)


def _kernel(gamma: float, distances: Floats) -> NDArray[np.float64]:
    """exp(−γ d) in doubles and in rows, as libsvm reads it without a further copy."""
    rows = np.multiply(distances, -gamma, dtype=np.float64, order="C")
    return np.exp(rows, out=rows)


def lda(
    train: Floats, labels: Labels, test: Floats, grid: Grid = GRID
) -> tuple[Labels, dict[str, float]]:
    """Predicted labels of ``test`` by LDA, after PCA, and the nearest five in its space.

    There are more features than faces of most classes, so LDA works in the principal components
    that hold 95 % of the variance. ``grid`` does not apply.
    """
    train, test = _scaled(train, test)
    near = KNeighborsClassifier(min(N_NEIGHBOURS, len(train)))
    steps = make_pipeline(PCA(0.95, svd_solver="full"), LinearDiscriminantAnalysis(), near)
    found: Labels = steps.fit(train, labels).predict(test)
    return found, {}


CLASSIFIERS = {"svm": svm, "lda": lda}


def _scaled(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Both with the training features' mean at 0 and their deviation at 1."""
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    return ((train - mean) / spread).astype(np.float32), ((test - mean) / spread).astype(np.float32)
