"""Presets: how large the experiments of the paper are made, each one TOML file in ``presets/``.

A preset changes every recipe alike, so that what is compared differs only in what a recipe is
about. Does not import PyTorch.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError

FOLDER = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class Preset:
    """Fields that override every recipe's, and how many seeds make an interval."""

    name: str
    summary: str
    seeds: int
    grid: str
    """The SVM's: full (7×7, five folds) or coarse (3×3, three folds)."""
    recipe: dict[str, object]


def names() -> dict[str, str]:
    """Every preset that ships with Rafter: its name and its one-line description."""
    return {path.stem: load(path.stem).summary for path in sorted(FOLDER.glob("*.toml"))}


def load(name: str) -> Preset:
    """The preset called ``name``, or at that path when it ends in .toml; TrainingError without."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise TrainingError(f"unknown preset {name!r}; known are {known}, or a path to a .toml")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        summary, seeds, grid, recipe = (values[k] for k in ("summary", "seeds", "grid", "recipe"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise TrainingError(
            f"preset {path.name} must have summary, seeds, grid and [recipe]: {error}"
        ) from error
    if not isinstance(seeds, int) or seeds < 1 or not isinstance(recipe, dict):
        raise TrainingError(f"preset {path.name}: seeds must be 1 or more, recipe a table")
    if grid not in ("full", "coarse"):
        raise TrainingError(f"preset {path.name}: grid is {grid!r}; it must be full or coarse")
    return Preset(path.stem, str(summary), seeds, grid, recipe)
