"""The cross-database study of §3.2: learn on one database, judge on the other, both ways."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reliability.expressions import Expression
from training import baselines, experiments, maps, metrics, paper, tables
from training.classifiers import svm
from training.errors import TrainingError
from training.experiments import Study
from training.tables import Cell, Table

SIX = 6
"""Neutral, the last of the seven, is left out, as in the paper."""


def cross(study: Study, wild: Path, lab: Path) -> None:
    """HOG and mSVM on six classes, both databases cut to the same number of faces of each class.

    Each seed draws other faces. Writes ``table-cross`` and ``figures/figure4.svg``, whose two
    matrices are sums over the seeds.
    """
    ways = {"wild to lab": (wild, lab), "lab to wild": (lab, wild)}
    found = {
        name: [np.array(_judged(study, name, *pair, seed)) for seed in study.seeds]
        for name, pair in ways.items()
    }
    rows = []
    for name, matrices in found.items():
        ours = tuple(100 * metrics.mean_diagonal(m) for m in matrices)
        classes = [tuple(100 * metrics.recalls(m)[e] for m in matrices) for e in range(SIX)]
        cells = (Cell(ours, paper.CROSS[name]), *(Cell(c) for c in classes))
        rows.append(((name,), cells))
    names = tuple(e.title for e in Expression)[:SIX]
    counts = int(found["wild to lab"][0].sum())
    notes = (
        f"HOG and mSVM, six classes, {counts} faces in each database: of every class as many as "
        "the smaller database has.",
        "Figure 4's two matrices are sums over the seeds.",
    )
    heads = (("learned on, judged on",), ("average", *names))
    title = "Figure 4: across databases"
    tables.write(study.out, Table("table-cross", title, heads, rows, notes))
    maps.confusions(
        study.out / "figures" / "figure4.svg",
        [
            ("I: learned on wild, judged on lab", np.sum(found["wild to lab"], axis=0)),
            ("II: learned on lab, judged on wild", np.sum(found["lab to wild"], axis=0)),
        ],
        names,
    )


def _judged(study: Study, name: str, learned: Path, judged: Path, seed: int) -> Any:
    def make() -> Any:
        faces = [experiments.every_face(study.release(folder)) for folder in (learned, judged)]
        rows = balanced([f.labels.numpy() for f in faces], seed)
        parts = [f.take(_tensor(r)) for f, r in zip(faces, rows, strict=True)]
        known, asked = (baselines.describe(p, "hog") for p in parts)
        guess, _ = svm(known, parts[0].labels.numpy(), asked, study.grid(seed))
        return metrics.confusion_matrix(parts[1].labels.numpy(), guess, SIX).tolist()

    return study.once(f"cross-{name.replace(' ', '-')}-{seed}", make)


def balanced(
    labels: list[NDArray[np.int64]], seed: int, n_classes: int = SIX
) -> list[NDArray[np.int64]]:
    """Rows of each database, with equally many faces of a class in all of them.

    Raises TrainingError where a database has fewer than two faces of a class.
    """
    generator, rows = np.random.default_rng(seed), [list[Any]() for _ in labels]
    for c in range(n_classes):
        n = min(int((x == c).sum()) for x in labels)
        if n < 2:
            raise TrainingError(
                f"a database has {n} faces of {Expression(c).title}; two are needed"
            )
        for mine, x in zip(rows, labels, strict=True):
            mine.append(generator.permutation(np.flatnonzero(x == c))[:n])
    return [np.concatenate(mine) for mine in rows]


def _tensor(rows: NDArray[np.int64]) -> Any:
    import torch

    return torch.from_numpy(rows)
