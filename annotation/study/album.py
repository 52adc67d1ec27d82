"""Write a study to disk as a laboratory would keep it: photographs, and a table beside them.

``photos/`` is what the importer takes: pictures and their sidecar ``metadata.csv``. ``truth.csv``
lies beside it, never inside: what is true of the drawn faces must not enter the site.
"""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree

import cv2
import numpy as np

from annotation.study.action_units import UNITS
from annotation.study.faces import COMPOUND_SHARE, DrawnFace, FaceSpec, Style, draw
from reliability.expressions import Expression

LANDMARKS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
METADATA_COLUMNS: tuple[str, ...] = (
    "file_name", "x_min", "y_min", "x_max", "y_max",
    *(f"{name}_{axis}" for name in LANDMARKS for axis in "xy"),
    "gender", "race", "age", "keyword", "source_url", "owner", "licence",
)  # fmt: skip
TRUTH_COLUMNS: tuple[str, ...] = (
    "item", "expression", "second", "easiness", "yaw", "pitch", "roll", "covering",
    *(f"au{unit}" for unit in UNITS),
)  # fmt: skip
KEYWORDS: dict[Expression, tuple[str, ...]] = {
    Expression.SURPRISE: ("shocked", "astonished"),
    Expression.FEAR: ("scared", "frightened", "terrified"),
    Expression.DISGUST: ("disgust",),
    Expression.HAPPINESS: ("smile", "giggle"),
    Expression.SADNESS: ("cry",),
    Expression.ANGER: ("rage",),
    Expression.NEUTRAL: ("expressionless",),
}
"""The words the paper searched with (§3.1), by the expression they were meant to find."""
JPEG_QUALITY = 90
_CHUNK = 32

Report = Callable[[int, int], None]
"""Called with (faces written, faces in all)."""
Rows = tuple[list[str], list[str]]


@dataclass(frozen=True)
class Album:
    """Which faces to write."""

    count: int
    seed: int = 0
    style: Style = Style.WILD
    compound_share: float = COMPOUND_SHARE


def write(
    album: Album, folder: Path, workers: int = 1, report: Report = lambda done, all_: None
) -> None:
    """Draw ``album`` into ``folder/photos`` and ``folder/truth.csv``.

    Written aside and renamed when whole. Raises ``FileExistsError`` where photographs are
    already there. About 2.6 GB of pictures for every 100,000 faces.
    """
    photos = folder / "photos"
    if photos.exists():
        raise FileExistsError(f"{photos} exists; choose an empty folder or remove it")
    partial_folder = folder / ".photos.partial"
    rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir(parents=True)
    metadata, truth = [], []
    for described, true in _drawn(album, partial_folder, workers):
        metadata.append(described)
        truth.append(true)
        if len(truth) % _CHUNK == 0 or len(truth) == album.count:
            report(len(truth), album.count)
    _write_table(partial_folder / "metadata.csv", METADATA_COLUMNS, metadata)
    _write_table(folder / "truth.csv", TRUTH_COLUMNS, truth)
    partial_folder.rename(photos)


def _drawn(album: Album, folder: Path, workers: int) -> Iterator[Rows]:
    """Rows of every face in order; the drawing is spread over processes."""
    one = partial(_write_face, album, folder)
    if workers <= 1:
        yield from map(one, range(album.count))
        return
    # Spawned, not forked: the caller may hold threads and database connections.
    with ProcessPoolExecutor(workers, get_context("spawn"), _one_thread) as pool:
        yield from pool.map(one, range(album.count), chunksize=_CHUNK)


def _one_thread() -> None:
    cv2.setNumThreads(1)  # as many processes as cores already


def _write_face(album: Album, folder: Path, index: int) -> Rows:
    face = draw(index, album.seed, album.style, album.compound_share)
    name = file_name(index)
    # OpenCV packs pictures in the order blue, green, red.
    ok, packed = cv2.imencode(
        ".jpg", face.picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not ok:
        raise OSError(f"could not encode {name}")
    (folder / name).write_bytes(packed.tobytes())
    return metadata_row(face, album.seed), truth_row(face.spec)


def file_name(index: int) -> str:
    """A name that says nothing but the number."""
    return f"photo_{index + 1:05d}.jpg"


def metadata_row(face: DrawnFace, seed: int) -> list[str]:
    """What a curator could know of the photograph, in ``METADATA_COLUMNS``."""
    spec = face.spec
    rng = np.random.default_rng([seed, spec.index, 2])
    numbers = [*face.box, *face.landmarks.ravel()]
    return [
        file_name(spec.index),
        *(f"{number:.3f}" for number in numbers),
        *(str(int(code)) for code in (spec.identity.gender, spec.identity.race, spec.identity.age)),
        _keyword(spec, rng),
        f"https://example.org/photos/{seed}/{spec.index + 1}",
        f"photographer {rng.integers(1, 400):03d}",
        "CC BY 4.0",
    ]


def _keyword(spec: FaceSpec, rng: np.random.Generator) -> str:
    """The search that found the photograph; one in ten finds what it did not look for."""
    meant = [e for e in (spec.expression, spec.second) if e is not None]
    looked_for = meant[rng.integers(len(meant))]
    if rng.random() < 0.1:
        looked_for = Expression(int(rng.integers(len(Expression))))
    words = KEYWORDS[looked_for]
    return words[rng.integers(len(words))]


def truth_row(spec: FaceSpec) -> list[str]:
    """What is true of the drawn face, in ``TRUTH_COLUMNS``."""
    return [
        file_name(spec.index),
        spec.expression.name.lower(),
        "" if spec.second is None else spec.second.name.lower(),
        f"{spec.easiness:.4f}",
        *(f"{angle:.2f}" for angle in (spec.pose.yaw, spec.pose.pitch, spec.pose.roll)),
        str(spec.covering),
        *(f"{spec.units[unit]:.3f}" for unit in UNITS),
    ]


def _write_table(path: Path, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
