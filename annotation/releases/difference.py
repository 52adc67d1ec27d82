"""What changed between two versions: images that came, left, got another label or another side."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from annotation.images.models import Image

from .models import Release
from .plan import CLASS_NAMES, Plan


class Kind(StrEnum):
    """How an image changed; where it is relabelled and moved, the label counts."""

    CAME = "in"
    LEFT = "out"
    RELABELLED = "relabelled"
    MOVED = "moved"


class Spot(NamedTuple):
    """Where an image stands in a version. ``label`` is 1-based, as in the label file."""

    subset: str
    label: int
    split: str
    name: str

    @property
    def class_name(self) -> str:
        return CLASS_NAMES[self.subset][self.label - 1]


class Change(NamedTuple):
    """One image that differs; a side is None where the version does not hold it."""

    kind: Kind
    image_id: int
    before: Spot | None
    after: Spot | None


@dataclass(frozen=True)
class Difference:
    """Every change in the order of the images, and how many images stayed as they were."""

    changes: list[Change]
    n_same: int

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(change.kind for change in self.changes)
        return {kind.value: found[kind] for kind in Kind} | {"same": self.n_same}

    def of(self, kind: str) -> list[Change]:
        return [change for change in self.changes if change.kind == kind]


def spots_of(release: Release | None) -> dict[int, Spot]:
    """By image id, where it stands in a release; empty where there is none."""
    if release is None:
        return {}
    rows = release.images.values_list("image_id", "subset", "label", "split", "name")
    return {image_id: Spot(*rest) for image_id, *rest in rows}


def spots_planned(plan: Plan) -> dict[int, Spot]:
    return {p.image_id: Spot(p.subset, p.label + 1, p.split, p.name) for p in plan.places}


def difference(before: Mapping[int, Spot], after: Mapping[int, Spot]) -> Difference:
    """Compare two versions image by image; a new name alone is no change."""
    changes = []
    for image_id in sorted(before.keys() | after.keys()):
        old, new = before.get(image_id), after.get(image_id)
        kind = _kind(old, new)
        if kind is not None:
            changes.append(Change(kind, image_id, old, new))
    return Difference(changes, len(before.keys() | after.keys()) - len(changes))


def told(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes with their images' uids, for pages and API; one query."""
    changes = list(changes)
    ids = [change.image_id for change in changes]
    uids = dict(Image.objects.filter(pk__in=ids).values_list("pk", "uid"))
    return [
        {
            "kind": change.kind.value,
            "image": uids[change.image_id],
            "before": _spot(change.before),
            "after": _spot(change.after),
        }
        for change in changes
    ]


def _kind(old: Spot | None, new: Spot | None) -> Kind | None:
    if old is None or new is None:
        return Kind.CAME if old is None else Kind.LEFT
    if (old.subset, old.label) != (new.subset, new.label):
        return Kind.RELABELLED
    return Kind.MOVED if old.split != new.split else None


def _spot(spot: Spot | None) -> dict[str, Any] | None:
    return None if spot is None else {**spot._asdict(), "class_name": spot.class_name}
