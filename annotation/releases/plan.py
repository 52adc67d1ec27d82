"""What a release will hold, before anything is built: from an estimate's rows to named places."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from annotation.estimates.given import GIVEN
from annotation.estimates.models import Estimate
from annotation.images.licences import release_refusal
from annotation.images.models import GivenLabel, Image
from reliability import Subset
from reliability.expressions import COMPOUNDS, N_DISTRIBUTED_COMPOUNDS, Expression

from .models import Release, ReleasedImage
from .split import TEST, TRAIN, Member, draw_folds, draw_sides

BASIC, COMPOUND = "basic", "compound"
OFFICIAL_NAME = re.compile(r"(train|test)_\d{1,7}\.jpg")
CLASS_NAMES = {
    BASIC: tuple(e.title for e in Expression),
    COMPOUND: tuple(name for name, _, _ in COMPOUNDS),
}
Counts = dict[str, dict[str, dict[str, int]]]


class Place(NamedTuple):
    """One image's place in a release. ``label`` is 0-based; ``fold`` is None in test."""

    image_id: int
    subset: str
    label: int
    split: str
    fold: int | None
    name: str


@dataclass(frozen=True)
class Plan:
    """The places of a release, in the order of their names, and what stays outside and why."""

    estimate: Estimate
    seed: int
    parent: Release | None
    places: tuple[Place, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    keeps_given_split: bool = False
    """Whether some sides are those that came with an imported set."""

    @property
    def has_given_labels(self) -> bool:
        """Whether the labels came with the pictures instead of being estimated from votes."""
        return self.estimate.method == GIVEN

    def of(self, subset: str) -> list[Place]:
        return [p for p in self.places if p.subset == subset]

    @property
    def subsets(self) -> list[str]:
        """The subsets that have images: an empty one makes no folder."""
        return [s for s in (BASIC, COMPOUND) if any(p.subset == s for p in self.places)]

    @property
    def counts(self) -> Counts:
        """Images by subset, split and class."""
        found = Counter((p.subset, p.split, p.label) for p in self.places)
        return {
            subset: {
                split: {n: found[subset, split, i] for i, n in enumerate(self.class_names(subset))}
                for split in (TRAIN, TEST)
            }
            for subset in self.subsets
        }

    def class_names(self, subset: str) -> tuple[str, ...]:
        """The class of label i + 1 at i; the twelfth compound only where it is present."""
        names = CLASS_NAMES[subset]
        if subset == COMPOUND and not any(
            p.label >= N_DISTRIBUTED_COMPOUNDS for p in self.places if p.subset == COMPOUND
        ):
            return names[:N_DISTRIBUTED_COMPOUNDS]
        return names


class Candidate(NamedTuple):
    """An image that the estimate's partition puts into one of the two released subsets."""

    image_id: int
    subset: str
    label: int


def plan_release(
    estimate: Estimate,
    *,
    seed: int = 0,
    parent: Release | None = None,
    twelfth: bool = False,
    any_licence: bool = False,
) -> Plan:
    """Which images go where. A pure function of the estimate, the seed and the parent's sides.

    Photographs whose licence forbids copies or changes stay out unless ``any_licence``.
    About a second for 30,000 images; nothing is read but the database.
    """
    left_out: Counter[str] = Counter()
    candidates = list(_candidates(estimate, twelfth, any_licence, left_out))
    links = _links(estimate)
    copies = _components(links.copies)
    given = _given(estimate)
    if not given:
        candidates = _each_in_one_subset(candidates, copies, left_out)
    people = _components([*links.copies, *links.people])
    members = [
        Member(c.image_id, (c.subset, c.label), links.uids[people.get(c.image_id, c.image_id)])
        for c in candidates
    ]
    fixed = {image_id: side for image_id, (side, _) in given.items() if side}
    sides = draw_sides(members, seed, sides_before(parent, seed) | fixed) | fixed
    sides = {m.image_id: sides[m.image_id] for m in members}
    folds = draw_folds([m for m in members if sides[m.image_id] == TRAIN], seed)
    names = {image_id: name for image_id, (_, name) in given.items()}
    places = tuple(_named(candidates, sides, folds, names))
    warnings = (*_warnings(places), *_torn(members, sides))
    told = dict(sorted(left_out.items()))
    return Plan(estimate, seed, parent, places, told, warnings, keeps_given_split=bool(fixed))


def sides_before(parent: Release | None, seed: int) -> dict[int, str]:
    """By image id, the side it had in the newest version up to ``parent`` drawn with this seed."""
    if parent is None:
        return {}
    rows = ReleasedImage.objects.filter(
        release__project=parent.project_id, release__seed=seed, release__lte=parent.pk
    )
    return dict(rows.order_by("release_id").values_list("image_id", "split"))


def _given(estimate: Estimate) -> dict[int, tuple[str, str]]:
    """By image id, side and file name as they came with an imported set, each perhaps empty.

    An estimate of given labels keeps them, near copies and all: the set is to come out as it went
    in. Where votes decided, nothing of this counts.
    """
    if estimate.method != GIVEN:
        return {}
    rows = GivenLabel.objects.filter(image__project=estimate.project_id)
    return {pk: (side, name) for pk, side, name in rows.values_list("image_id", "split", "name")}


def _candidates(
    estimate: Estimate, twelfth: bool, any_licence: bool, left_out: Counter[str]
) -> Iterator[Candidate]:
    rows = estimate.items.order_by("image_id").values_list(
        "image_id", "image__state", "subset", "consensus", "compound",
        "image__provenance__licence",
    )  # fmt: skip
    for image_id, state, subset, consensus, compound, licence in rows.iterator(chunk_size=5000):
        if state != Image.State.ACTIVE:
            left_out[Image.State(state).label.lower()] += 1
        elif not any_licence and (refusal := release_refusal(licence)):
            left_out[refusal] += 1
        elif subset == Subset.SINGLE_LABEL:
            yield Candidate(image_id, BASIC, consensus)
        elif subset == Subset.TWO_TAB and (compound < N_DISTRIBUTED_COMPOUNDS or twelfth):
            yield Candidate(image_id, COMPOUND, compound)
        elif subset == Subset.TWO_TAB:
            left_out[f"{COMPOUNDS[compound][0].lower()}: too rare"] += 1
        else:
            left_out[Subset(subset).title.lower()] += 1


class _Links(NamedTuple):
    uids: dict[int, str]
    copies: list[tuple[int, int]]
    people: list[tuple[int, int]]


def _links(estimate: Estimate) -> _Links:
    """Pairs of images that are near copies, and pairs that show one known person."""
    uids, copies, people = {}, [], []
    first_of: dict[Any, int] = {}
    rows = Image.objects.filter(project=estimate.project_id).order_by("pk")
    for pk, uid, other, subject in rows.values_list(
        "pk", "uid", "near_copy_of_id", "provenance__subject"
    ).iterator(chunk_size=5000):
        uids[pk] = str(uid)
        if other is not None:
            copies.append((other, pk))
        if subject not in (None, ""):
            people.append((first_of.setdefault(str(subject), pk), pk))
    return _Links(uids, copies, people)


def _components(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """By image id, the oldest image it is joined with, over any number of steps."""
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = i = parent[parent[i]]
        return i

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return {i: root(i) for i in list(parent)}


def _each_in_one_subset(
    candidates: list[Candidate], copies: Mapping[int, int], left_out: Counter[str]
) -> list[Candidate]:
    """Keep near copies in one subset: where most of them are, single-label where it is even."""
    by_root: dict[int, Counter[str]] = defaultdict(Counter)
    for c in candidates:
        if c.image_id in copies:
            by_root[copies[c.image_id]][c.subset] += 1
    home = {r: COMPOUND if n[COMPOUND] > n[BASIC] else BASIC for r, n in by_root.items()}
    kept = [c for c in candidates if home.get(copies.get(c.image_id, 0), c.subset) == c.subset]
    if len(kept) < len(candidates):
        left_out["near copy of an image in the other subset"] += len(candidates) - len(kept)
    return kept


def _named(
    candidates: list[Candidate],
    sides: Mapping[int, str],
    folds: Mapping[int, int],
    given: Mapping[int, str],
) -> Iterator[Place]:
    """Name the images of each subset and side in the order of their ids, train first.

    They are numbered, or keep the official names that they all came with.
    """
    for subset in (BASIC, COMPOUND):
        for split, digits in ((TRAIN, 5), (TEST, 4)):
            chosen = [c for c in candidates if c.subset == subset and sides[c.image_id] == split]
            names = [given.get(c.image_id, "") for c in chosen]
            if len(set(names)) < len(names) or not all(
                OFFICIAL_NAME.fullmatch(n) and n.startswith(split) for n in names
            ):
                names = [f"{split}_{n:0{digits}d}.jpg" for n in range(1, len(chosen) + 1)]
            for c, name in zip(chosen, names, strict=True):
                yield Place(c.image_id, subset, c.label, split, folds.get(c.image_id), name)


def _torn(members: Iterable[Member], sides: Mapping[int, str]) -> Iterator[str]:
    """A word on groups whose images stand on both sides, which only a given split brings about."""
    found: dict[str, set[str]] = defaultdict(set)
    for member in members:
        found[member.group].add(sides[member.image_id])
    n = sum(len(those) > 1 for those in found.values())
    if n:
        yield (
            f"{n:,} groups of near copies, or of one person's pictures, stand in train and in "
            "test, as they came."
        )


def _warnings(places: tuple[Place, ...]) -> Iterator[str]:
    found = Counter((p.subset, p.label) for p in places)
    if not any(p.subset == COMPOUND for p in places):
        yield "The two-tab subset is empty: there is no compound folder."
    for (subset, label), n in sorted(found.items()):
        if n == 1:
            yield f"{CLASS_NAMES[subset][label]} ({subset}) has one image; it goes to train."
    for label, name in enumerate(CLASS_NAMES[BASIC]):
        if places and not found[BASIC, label]:
            yield f"{name} (basic) has no image."
