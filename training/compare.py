"""Recipes side by side on one release and one split, with HOG + SVM, over seeds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training import baselines, experiments, maps, metrics, tables
from training.experiments import Study
from training.metrics import mean_diagonal_interval
from training.tables import Cell, Table

RECIPES = ("softmax", "center", "dlp", "dlp-bank", "ldl")


def compare(study: Study, release: Path, recipes: Sequence[str] = RECIPES) -> Table:
    """Train every recipe with every seed and write ``comparison`` and its curves.

    What differs between two rows is what the recipe teaches: network, schedule and faces are the
    preset's.
    """
    study.open(release=release)
    baseline = study.once("baseline-hog-svm", lambda: _baseline(study, release))
    rows = [(("HOG + SVM",), _cells([baseline]))]
    for recipe in recipes:
        found = [_judged(study, release, recipe, seed) for seed in study.seeds]
        rows.append(((recipe,), _cells(found)))
    low, high = mean_diagonal_interval(np.array(baseline["confusion"]))
    read = study.release(release)
    notes = (
        f"{len(read.train):,} training and {len(read.test):,} test faces of {release.name}, "
        f"preset {study.preset.name}: {study.preset.summary}.",
        f"The test set itself leaves HOG + SVM's mean diagonal between {100 * low:.1f} and "
        f"{100 * high:.1f} (95 %): the seeds' intervals do not hold that.",
    )
    heads = (("recipe",), ("mean diagonal, %", "accuracy, %"))
    table = Table("comparison", f"Recipes on {release.name}", heads, rows, notes)
    tables.write(study.out, table)
    maps.histories(
        study.out / "figures" / "comparison.svg",
        {r: [study.run_folder(r, s) for s in study.seeds] for r in recipes},
    )
    return table


def _cells(found: Sequence[dict[str, Any]]) -> tuple[Cell, ...]:
    return tuple(Cell(tuple(100 * f[key] for f in found)) for key in ("mean_diagonal", "accuracy"))


def _judged(study: Study, release: Path, recipe: str, seed: int) -> dict[str, Any]:
    """What the run itself found on the test split, once, with its best epoch."""
    study.network(release, recipe, seed)
    report = study.run_folder(recipe, seed) / "report.json"
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))["metrics"]
    return found


def _baseline(study: Study, folder: Path) -> dict[str, Any]:
    read = study.release(folder)
    train, test = (baselines.describe(part, "hog") for part in (read.train, read.test))
    matrix = experiments.split_confusion(train, test, read, "svm", study.grid(0))
    return metrics.summary(matrix, read.class_names)
