"""Draw a release for training figures: faces, a crowd's votes, an estimate, RAF-DB's tree.

    python -m benchmarks.training_release DIR --count 3000 [--style wild|lab] [--seed 1]

It takes the short way, without the site: same drawing, same alignment, same estimator, same
partition. Images whose votes put them in neither subset are left out, as in RAF-DB. A fifth of each
class is the test split.
"""

import argparse
import csv
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from annotation.images.alignment import align
from annotation.study.faces import draw
from reliability import Subset, Votes, estimate, partition
from reliability.expressions import N_EXPRESSIONS

N_ANNOTATORS, N_VOTES = 60, 40
TEST_SHARE = 0.2


def drawn(job: tuple[int, int, str]) -> tuple[np.ndarray, int, int, float]:
    """Aligned pixels, expression, second expression (or −1), easiness of one face."""
    index, seed, style = job
    face = draw(index, seed, style)
    second = -1 if face.spec.second is None else int(face.spec.second)
    return (
        align(face.picture, face.landmarks).pixels,
        int(face.spec.expression),
        second,
        face.spec.easiness,
    )


def crowd(first: np.ndarray, second: np.ndarray, easiness: np.ndarray, seed: int) -> Votes:
    """40 votes a face by the paper's model; on a compound face either expression is right."""
    generator = np.random.default_rng((seed, 2017))
    n = len(first)
    skill = np.where(np.arange(N_ANNOTATORS) < 54, generator.uniform(0.8, 3.0, N_ANNOTATORS), 0.0)
    people = np.stack([generator.permutation(N_ANNOTATORS)[:N_VOTES] for _ in range(n)])
    right = generator.random(people.shape) < 1 / (1 + np.exp(-skill[people] * easiness[:, None]))
    other = (second[:, None] >= 0) & (generator.random(people.shape) < 0.5)
    truth = np.where(other, second[:, None], first[:, None])
    slip = (truth + generator.integers(1, N_EXPRESSIONS, people.shape)) % N_EXPRESSIONS
    votes = np.where(right, truth, slip)
    item = np.repeat(np.arange(n), N_VOTES)
    return Votes(
        item,
        people.ravel(),
        votes.ravel(),
        n_items=n,
        n_annotators=N_ANNOTATORS,
        n_classes=N_EXPRESSIONS,
    )


def split(labels: np.ndarray, seed: int) -> np.ndarray:
    """Which faces are test faces: a fifth of each class, at least one where there are two."""
    generator, is_test = np.random.default_rng((seed, 5)), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        is_test[rows[: max(round(TEST_SHARE * len(rows)), int(len(rows) > 1))]] = True
    return is_test


def write_subset(
    folder: Path,
    rows: np.ndarray,
    labels: np.ndarray,
    pictures: list[Any],
    shares: np.ndarray,
    seed: int,
) -> dict[int, str]:
    """One subset's tree; returns the name of each row."""
    (folder / "Image" / "aligned").mkdir(parents=True)
    (folder / "EmoLabel").mkdir()
    is_test, names, lines, more = split(labels, seed), {}, [], []
    for side, digits in (("train", 5), ("test", 4)):
        for i, at in enumerate(np.flatnonzero(is_test == (side == "test")), start=1):
            name = f"{side}_{i:0{digits}d}"
            Image.fromarray(pictures[rows[at]]).save(
                folder / "Image" / "aligned" / f"{name}_aligned.jpg", quality=92
            )
            names[int(rows[at])] = f"{folder.name}/{name}.jpg"
            lines.append(f"{name}.jpg {labels[at] + 1}\n")
            more.append(f"{name}.jpg " + " ".join(f"{p:.6f}" for p in shares[rows[at]]) + "\n")
    (folder / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
    (folder / "EmoLabel" / "distribution.txt").write_text("".join(more))
    return names


def write_release(folder: Path, count: int, style: str, seed: int) -> None:
    """Draw, vote, estimate, partition, write."""
    with Pool(2) as pool:
        found = pool.map(drawn, [(i, seed, style) for i in range(count)], chunksize=50)
    pictures = [x[0] for x in found]
    first, second, easiness = (np.array([x[i] for x in found]) for i in (1, 2, 3))
    votes = crowd(first, second, easiness, seed)
    concluded = estimate(votes, seed=seed)
    parts = partition(concluded.weighted_votes)
    basic = np.flatnonzero(parts.subset == Subset.SINGLE_LABEL)
    compound = np.flatnonzero((parts.compound >= 0) & (parts.compound < 11))
    names = write_subset(
        folder / "basic", basic, concluded.consensus[basic], pictures, concluded.distribution, seed
    )
    names |= write_subset(
        folder / "compound",
        compound,
        parts.compound[compound],
        pictures,
        concluded.distribution,
        seed,
    )
    with (folder / "votes.csv").open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["item", "annotator", "expression"])
        for i, a, e in zip(votes.item, votes.annotator, votes.expression, strict=True):
            if int(i) in names:
                table.writerow([names[int(i)], f"a{a:03d}", e + 1])
    kept = f"{len(basic):,} single-label, {len(compound):,} two-tab"
    print(f"{folder.name}: {kept} of {count:,} {style} faces")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--style", choices=("wild", "lab"), default="wild")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write_release(given.folder, given.count, given.style, given.seed)
