"""Small sets as other people distribute them: RAF-DB's tree, ImageFolder, tables of pixels."""

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

WIDTH, HEIGHT = 64, 72
POINTS = ((20.0, 25.5), (44.0, 25.0), (32.0, 40.0), (24.0, 50.0), (41.0, 49.25))


def jpeg(seed: int) -> bytes:
    """A small JPEG that looks like no other."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Pillow.fromarray(pixels).resize((WIDTH, HEIGHT)).save(sink, "JPEG", quality=92)
    return sink.getvalue()


def rafdb(root: Path, labels: dict[str, dict[str, int]]) -> Path:
    """RAF-DB's tree with these labels: by subset, file name to label, in this order.

    The annotation files are written as different tools write them: with and without decimals and a
    last line break, with points outside the picture, with CR LF.
    """
    number = 0
    for subset, told in labels.items():
        base = root / subset
        for name, label in told.items():
            _face(base, name.removesuffix(".jpg"), number)
            number += 1
            _append(base / "EmoLabel/list_patition_label.txt", f"{name} {label}\n")
    return root


def _face(base: Path, stem: str, i: int) -> None:
    _append(base / f"Image/original/{stem}.jpg", jpeg(i))
    _append(base / f"Image/aligned/{stem}_aligned.jpg", jpeg(10_000 + i))
    shift = i % 5 / 1000
    points = [(x + shift, y) for x, y in POINTS] if i % 4 else [(x + 100, y) for x, y in POINTS]
    manual = "".join(f"{x:.3f}\t{y:.3f}\n" for x, y in points) + f"{i % 3}\n{i % 3}\n{i % 5}"
    end = "" if i % 2 else "\n"
    _append(base / f"Annotation/manual/{stem}_manu_attri.txt", manual + end)
    auto = [(10 + k + shift, 20 + k / 3) for k in range(37)]
    decimals = (0, 3, 6)[i % 3]
    break_ = "\r\n" if i % 5 == 0 else "\n"
    text = break_.join(f"{x:.{decimals}f} {y:.{decimals}f}" for x, y in auto) + break_
    _append(base / f"Annotation/auto/{stem}_auto_attri.txt", text)
    box = ("10 12 54 60", "10.5 12.25 54 60\n", "-3.0 -2 70.0 80\n", "10.000000 12.0 54.0 60.0")[
        i % 4
    ]
    _append(base / f"Annotation/boundingbox/{stem}_boundingbox.txt", box)


def _append(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def image_folder(root: Path, classes: dict[str, int]) -> Path:
    """So many pictures in each folder."""
    number = 0
    for folder, n in classes.items():
        for _ in range(n):
            _append(root / folder / f"é {number}.jpg", jpeg(number))
            number += 1
    return root


def pixels(seed: int, side: int = 48) -> str:
    """A picture as FER2013 writes it."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
    grey = np.asarray(Pillow.fromarray(coarse).resize((side, side)))
    return " ".join(map(str, grey.ravel().tolist()))


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))
