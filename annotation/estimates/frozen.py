"""The votes of a project at one moment, as arrays that stay beside what was concluded from them."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import reliability
from annotation.jobs.services import JobError
from annotation.labelling.queries import timed_votes
from annotation.people.models import Project
from reliability.expressions import NAMES

NO_VOTES = "There are no votes yet: an estimate needs at least one vote."
Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class FrozenVotes:
    """The current votes of a project at one moment, with what the indices stand for.

    ``image_ids`` ``(n_items,)`` and ``annotator_ids`` ``(n_annotators,)`` ascend; ``votes`` speaks
    of their positions. ``response_ms`` ``(n_votes,)`` is −1 where it was not measured.
    """

    votes: reliability.Votes
    image_ids: Integers
    annotator_ids: Integers
    response_ms: Integers | None = None

    def save(self, path: Path) -> None:
        """Write what ``load`` reads, packed lightly: the disk is cheaper than the wait."""
        arrays = {
            "item": self.votes.item,
            "annotator": self.votes.annotator,
            "expression": self.votes.expression,
            "image_ids": self.image_ids,
            "annotator_ids": self.annotator_ids,
        }
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)


def freeze_votes(project: Project) -> FrozenVotes:
    """Copy the current votes on active images into arrays, in an order that never varies."""
    images, annotators, expressions, response_ms = timed_votes(project)
    if len(images) == 0:
        raise JobError(NO_VOTES)
    image_ids, item = _numbered(images)
    annotator_ids, annotator = _numbered(annotators)
    return FrozenVotes(
        _votes(item, annotator, expressions, len(image_ids), len(annotator_ids)),
        image_ids,
        annotator_ids,
        response_ms,
    )


def load(path: Path) -> FrozenVotes | None:
    """Votes that were frozen earlier; None where the file is gone or has no single votes."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        if "item" not in file:
            return None
        image_ids, annotator_ids = file["image_ids"], file["annotator_ids"]
        columns = (file[name] for name in ("item", "annotator", "expression"))
        votes = _votes(*columns, len(image_ids), len(annotator_ids))
    return FrozenVotes(votes, image_ids, annotator_ids)


def places(known: Integers, wanted: Integers) -> Integers:
    """Where each of ``wanted`` stands in ``known``, which ascends; −1 where it does not."""
    at = np.searchsorted(known, wanted)
    at[at == len(known)] = 0
    if not len(known):
        return np.full(len(wanted), -1)
    return np.where(known[at] == wanted, at, -1)


def _numbered(ids: Integers) -> tuple[Integers, Integers]:
    """The distinct ids, ascending, and the position of each; ``np.unique`` without its sort."""
    there = np.bincount(ids) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1)[ids]


def _votes(item: Any, annotator: Any, expression: Any, n_items: int, n_people: int) -> Any:
    return reliability.Votes(
        item, annotator, expression,
        n_items=n_items, n_annotators=n_people, n_classes=len(NAMES),
    )  # fmt: skip
