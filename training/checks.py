"""Whether a recipe can learn from a release."""

import torch

from training.data import Release
from training.errors import TrainingError
from training.recipe import Pull, Recipe


def check_classes(recipe: Recipe, release: Release) -> list[str]:
    """Refuse what cannot be learned (TrainingError); returns notes on what is learned badly."""
    names, notes = release.class_names, list[str]()
    counts = torch.bincount(release.train.labels, minlength=len(names)).tolist()
    empty = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if empty and not recipe.allow_empty_classes:
        raise TrainingError(
            f"no training face of {', '.join(empty)}: the release needs more of them, "
            "or set allow_empty_classes=true to train without"
        )
    if recipe.pull is Pull.LOCALITY and recipe.neighbours >= max(counts):
        raise TrainingError(
            f"neighbours is {recipe.neighbours}; the largest class has {max(counts)} faces, "
            f"so it must be below {max(counts)}"
        )
    for name, count in zip(names, counts, strict=True):
        if 0 < count < 10:
            notes.append(f"only {count} training face{'s' * (count > 1)} of {name}")
    tested = torch.bincount(release.test.labels, minlength=len(names)).tolist()
    absent = [name for name, count in zip(names, tested, strict=True) if count == 0]
    if absent:
        notes.append(f"no test face of {', '.join(absent)}: the mean diagonal leaves them out")
    return notes
