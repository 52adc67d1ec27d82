"""Cross-validation that keeps people apart: nobody is in the training and the test part of a fold.

Who is who stands in ``persons.csv`` of a release (``item,person``; items named like faces,
``basic/train_00001.jpg``). Where there is no such file every face counts as a person of its own.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

N_FOLDS = 5
Labels = NDArray[np.int64]


def read_persons(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The person of every face called ``names``; a face that is not listed is its own person."""
    path = folder / "persons.csv"
    if not path.is_file():
        return tuple(names)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.DictReader(stream)
        missing = {"item", "person"} - set(table.fieldnames or ())
        if missing:
            raise TrainingError(f"persons.csv lacks the column {', '.join(sorted(missing))}")
        known = {row["item"]: row["person"] for row in table}
    return tuple(known.get(name, name) for name in names)


def by_person(labels: Labels, persons: Sequence[str], seed: int, n_folds: int = N_FOLDS) -> Labels:
    """The fold 0 … ``n_folds`` − 1 of every face, (n,): a person's faces are all in one fold.

    People are taken in random order, those with most faces first, each into the fold where the
    classes are then most even. Raises TrainingError with fewer people than folds.
    """
    people, person_of = np.unique(np.array(persons), return_inverse=True)
    if len(people) < n_folds:
        raise TrainingError(f"{n_folds} folds need as many people; there are {len(people)}")
    counts = np.zeros((len(people), int(labels.max()) + 1))
    np.add.at(counts, (person_of, labels), 1)
    whole = counts.sum(axis=0) / n_folds
    filled, fold_of = np.zeros((n_folds, counts.shape[1])), np.zeros(len(people), dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(people))
    for person in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:
        excess = np.square((filled + counts[person] - whole) / np.maximum(whole, 1)).sum(axis=1)
        before = np.square((filled - whole) / np.maximum(whole, 1)).sum(axis=1)
        fold = int(np.argmin(excess - before))
        filled[fold] += counts[person]
        fold_of[person] = fold
    folds: Any = fold_of[person_of]
    return np.asarray(folds, dtype=np.int64)
