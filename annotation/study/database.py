"""Write a database of drawn faces in RAF-DB's tree, the short way: without the site.

The same drawing, alignment, estimator and partition as the site's. ``wild`` faces are voted on by a
simulated crowd; faces that fall into neither subset are left out, as in RAF-DB. ``lab`` faces are
posed: each person shows the seven expressions, the label is what was asked for, and ``persons.csv``
(``item,person``) tells who is who, so that folds can keep people apart.
"""

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree

import cv2
import numpy as np

from annotation.images.alignment import align
from annotation.study import conditions
from annotation.study.faces import Style, paint, specify
from reliability import Subset, Votes, estimate, partition
from reliability.expressions import N_DISTRIBUTED_COMPOUNDS, N_EXPRESSIONS, Expression

N_ANNOTATORS, N_GUESSING, N_VOTES = 60, 6, 40
TEST_SHARE = 0.2
JPEG_QUALITY = 92
_CHUNK = 32

Report = Callable[[int, int], None]
"""Called with (faces drawn, faces in all)."""


@dataclass(frozen=True)
class Database:
    """What is drawn: a crowd's ``count`` wild faces, or ``count`` people in the laboratory."""

    style: Style
    count: int
    seed: int = 1

    @property
    def n_faces(self) -> int:
        """Every person in the laboratory shows each expression once."""
        return self.count * (N_EXPRESSIONS if self.style is Style.LAB else 1)


@dataclass(frozen=True)
class _Drawn:
    """One face: aligned pixels (100, 100, 3), expression, second one or −1, easiness β."""

    pixels: np.ndarray
    first: int
    second: int
    easiness: float


@dataclass(frozen=True)
class _Part:
    """One subset: rows of the drawn faces, their labels, and who is a test face (all (n,))."""

    name: str
    rows: np.ndarray
    labels: np.ndarray
    is_test: np.ndarray


def write(
    database: Database, folder: Path, workers: int = 1, report: Report = lambda done, all_: None
) -> dict[str, int]:
    """Draw ``database`` into ``folder``; returns how many faces each subset has.

    Written aside and renamed when whole. Raises ``FileExistsError`` where the folder exists.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; choose another folder or remove it")
    aside = folder.with_name(f".{folder.name}.partial")
    rmtree(aside, ignore_errors=True)
    faces = list(_drawn(database, workers, report))
    parts = _pose(faces, aside) if database.style is Style.LAB else _vote(database, faces, aside)
    aside.rename(folder)
    return {part.name: len(part.rows) for part in parts}


def _drawn(database: Database, workers: int, report: Report) -> list[_Drawn]:
    one, indices, faces = partial(_draw_one, database), range(database.n_faces), list[_Drawn]()
    # Spawned, not forked: the caller may hold threads and database connections.
    with ProcessPoolExecutor(workers, get_context("spawn"), _one_thread) as pool:
        found = pool.map(one, indices, chunksize=_CHUNK) if workers > 1 else map(one, indices)
        for face in found:
            faces.append(face)
            if len(faces) % _CHUNK == 0 or len(faces) == len(indices):
                report(len(faces), len(indices))
    return faces


def _one_thread() -> None:
    cv2.setNumThreads(1)  # as many processes as cores already


def _draw_one(database: Database, index: int) -> _Drawn:
    spec = specify(index, database.seed, database.style)
    if database.style is Style.LAB:
        person, asked = divmod(index, N_EXPRESSIONS)
        sitter = specify(person * N_EXPRESSIONS, database.seed, Style.LAB).identity
        posed = specify(index, database.seed, Style.LAB, expression=Expression(asked))
        spec = replace(posed, identity=sitter)
    chance = conditions.generator(database.seed, index)
    face = paint(conditions.harder(spec, chance))
    taken = conditions.photograph(face.picture, face.landmarks, database.style, chance)
    second = -1 if spec.second is None else int(spec.second)
    pixels = align(taken.picture, taken.landmarks).pixels
    return _Drawn(pixels, int(spec.expression), second, spec.easiness)


def _pose(faces: Sequence[_Drawn], folder: Path) -> list[_Part]:
    """The laboratory's one subset: labels as asked, a fifth of the people for the test."""
    n_people = len(faces) // N_EXPRESSIONS
    person = np.arange(len(faces)) // N_EXPRESSIONS
    labels = np.array([face.first for face in faces])
    is_test = person >= n_people - max(1, round(TEST_SHARE * n_people))
    part = _Part("basic", np.arange(len(faces)), labels, is_test)
    names = _write_part(folder, part, faces, np.eye(N_EXPRESSIONS)[labels])
    rows = [(names[i], f"p{p + 1:03d}") for i, p in enumerate(person)]
    _write_table(folder / "persons.csv", ("item", "person"), rows)
    return [part]


def _vote(database: Database, faces: Sequence[_Drawn], folder: Path) -> list[_Part]:
    """Votes, estimate and partition of wild faces: the single-label and the two-tab subset."""
    votes = _crowd(faces, database.seed)
    concluded = estimate(votes, seed=database.seed)
    found = partition(concluded.weighted_votes)
    basic = np.flatnonzero(found.subset == Subset.SINGLE_LABEL)
    compound = np.flatnonzero((found.compound >= 0) & (found.compound < N_DISTRIBUTED_COMPOUNDS))
    names, parts = dict[int, str](), list[_Part]()
    for name, rows, label in (
        ("basic", basic, concluded.consensus),
        ("compound", compound, found.compound),
    ):
        is_test = _test_faces(label[rows], database.seed)
        parts.append(_Part(name, rows, label[rows], is_test))
        names |= _write_part(folder, parts[-1], faces, concluded.distribution)
    rows = [
        (names[i], f"a{a:03d}", str(e + 1))
        for i, a, e in zip(*(x.tolist() for x in (votes.item, votes.annotator, votes.expression)),
                           strict=True)
        if i in names
    ]  # fmt: skip
    _write_table(folder / "votes.csv", ("item", "annotator", "expression"), rows)
    return parts


def _crowd(faces: Sequence[_Drawn], seed: int) -> Votes:
    """40 votes a face by the paper's model; on a compound face either expression is right."""
    rng, n = np.random.default_rng([seed, 2017]), len(faces)
    first, second = (np.array([getattr(f, which) for f in faces]) for which in ("first", "second"))
    easiness = np.array([face.easiness for face in faces])
    honest = np.arange(N_ANNOTATORS) < N_ANNOTATORS - N_GUESSING
    skill = np.where(honest, rng.uniform(0.8, 3.0, N_ANNOTATORS), 0.0)
    people = np.stack([rng.permutation(N_ANNOTATORS)[:N_VOTES] for _ in range(n)])
    right = rng.random(people.shape) < 1 / (1 + np.exp(-skill[people] * easiness[:, None]))
    other = (second[:, None] >= 0) & (rng.random(people.shape) < 0.5)
    truth = np.where(other, second[:, None], first[:, None])
    slip = (truth + rng.integers(1, N_EXPRESSIONS, people.shape)) % N_EXPRESSIONS
    return Votes(
        np.repeat(np.arange(n), N_VOTES),
        people.ravel(),
        np.where(right, truth, slip).ravel(),
        n_items=n,
        n_annotators=N_ANNOTATORS,
        n_classes=N_EXPRESSIONS,
    )


def _test_faces(labels: np.ndarray, seed: int) -> np.ndarray:
    """Which faces are test faces: a fifth of each class, at least one where there are two."""
    rng, is_test = np.random.default_rng([seed, 5]), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        is_test[rows[: max(round(TEST_SHARE * len(rows)), int(len(rows) > 1))]] = True
    return is_test


def _write_part(
    folder: Path, part: _Part, faces: Sequence[_Drawn], distribution: np.ndarray
) -> dict[int, str]:
    """One subset's tree; returns the name of each row, such as ``basic/train_00001.jpg``."""
    root = folder / part.name
    (root / "Image" / "aligned").mkdir(parents=True)
    (root / "EmoLabel").mkdir()
    names, lines, shares = dict[int, str](), list[str](), list[str]()
    for side, digits in (("train", 5), ("test", 4)):
        for i, at in enumerate(np.flatnonzero(part.is_test == (side == "test")), start=1):
            row, name = int(part.rows[at]), f"{side}_{i:0{digits}d}"
            path = root / "Image" / "aligned" / f"{name}_aligned.jpg"
            _write_picture(path, faces[row].pixels)
            names[row] = f"{part.name}/{name}.jpg"
            lines.append(f"{name}.jpg {part.labels[at] + 1}\n")
            shares.append(f"{name}.jpg {' '.join(f'{p:.6f}' for p in distribution[row])}\n")
    (root / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
    (root / "EmoLabel" / "distribution.txt").write_text("".join(shares))
    return names


def _write_picture(path: Path, pixels: np.ndarray) -> None:
    # OpenCV packs pictures in the order blue, green, red.
    ok, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise OSError(f"could not encode {path.name}")
    path.write_bytes(packed.tobytes())


def _write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
