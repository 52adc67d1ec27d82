"""The paper's two classifiers on fixed features (§5, §6): an RBF-SVM and LDA with neighbours."""

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

PENALTIES = tuple(2.0**p for p in range(-1, 12, 2))  # C
WIDTHS = tuple(2.0**p for p in range(-7, 6, 2))  # γ, in units of 1 / median squared distance
N_FOLDS, N_NEIGHBOURS = 5, 5


def squared_distances(a: Floats, b: Floats) -> Floats:
    """|a_i − b_j|² of rows, (n, m) float32, never below 0."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2.0 * (a @ b.T)
    found: Floats = np.maximum(squares, 0.0, dtype=np.float32)
    return found


def svm(train: Floats, labels: Labels, test: Floats) -> tuple[Labels, dict[str, float]]:
    """Predicted labels of ``test`` by an RBF-SVM, and its C and γ.

    C and γ are chosen by mean recall over up to five folds of the training features. Distances are
    computed once and serve every γ, C and fold. Costs n_train² floats of memory.
    """
    train, test = _scaled(train, test)
    between = squared_distances(train, train)
    unit = 1.0 / max(float(np.median(between)), 1e-12)
    folds = min(N_FOLDS, int(np.bincount(labels)[np.unique(labels)].min()))
    if folds < 2:
        raise TrainingError("the SVM's grid search needs two training faces of each class")
    cut = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(train, labels))
    scores = {
        (c, gamma): merit
        for gamma in (unit * w for w in WIDTHS)
        for c, merit in _merits(np.exp(-gamma * between), labels, cut)
    }
    c, gamma = max(scores, key=lambda pair: scores[pair])
    machine = SVC(C=c, kernel="precomputed").fit(np.exp(-gamma * between), labels)
    found: Labels = machine.predict(np.exp(-gamma * squared_distances(test, train)))
    return found, {"C": c, "gamma": gamma, "cross_validated": scores[c, gamma]}


def _merits(kernel: Floats, labels: Labels, cut: list[Any]) -> list[tuple[float, float]]:
    """Every C with its mean recall over the folds."""
    found = []
    for c in PENALTIES:
        recalls = []
        for inside, outside in cut:
            machine = SVC(C=c, kernel="precomputed").fit(
                kernel[np.ix_(inside, inside)], labels[inside]
            )
            guess = machine.predict(kernel[np.ix_(outside, inside)])
            recalls.append(recall_score(labels[outside], guess, average="macro", zero_division=0.0))
        found.append((c, float(np.mean(recalls))))
    return found


def lda(train: Floats, labels: Labels, test: Floats) -> tuple[Labels, dict[str, float]]:
    """Predicted labels of ``test`` by LDA, after PCA, and the nearest five in its space.

    There are more features than faces of most classes, so LDA works in the principal components
    that hold 95 % of the variance.
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
