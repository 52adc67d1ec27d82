"""Experiments in one folder, each done once: a command that was stopped goes on where it was."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training import data, export, folds, metrics
from training.classifiers import CLASSIFIERS, COARSE, GRID, Floats, Grid, Labels
from training.data import Faces, Release
from training.errors import TrainingError
from training.metrics import Matrix
from training.presets import Preset
from training.run import Progress, fit
from training.storage import write_json

Tell = Callable[[str], None]


@dataclass
class Study:
    """A folder of experiments at one size: ``runs/`` of networks, ``results/`` of numbers."""

    out: Path
    preset: Preset
    device: str = "auto"
    tell: Tell = lambda message: None
    _read: dict[tuple[Path, str, int], Release] = field(default_factory=dict, init=False)

    @property
    def seeds(self) -> range:
        """The seeds that make an interval."""
        return range(self.preset.seeds)

    def open(self, **releases: Path) -> None:
        """Begin or go on; TrainingError where the folder holds a study of something else."""
        identity = {
            "recipe": self.preset.recipe,
            "grid": self.preset.grid,
            "data": {name: self.release(path).digest for name, path in releases.items()},
        }
        marker = self.out / "study.json"
        if marker.is_file():
            if json.loads(marker.read_text(encoding="utf-8")) != identity:
                raise TrainingError(
                    f"{self.out} holds experiments with another preset or other data; "
                    "choose another folder"
                )
        else:
            write_json(marker, identity)

    def release(self, folder: Path, size: int = 100, subset: str = "basic") -> Release:
        """A release, read once for each size and subset."""
        key = (folder, subset, size)
        if key not in self._read:
            self.tell(f"reading {folder.name}, {subset}, {size}×{size} pixels")
            self._read[key] = data.read_release(folder, size, subset=subset)
        return self._read[key]

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """The result called ``name``, made and kept as JSON the first time."""
        path = self.out / "results" / f"{name}.json"
        if not path.is_file():
            self.tell(name.replace("-", " "))
            write_json(path, make())
        return json.loads(path.read_text(encoding="utf-8"))

    def run_folder(self, recipe: str, seed: int, variant: str = "") -> Path:
        """Where ``network`` keeps a run."""
        stem = re.sub(r"[^a-z0-9]+", "-", Path(recipe).stem.lower())
        return self.out / "runs" / f"{stem}{variant}-{seed}"

    def network(
        self, folder: Path, recipe: str, seed: int, variant: str = "", **fields: object
    ) -> export.Model:
        """The recipe's network trained on a release with this seed; ``fields`` change it."""
        out = self.run_folder(recipe, seed, variant)
        shown = f"{recipe}{variant}, seed {seed}"
        fit(
            folder,
            recipe,
            out,
            seed=seed,
            device=self.device,
            overrides={**self.preset.recipe, **fields},
            exports=False,
            progress=_Teller(self.tell, shown),
        )
        return export.load(out / "model.safetensors")

    def grid(self, seed: int) -> Grid:
        """The SVM's grid of the preset; the seed cuts its folds."""
        return replace(COARSE if self.preset.grid == "coarse" else GRID, seed=seed)


class _Teller:
    """Says where a training is, every tenth of the way."""

    def __init__(self, tell: Tell, name: str) -> None:
        self.tell, self.name, self.said = tell, name, -1

    def __call__(self, progress: Progress) -> None:
        tenth = int(progress.fraction * 10)
        if tenth > self.said:
            self.said = tenth
            self.tell(f"{self.name}: {progress.fraction:.0%}, {progress.message}")


def every_face(release: Release) -> Faces:
    """Both splits as one: "all of the images from one database" (§3.2)."""
    return data.join([release.train, release.test])


def learnable(release: Release) -> Labels:
    """The classes with two training faces and a test face; others cannot be learned or judged."""
    n = len(release.class_names)
    train, test = (
        np.bincount(part.labels.numpy(), minlength=n) for part in (release.train, release.test)
    )
    classes: Labels = np.flatnonzero((train >= 2) & (test >= 1))
    return classes


def split_confusion(
    train: Floats, test: Floats, release: Release, classifier: str, grid: Grid
) -> Matrix:
    """A classifier on features of a release's two splits: its confusion matrix on the test one."""
    classes, n = learnable(release), len(release.class_names)
    known, asked = release.train.labels.numpy(), release.test.labels.numpy()
    inside, outside = np.isin(known, classes), np.isin(asked, classes)
    guess, _ = CLASSIFIERS[classifier](train[inside], known[inside], test[outside], grid)
    return metrics.confusion_matrix(asked[outside], guess, n)


def fold_confusion(
    features: Floats, faces: Faces, folder: Path, classifier: str, grid: Grid
) -> Matrix:
    """Five person-independent folds: the sum of their confusion matrices."""
    labels = faces.labels.numpy()
    n = int(labels.max()) + 1
    fold = folds.by_person(labels, folds.read_persons(folder, faces.names), grid.seed)
    total: NDArray[np.int64] = np.zeros((n, n), dtype=np.int64)
    for k in np.unique(fold):
        inside = fold != k
        guess, _ = CLASSIFIERS[classifier](
            features[inside], labels[inside], features[~inside], grid
        )
        total += metrics.confusion_matrix(labels[~inside], guess, n)
    return total


def deep_features(model: export.Model, faces: Faces, device: str) -> Floats:
    """The network's features of faces at its own input size."""
    from training.features import infer
    from training.machine import choose_device

    place = choose_device(device)
    found, _ = infer(model.network.to(place), faces.pictures, place)
    model.network.to(torch.device("cpu"))
    return found
