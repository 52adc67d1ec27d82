"""Reading a release: faces as one uint8 tensor, with labels, distributions and split.

The layout is RAF-DB's official tree (FORMATS: ``basic/EmoLabel/list_patition_label.txt`` and
``basic/Image/aligned/train_00001_aligned.jpg``), so the original data set reads as well.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from reliability.expressions import COMPOUNDS, N_DISTRIBUTED_COMPOUNDS, N_EXPRESSIONS, Expression
from training.errors import TrainingError

LABEL_FILE = "EmoLabel/list_patition_label.txt"
DISTRIBUTION_FILE = "EmoLabel/distribution.txt"
BASIC_NAMES: tuple[str, ...] = tuple(e.title for e in Expression)
COMPOUND_NAMES: tuple[str, ...] = tuple(name for name, _, _ in COMPOUNDS)
NO_LABEL = -1


@dataclass(frozen=True)
class Faces:
    """A set of faces, row by row.

    ``pictures`` (n, 3, side, side) uint8; ``labels`` (n,) int64, 0-based, −1 where a face has no
    single class; ``distributions`` (n, 7) float32, rows sum to 1; ``names`` such as
    ``basic/train_00001.jpg``.
    """

    pictures: Tensor
    labels: Tensor
    distributions: Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Tensor) -> "Faces":
        """The faces of these rows, in this order."""
        names = tuple(self.names[i] for i in rows.tolist())
        return Faces(self.pictures[rows], self.labels[rows], self.distributions[rows], names)

    def to(self, device: torch.device) -> "Faces":
        """The same faces on another device."""
        return Faces(
            self.pictures.to(device),
            self.labels.to(device),
            self.distributions.to(device),
            self.names,
        )


@dataclass(frozen=True)
class Release:
    """What a release folder holds of one subset: its two partitions and its class names."""

    folder: Path
    subset: str
    train: Faces
    test: Faces
    class_names: tuple[str, ...]
    manifest: dict[str, Any]
    digest: str  # SHA-256 over names, labels, distributions and pictures


@dataclass(frozen=True)
class _Line:
    name: str  # "train_00001.jpg"
    label: int  # 0-based, or NO_LABEL


def read_release(
    folder: Path,
    size: int,
    *,
    subset: str = "basic",
    need_test: bool = True,
    message: Callable[[float, str], None] | None = None,
) -> Release:
    """Read one subset (``basic`` or ``compound``) with its pictures at ``size`` × ``size`` pixels.

    Raises TrainingError that names the file, and the line where there is one.
    """
    if not folder.is_dir():
        raise TrainingError(f"there is no release folder {folder}")
    class_names = BASIC_NAMES if subset == "basic" else COMPOUND_NAMES
    lines = _read_labels(folder / subset / LABEL_FILE, len(class_names))
    shares = read_distributions(folder / subset / DISTRIBUTION_FILE)
    if subset == "compound" and all(x.label < N_DISTRIBUTED_COMPOUNDS for x in lines):
        class_names = class_names[:N_DISTRIBUTED_COMPOUNDS]
    parts = {side: [x for x in lines if x.name.startswith(side)] for side in ("train", "test")}
    for side, found in parts.items():
        if not found and (side == "train" or need_test):
            raise TrainingError(
                f"the release has no {side} split: {subset}/{LABEL_FILE} names no {side}_ file"
            )
    train, test = (
        _read_faces(folder, subset, parts[side], shares, size, message)
        for side in ("train", "test")
    )
    return Release(
        folder, subset, train, test, class_names, _read_manifest(folder), _digest((train, test))
    )


def read_unlabelled(folder: Path, size: int, already: Sequence[str]) -> Faces:
    """Training faces of every subset that have a distribution but stand not in ``already``.

    Two-tab faces and any further subset folder with ``EmoLabel/distribution.txt`` come in here, for
    recipes that learn distributions. Test faces of any subset stay out.
    """
    known, found = set(already), []
    for path in sorted(folder.glob(f"*/{DISTRIBUTION_FILE}")):
        subset = path.parent.parent.name
        shares = read_distributions(path)
        lines = [_Line(name, NO_LABEL) for name in shares if name.startswith("train")]
        lines = [x for x in lines if f"{subset}/{x.name}" not in known]
        found.append(_read_faces(folder, subset, lines, shares, size, None))
    return join(found) if found else _no_faces(size)


def join(parts: Sequence[Faces]) -> Faces:
    """Several sets of faces as one."""
    return Faces(
        torch.cat([p.pictures for p in parts]),
        torch.cat([p.labels for p in parts]),
        torch.cat([p.distributions for p in parts]),
        tuple(name for p in parts for name in p.names),
    )


def read_distributions(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The seven probabilities of each face in ``distribution.txt``; empty without the file."""
    if not path.is_file():
        return {}
    shares = {}
    for number, line in enumerate(_text_lines(path), start=1):
        name, *cells = line.split()
        try:
            row = np.array([float(c) for c in cells], dtype=np.float32)
        except ValueError:
            row = np.array([], dtype=np.float32)
        if (
            row.shape != (N_EXPRESSIONS,)
            or not np.isfinite(row).all()
            or row.min() < 0
            or row.sum() <= 0
        ):
            raise TrainingError(
                f"{path.name} line {number}: {line!r} is not a name and seven probabilities"
            )
        shares[name] = row / row.sum()
    return shares


def _read_labels(path: Path, n_classes: int) -> list[_Line]:
    if not path.is_file():
        raise TrainingError(
            f"{path.parent.parent.name}/{LABEL_FILE} is missing: is this a release folder?"
        )
    lines = []
    for number, line in enumerate(_text_lines(path), start=1):
        name, _, label = line.partition(" ")
        if not label.isdecimal() or not 1 <= int(label) <= n_classes:
            raise TrainingError(
                f"{path.name} line {number}: {line!r} is not a file name and a label 1–{n_classes}"
            )
        if not name.startswith(("train", "test")) or "/" in name:
            raise TrainingError(
                f"{path.name} line {number}: {name!r} begins with neither train nor test"
            )
        lines.append(_Line(name, int(label) - 1))
    if len({x.name for x in lines}) < len(lines):
        raise TrainingError(f"{path.name} names a file twice")
    return lines


def _text_lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_faces(
    folder: Path,
    subset: str,
    lines: list[_Line],
    shares: dict[str, np.ndarray[Any, Any]],
    size: int,
    message: Callable[[float, str], None] | None,
) -> Faces:
    """Decode the pictures of these lines; a face without a distribution gets its label's."""
    if not lines:
        return _no_faces(size)
    aligned = folder / subset / "Image" / "aligned"
    paths = [aligned / f"{Path(x.name).stem}_aligned.jpg" for x in lines]
    pictures = np.empty((len(lines), 3, size, size), dtype=np.uint8)
    with ThreadPoolExecutor(max_workers=4) as pool:  # decoding releases the interpreter's lock
        for i, picture in enumerate(pool.map(lambda p: read_picture(p, size), paths)):
            pictures[i] = picture
            if message and i % 500 == 0:
                message(i / len(lines), f"reading faces: {i:,} of {len(lines):,}")
    labels = torch.tensor([x.label for x in lines], dtype=torch.int64)
    certain = _certain_compound if subset == "compound" else _certain
    rows = np.stack([shares[x.name] if x.name in shares else certain(x.label) for x in lines])
    names = tuple(f"{subset}/{x.name}" for x in lines)
    return Faces(torch.from_numpy(pictures), labels, torch.from_numpy(rows), names)


def read_picture(path: Path, size: int) -> np.ndarray[Any, Any]:
    """One picture as (3, size, size) uint8 RGB; raises TrainingError that names the file."""
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as opened:
            picture = opened.convert("RGB")
    except FileNotFoundError as error:
        raise TrainingError(f"{path.name} is named in the release but is not there") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise TrainingError(f"{path.name} cannot be read as a picture: {error}") from error
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(picture).transpose(2, 0, 1)


def _certain(label: int) -> np.ndarray[Any, Any]:
    """All probability on one expression."""
    row = np.zeros(N_EXPRESSIONS, dtype=np.float32)
    row[label] = 1.0
    return row


def _certain_compound(label: int) -> np.ndarray[Any, Any]:
    """The probability halved between a compound's two expressions."""
    _, first, second = COMPOUNDS[label]
    halves: np.ndarray[Any, Any] = (_certain(first) + _certain(second)) / 2
    return halves


def _no_faces(size: int) -> Faces:
    empty = torch.empty((0, 3, size, size), dtype=torch.uint8)
    return Faces(empty, torch.empty(0, dtype=torch.int64), torch.empty((0, N_EXPRESSIONS)), ())


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"manifest.json is not JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise TrainingError("manifest.json is not a JSON object")
    return manifest


def _digest(parts: Sequence[Faces]) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update("\n".join(part.names).encode())
        for tensor in (part.labels, part.distributions, part.pictures):
            sha.update(tensor.numpy().tobytes())
    return sha.hexdigest()
