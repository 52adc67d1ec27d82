"""A small release of drawn patterns: a class is a pattern, so that a tiny network can learn it."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from reliability.expressions import N_EXPRESSIONS, NAMES

SIDE = 32
TINY: dict[str, object] = {
    "widths": [4, 6, 8, 8, 8, 8],
    "feature_size": 16,
    "input_size": SIDE,
    "crop": SIDE,
    "batch": 16,
    "neighbours": 3,
    "batch_norm": True,
}
"""Overrides that make any recipe small enough for a test."""


def pattern(label: int, generator: np.random.Generator) -> np.ndarray:
    """Stripes whose direction and colour tell the class, with noise: (SIDE, SIDE, 3) uint8."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    angle = np.pi * label / N_EXPRESSIONS
    wave = np.sin(12 * (x * np.cos(angle) + y * np.sin(angle)) + generator.uniform(0, 6))
    colour = 0.5 + 0.5 * np.cos(2 * np.pi * (label / N_EXPRESSIONS + np.arange(3) / 3))
    picture = 127 + 70 * wave[..., None] * colour + generator.normal(0, 12, (SIDE, SIDE, 3))
    return picture.clip(0, 255).astype(np.uint8)


def write_release(folder: Path, n_train: int = 12, n_test: int = 3, seed: int = 0) -> Path:
    """RAF-DB's tree with this many faces of each expression, a distribution file and votes."""
    generator = np.random.default_rng(seed)
    (folder / "basic" / "Image" / "aligned").mkdir(parents=True)
    (folder / "basic" / "EmoLabel").mkdir()
    lines, shares, votes = [], [], []
    for side, count, digits in (("train", n_train, 5), ("test", n_test, 4)):
        for i in range(count * N_EXPRESSIONS):
            label, name = i % N_EXPRESSIONS, f"{side}_{i + 1:0{digits}d}"
            aligned = folder / "basic" / "Image" / "aligned" / f"{name}_aligned.jpg"
            Image.fromarray(pattern(label, generator)).save(aligned, quality=95)
            lines.append(f"{name}.jpg {label + 1}")
            row = generator.dirichlet(0.2 + 12 * np.eye(N_EXPRESSIONS)[label])
            shares.append(f"{name}.jpg " + " ".join(f"{p:.4f}" for p in row))
            votes += [(f"basic/{name}.jpg", a, v) for a, v in _votes(label, generator)]
    emotions = folder / "basic" / "EmoLabel"
    (emotions / "list_patition_label.txt").write_text("\n".join(lines) + "\n")
    (emotions / "distribution.txt").write_text("\n".join(shares) + "\n")
    with (folder / "votes.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("item", "annotator", "expression"), *votes])
    return folder


def _votes(label: int, generator: np.random.Generator) -> list[tuple[str, str]]:
    """Five of six annotators vote: five reliable ones, and the last, who guesses."""
    chosen = generator.choice(6, size=5, replace=False)
    right = [a != 5 and generator.random() < 0.9 for a in chosen]
    votes = [label if r else int(generator.integers(N_EXPRESSIONS)) for r in right]
    return [(f"a{a}", NAMES[v]) for a, v in zip(chosen, votes, strict=True)]
