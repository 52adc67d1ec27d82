"""Recipes are read, completed, checked field by field, and listed without PyTorch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training import recipe as recipes
from training.errors import TrainingError
from training.recipe import Pull, Target


def test_every_recipe_loads_and_says_what_it_is() -> None:
    found = recipes.names()
    assert {"softmax", "center", "dlp", "demo"} <= set(found)
    assert all(20 < len(summary) < 100 for summary in found.values())


def test_dlp_is_the_papers() -> None:
    dlp = recipes.load("dlp")
    assert (dlp.neighbours, dlp.pull_weight, dlp.pull) == (20, 0.003, Pull.LOCALITY)
    assert (dlp.learning_rate, dlp.momentum, dlp.weight_decay) == (0.01, 0.9, 5e-4)
    assert (dlp.batch, dlp.iterations, dlp.input_size) == (64, 20_000, 100)
    assert [round(share * dlp.iterations) for share in dlp.drops] == [5_000, 18_000]
    assert dlp.target is Target.LABEL


def test_a_recipe_survives_its_own_file(tmp_path: Path) -> None:
    chosen = recipes.load("demo", {"summary": 'a "quoted" \\ text'})
    (tmp_path / "demo.toml").write_text(chosen.as_toml(), encoding="utf-8")
    assert recipes.load(str(tmp_path / "demo.toml")) == chosen


def test_one_new_file_is_a_new_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "dlp"\nsummary = "mine"\nneighbours = 7\n')
    mine = recipes.load(str(tmp_path / "mine.toml"))
    assert (mine.name, mine.neighbours, mine.pull) == ("mine", 7, Pull.LOCALITY)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"colour": 1}, "unknown field 'colour'"),
        ({"batch": "64"}, "batch is '64'; it must be a whole number"),
        ({"batch": True}, "batch is True"),
        ({"batch": 1}, "batch is 1; it must lie in 2"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"pull": "magnet"}, "pull is 'magnet'; it must be one of none, center, locality"),
        ({"crop": 101}, "crop is 101"),
        ({"widths": [1, 2]}, "widths is"),
        ({"widths": 3}, "widths is 3; it must be a list of numbers"),
        ({"drops": [0.9, 0.2]}, "drops is"),
    ],
)
def test_a_bad_field_is_named_with_value_and_range(
    overrides: dict[str, object], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        recipes.load("dlp", overrides)


def test_an_unknown_recipe_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TrainingError, match=r"unknown recipe 'dpl'; known are .*dlp"):
        recipes.load("dpl")


def test_a_recipe_that_is_its_own_base_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(f'base = "{path.as_posix()}"\n')
    with pytest.raises(TrainingError, match="its own base"):
        recipes.load(str(path))


def test_listing_recipes_does_not_import_pytorch() -> None:
    code = "import sys, training.recipe as r; r.names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_rate_drops_as_in_the_paper_or_rises_and_falls_smoothly() -> None:
    from training.loop import rate_factor  # imports PyTorch, which listing recipes need not

    paper = recipes.load("dlp")
    assert [rate_factor(paper, p) for p in (0, 0.24, 0.25, 0.9)] == pytest.approx([1, 1, 0.1, 0.01])
    smooth = recipes.load("dlp", {"cosine": True, "warm_up": 0.2})
    found = [rate_factor(smooth, p) for p in (0, 0.1, 0.2, 0.5, 1)]
    cosine = [(1 + np.cos(np.pi * p)) / 2 for p in (0.1, 0.2, 0.5)]
    assert found == pytest.approx([0, cosine[0] / 2, cosine[1], cosine[2], 0])
