"""The images of an estimate by what they show: what the API and pages choose subsets from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FilteredRelation, Q, QuerySet

from annotation.estimates.models import Estimate, ItemEstimate
from annotation.images.models import Image
from reliability import Subset
from reliability.expressions import COMPOUNDS, NAMES

from .models import Release

SUBSETS = {subset.name.lower(): subset for subset in Subset}
LABELS = (*NAMES, *(name for name, _, _ in COMPOUNDS))
ATTRIBUTES = {
    "gender": {c.name.lower(): c.value for c in Image.Gender},
    "race": {c.name.lower(): c.value for c in Image.Race},
    "age": {c.name.lower().removeprefix("age_"): c.value for c in Image.Age},
}


@dataclass(frozen=True)
class Choice:
    """Which images are wanted. Empty fields want all; ranges are closed."""

    subset: str = ""
    label: str = ""
    split: str = ""
    fold: int | None = None
    entropy_min: float | None = None
    entropy_max: float | None = None
    agreement_min: float | None = None
    agreement_max: float | None = None
    confidence_min: float | None = None
    n_votes_min: int | None = None
    gender: str = ""
    race: str = ""
    age: str = ""


def chosen(
    estimate: Estimate, choice: Choice, release: Release | None = None
) -> QuerySet[ItemEstimate]:
    """The images of an estimate that match, each with its place in ``release`` if one is given.

    ``place_split``, ``place_fold`` and ``place_name`` are null where it is not in it.
    """
    rows = estimate.items.filter(image__state=Image.State.ACTIVE).select_related("image")
    if release is not None:
        rows = rows.annotate(
            place=FilteredRelation(
                "image__released_as", condition=Q(image__released_as__release=release)
            ),
            place_split=F("place__split"),
            place_fold=F("place__fold"),
            place_name=F("place__name"),
        )
    for name, value in vars(choice).items():
        if value not in ("", None):
            rows = rows.filter(FILTERS[name](value))
    return rows


def counts(rows: QuerySet[ItemEstimate]) -> list[dict[str, Any]]:
    """How many of these images each subset has, and in it each label."""
    found = rows.order_by().values("subset", "consensus", "compound").annotate(n=Count("pk"))
    told: dict[str, dict[str, int]] = {name: {} for name in SUBSETS}
    for row in found:
        labels = told[Subset(row["subset"]).name.lower()]
        label = label_of(row["subset"], row["consensus"], row["compound"])
        labels[label] = labels.get(label, 0) + row["n"]
    return [
        {
            "subset": name,
            "n": sum(labels.values()),
            "labels": [{"label": k, "n": labels[k]} for k in LABELS if k in labels],
        }
        for name, labels in told.items()
    ]


def label_of(subset: int, consensus: int, compound: int | None) -> str:
    """The compound of a two-tab image, else the expression that most agree on."""
    if subset == Subset.TWO_TAB and compound is not None:
        return COMPOUNDS[compound][0]
    return NAMES[consensus]


def _labelled(label: str) -> Q:
    if label in NAMES:
        return Q(consensus=NAMES.index(label)) & ~Q(subset=Subset.TWO_TAB)
    number = [name for name, _, _ in COMPOUNDS].index(label)
    return Q(subset=Subset.TWO_TAB, compound=number)


def _agreeing(bound: str) -> Callable[[float], Q]:
    """The share of weighted votes that the consensus has: one of the seven of each row."""

    def condition(value: float) -> Q:
        found = Q(pk__in=[])
        for k in range(len(NAMES)):
            found |= Q(consensus=k, **{f"distribution__{k}__{bound}": value})
        return found

    return condition


FILTERS: Mapping[str, Callable[[Any], Q]] = {
    "subset": lambda v: Q(subset=SUBSETS[v]),
    "label": _labelled,
    "split": lambda v: Q(place_split=v),
    "fold": lambda v: Q(place_fold=v),
    "entropy_min": lambda v: Q(entropy__gte=v),
    "entropy_max": lambda v: Q(entropy__lte=v),
    "agreement_min": _agreeing("gte"),
    "agreement_max": _agreeing("lte"),
    "confidence_min": lambda v: Q(confidence__gte=v),
    "n_votes_min": lambda v: Q(n_votes__gte=v),
    "gender": lambda v: Q(image__gender=ATTRIBUTES["gender"][v]),
    "race": lambda v: Q(image__race=ATTRIBUTES["race"][v]),
    "age": lambda v: Q(image__age=ATTRIBUTES["age"][v]),
}
"""How each field of a choice is asked of the database: a closed list, never the request's words."""
