"""What a release says of one image: one list of columns for Parquet, CSV and Croissant alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from annotation.images.sidecar import BOX, LANDMARKS
from reliability.expressions import NAMES

from .plan import Plan
from .tree import Written

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
DECIMALS = 6
N_AUTO_POINTS = 37
AUTO = tuple(f"auto_{i}_{axis}" for i in range(N_AUTO_POINTS) for axis in "xy")


class Kind(StrEnum):
    TEXT = "text"
    WHOLE = "whole"
    REAL = "real"


@dataclass(frozen=True)
class Context:
    """What a row needs beyond its face."""

    plan: Plan
    votes_of: Callable[[int], list[int] | None]
    """The raw votes for each of the seven on an image, by its id."""
    subject_codes: dict[str, str]


@dataclass(frozen=True)
class Column:
    """A column by its name. ``parts`` names the cells of a list, which stand apart in CSV."""

    name: str
    kind: Kind
    says: str
    value: Callable[[Written, Context], Any]
    parts: tuple[str, ...] = ()
    in_csv: bool = True

    @property
    def cells(self) -> tuple[str, ...]:
        """The names of this column's cells in CSV."""
        return self.parts or (self.name,)


def _of_place(field: str) -> Callable[[Written, Context], Any]:
    return lambda w, _: getattr(w.face.place, field)


def _of_item(field: str) -> Callable[[Written, Context], Any]:
    return lambda w, _: _rounded(getattr(w.face.item, field))


def _of_image(field: str) -> Callable[[Written, Context], Any]:
    return lambda w, _: getattr(w.face.image, field)


def _of_source(key: str) -> Callable[[Written, Context], Any]:
    return lambda w, _: str(w.face.image.provenance.get(key) or "") or None


def _spread(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{name}" for name in NAMES)


COLUMNS = (
    Column("file", Kind.TEXT, "Name in the official tree, below Image/original.",
           lambda w, _: f"{w.face.place.subset}/{w.face.place.name}"),
    Column("subset", Kind.TEXT, "basic (single-label) or compound (two-tab).", _of_place("subset")),
    Column("split", Kind.TEXT, "train or test.", _of_place("split")),
    Column("fold", Kind.WHOLE, "1–5 in train, empty in test.",
           lambda w, _: None if w.face.place.fold is None else w.face.place.fold + 1),
    Column("label", Kind.WHOLE, "As in RAF-DB: 1–7 in basic, 1–12 in compound.",
           lambda w, _: w.face.place.label + 1),
    Column("class_name", Kind.TEXT, "The label in words.",
           lambda w, c: c.plan.class_names(w.face.place.subset)[w.face.place.label]),
    Column("n_votes", Kind.WHOLE, "How many people labelled the image.", _of_item("n_votes")),
    Column("votes", Kind.WHOLE, "Raw votes for each expression.",
           lambda w, c: c.votes_of(w.face.place.image_id), _spread("votes")),
    Column("distribution", Kind.REAL, "Votes weighted by reliability, as shares that sum to 1.",
           _of_item("distribution"), _spread("distribution")),
    Column("posterior", Kind.REAL, "Probability of each expression by the estimate.",
           _of_item("posterior"), _spread("posterior")),
    Column("confidence", Kind.REAL, "The largest of the posterior.", _of_item("confidence")),
    Column("entropy", Kind.REAL, "Of the weighted votes, in nats: 0 where all agree.",
           _of_item("entropy")),
    Column("easiness", Kind.REAL, "β of the image: 1/β is its difficulty. Empty where the labels "
           "were given.", lambda w, c: None if c.plan.has_given_labels else _easiness(w)),
    Column("width", Kind.WHOLE, "Of the original, in pixels.", _of_image("width")),
    Column("height", Kind.WHOLE, "Of the original, in pixels.", _of_image("height")),
    Column("box", Kind.REAL, "The face, in pixels of the original.",
           lambda w, _: _numbers(w.face.image.box), BOX),
    Column("landmarks", Kind.REAL, "Five points x, y in pixels of the original.",
           lambda w, _: _numbers(w.face.image.landmarks), LANDMARKS),
    Column("auto_landmarks", Kind.REAL, "37 automatic points x, y in pixels of the original.",
           lambda w, _: _numbers(w.face.image.auto_landmarks), AUTO, in_csv=False),
    Column("gender", Kind.WHOLE, "0 male, 1 female, 2 unsure.", _of_image("gender")),
    Column("race", Kind.WHOLE, "0 Caucasian, 1 African-American, 2 Asian.", _of_image("race")),
    Column("age", Kind.WHOLE, "0: 0–3, 1: 4–19, 2: 20–39, 3: 40–69, 4: 70 and more years.",
           _of_image("age")),
    Column("subject_code", Kind.TEXT, "The person shown, where known, by a code of this release.",
           lambda w, c: c.subject_codes.get(str(w.face.image.provenance.get("subject")))),
    Column("keyword", Kind.TEXT, "Under which the photograph was found.", _of_source("keyword")),
    Column("source_url", Kind.TEXT, "Where the photograph came from.", _of_source("source_url")),
    Column("owner", Kind.TEXT, "Whose photograph it is.", _of_source("owner")),
    Column("licence", Kind.TEXT, "Licence of the photograph.", _of_source("licence")),
    Column("title", Kind.TEXT, "Title of the photograph.", _of_source("title")),
    Column("original_sha256", Kind.TEXT, "Digest of Image/original.",
           lambda w, _: w.original.sha256),
    Column("aligned_sha256", Kind.TEXT, "Digest of Image/aligned.", lambda w, _: w.aligned.sha256),
)  # fmt: skip
IN_CSV = tuple(column for column in COLUMNS if column.in_csv)


def cells_of(written: Written, context: Context) -> Iterator[str]:
    """The cells of one image for CSV, lists spread; what is unknown is empty."""
    for column in IN_CSV:
        value = column.value(written, context)
        if not column.parts:
            yield _cell(value)
        elif value is None:
            yield from [""] * len(column.parts)
        else:
            yield from map(_cell, value)


def header(columns: Sequence[Column] = IN_CSV) -> list[str]:
    return [cell for column in columns for cell in column.cells]


def safe(cell: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe(value) if isinstance(value, str) else repr(value)


def _easiness(written: Written) -> float | None:
    value = written.face.item.easiness
    return None if value is None else round(value, DECIMALS)


def _rounded(value: Any) -> Any:
    """Numbers to six decimals: what a float carries beyond is noise of the machine."""
    if isinstance(value, list):
        return [round(v, DECIMALS) for v in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def _numbers(geometry: Any) -> list[float] | None:
    """A box or points, flat."""
    if geometry is None:
        return None
    flat = [v for p in geometry for v in p] if isinstance(geometry[0], list) else geometry
    return [round(float(v), 3) for v in flat]
