"""Compare recipes, in the demonstration's size, with HOG + SVM on one release and one split.

    python -m benchmarks.training_recipes RELEASE [--seeds 3]

Every recipe gets the small network and schedule of ``demo``; only what it teaches differs. Prints a
table in Markdown: mean diagonal on the test split, mean ± half a 95 % Student interval over seeds.
"""

import argparse
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np

from training import baselines, data, recipe
from training.metrics import seed_interval
from training.run import fit

RECIPES = ("softmax", "center", "dlp", "dlp-bank", "ldl")
SHARED = (
    "widths", "feature_size", "batch_norm", "input_size", "crop", "neighbours", "pull_weight",
    "batch", "epochs", "drops", "learning_rate",
)  # fmt: skip


def main(release: Path, n_seeds: int) -> None:
    """Print the table, line by line."""
    small = {k: v for k, v in recipe.load("demo").as_dict().items() if k in SHARED}
    found = baselines.judge(data.read_release(release, baselines.SIDE), "hog", "svm")
    print("| recipe | mean diagonal, % | accuracy, % |\n| --- | ---: | ---: |")
    print(
        f"| HOG + SVM | {100 * found['mean_diagonal']:.1f} | {100 * found['accuracy']:.1f} |",
        flush=True,
    )
    for name in RECIPES:
        reports = []
        for seed in range(n_seeds):
            with tempfile.TemporaryDirectory() as out, mock.patch("training.results.export_all"):
                reports.append(
                    fit(release, name, Path(out) / "run", seed=seed, overrides=small).metrics
                )
        cells = []
        for key in ("mean_diagonal", "accuracy"):
            mean, half = seed_interval(np.array([100 * r[key] for r in reports]))
            cells.append(f"{mean:.1f} ± {half:.1f}")
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("release", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    main(given.release, given.seeds)
