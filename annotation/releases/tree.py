"""RAF-DB's official tree, as ``FORMATS`` has it: pictures, annotation and labels of one subset."""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotation.estimates.models import Estimate
from annotation.images.alignment import Aligned, align
from annotation.images.geometry import clipped_box
from annotation.images.models import GivenLabel, Image
from annotation.images.official import read_auto, read_box, read_manual

from .folder import Entry, Folder
from .plan import Place

JPEG_QUALITY = 95
N_THREADS = 2
BATCH = 256
JPEG_START = b"\xff\xd8\xff"


class Item(NamedTuple):
    """What the estimate says of one image."""

    n_votes: int
    confidence: float
    entropy: float
    easiness: float | None
    posterior: list[float]
    distribution: list[float]


@dataclass(frozen=True)
class Face:
    """A place with everything that its files say."""

    place: Place
    image: Image
    item: Item
    given: dict[str, str] = field(default_factory=dict)
    """Annotation files that came with the image, word for word, by kind."""

    @property
    def stem(self) -> str:
        return PurePosixPath(self.place.name).stem


class Written(NamedTuple):
    """What became of one face: its two pictures, how it was aligned, whether it was encoded.

    ``picture`` is the aligned JPEG itself, for layouts that carry it inside; ``notes`` are the
    kinds of annotation (keys of ``TEXTS``) that it has.
    """

    face: Face
    original: Entry
    aligned: Entry
    picture: bytes
    aligned_by: str
    is_encoded: bool
    notes: tuple[str, ...]


def write_faces(
    folder: Folder,
    estimate: Estimate,
    places: Sequence[Place],
    read: Callable[[Image], bytes],
    done: Callable[[int], None],
) -> Iterator[Written]:
    """Write the files of every place, in order; ``done`` hears how many are written.

    Threads suffice: decoding, warping, hashing and writing all release the interpreter's lock, and
    threads die with their worker.
    """
    n = 0
    with ThreadPoolExecutor(N_THREADS) as pool:
        for faces in _batches(faces_of(estimate, places), BATCH):
            yield from pool.map(lambda face: _write_face(folder, face, read(face.image)), faces)
            n += len(faces)
            done(n)


def faces_of(estimate: Estimate, places: Sequence[Place]) -> Iterator[Face]:
    """The places with their images and distributions, a batch of rows at a time."""
    for batch in _batches(iter(places), BATCH):
        ids = [place.image_id for place in batch]
        images = Image.objects.in_bulk(ids)
        rows = estimate.items.filter(image__in=ids).values_list("image_id", *Item._fields)
        items = {image_id: Item(*values) for image_id, *values in rows}
        came = dict(GivenLabel.objects.filter(image__in=ids).values_list("image_id", "texts"))
        for place in batch:
            i = place.image_id
            yield Face(place, images[i], items[i], came.get(i, {}))


@contextmanager
def labels_written(folder: Folder, subset: str) -> Iterator[Callable[[Face], None]]:
    """The label file with its official misspelling, the distributions and the folds, by face."""
    with ExitStack() as files:
        label, share, fold = (
            files.enter_context(folder.written(f"{subset}/EmoLabel/{name}.txt"))
            for name in ("list_patition_label", "distribution", "folds")
        )

        def write(face: Face) -> None:
            place = face.place
            label(f"{place.name} {place.label + 1}\n")
            share(f"{place.name} {' '.join(f'{p:.6f}' for p in face.item.distribution)}\n")
            if place.fold is not None:
                fold(f"{place.name} {place.fold + 1}\n")

        yield write


def manual_text(image: Image) -> str | None:
    """Five points and three attributes in eight lines; None where points or attributes lack."""
    if image.landmarks is None or image.race is None or image.age is None:
        return None
    gender = Image.Gender.UNSURE if image.gender is None else image.gender
    points = "".join(f"{x:.3f}\t{y:.3f}\n" for x, y in image.landmarks)
    return f"{points}{int(gender)}\n{image.race}\n{image.age}\n"


def auto_text(image: Image) -> str | None:
    """The 37 automatic points, a row each."""
    if image.auto_landmarks is None:
        return None
    return "".join(f"{x:.3f} {y:.3f}\n" for x, y in image.auto_landmarks)


def box_text(image: Image) -> str | None:
    """The face's box in one line."""
    return None if image.box is None else " ".join(f"{v:.3f}" for v in image.box) + "\n"


def text_of(face: Face, kind: str) -> str | None:
    """One annotation file: as it came while it still says what is known, else written anew."""
    came = face.given.get(kind)
    return (
        came
        if came is not None and STILL_SAYS[kind](came, face.image)
        else TEXTS[kind][1](face.image)
    )


def _manual_holds(text: str, image: Image) -> bool:
    manual = read_manual(text)
    attributes = all(
        getattr(image, name) in (None, value) for name, value in manual.attributes.items()
    )
    return attributes and _are(manual.points, image.landmarks)


def _box_holds(text: str, image: Image) -> bool:
    box = clipped_box(read_box(text), (image.width, image.height))
    return image.box is None or box == image.box


def _are(points: Sequence[Sequence[float]], known: Sequence[Sequence[float]] | None) -> bool:
    """Whether points that were read are those that are known now, if any are."""
    return known is None or [list(p) for p in points] == [list(p) for p in known]


STILL_SAYS: dict[str, Callable[[str, Image], bool]] = {
    "manual": _manual_holds,
    "auto": lambda text, image: _are(read_auto(text), image.auto_landmarks),
    "boundingbox": _box_holds,
}
TEXTS: dict[str, tuple[str, Callable[[Image], str | None]]] = {
    "manual": ("manu_attri", manual_text),
    "auto": ("auto_attri", auto_text),
    "boundingbox": ("boundingbox", box_text),
}


def _write_face(folder: Folder, face: Face, stored: bytes) -> Written:
    subset, stem = face.place.subset, face.stem
    with Pillow.open(io.BytesIO(stored), formats=("JPEG", "PNG", "WEBP")) as opened:
        picture = opened.convert("RGB")
    is_jpeg = stored.startswith(JPEG_START)
    original = stored if is_jpeg else _jpeg(picture)
    cut, aligned_by = cut_out(picture, face.image)
    texts = {kind: text_of(face, kind) for kind in TEXTS}
    notes = tuple(kind for kind, content in texts.items() if content is not None)
    for kind in notes:
        path = f"{subset}/Annotation/{kind}/{stem}_{TEXTS[kind][0]}.txt"
        folder.put(path, texts[kind] or "")
    return Written(
        face,
        folder.put(f"{subset}/Image/original/{stem}.jpg", original),
        folder.put(f"{subset}/Image/aligned/{stem}_aligned.jpg", cut),
        cut,
        aligned_by,
        not is_jpeg,
        notes,
    )


def cut_out(picture: Pillow.Image, image: Image) -> tuple[bytes, str]:
    """The aligned face of an image's picture as JPEG, and by what it was aligned."""
    aligned = _aligned(np.asarray(picture), image)
    return _jpeg(Pillow.fromarray(aligned.pixels)), aligned.by


def _aligned(picture: NDArray[np.uint8], image: Image) -> Aligned:
    """By the coders' landmarks, else a detector's proposals, which the manifest counts apart."""
    if image.landmarks is None and image.proposed_landmarks is not None:
        aligned = align(picture, image.proposed_landmarks, image.box)
        return aligned._replace(by="proposed landmarks")
    return align(picture, image.landmarks, image.box)


def _jpeg(picture: Pillow.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=JPEG_QUALITY)
    return sink.getvalue()


def _batches(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(islice(rows, size)):
        yield batch
