"""What a release says of itself: the manifest's facts, attribution, citation."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.images.models import Image
from annotation.version import code_version

from .columns import safe
from .datasheet import Account
from .models import LayoutName
from .plan import Plan
from .split import N_FOLDS
from .tree import JPEG_QUALITY

FORMAT = 2
SOURCES = ("source_url", "owner", "licence", "title")


@dataclass(frozen=True)
class Order:
    """What was asked for: together with the plan it determines every byte of the release."""

    version: str
    changelog: str = ""
    layouts: tuple[str, ...] = (LayoutName.RAFDB,)
    has_votes: bool = False
    """Whether the votes themselves go in, under codes."""
    features: tuple[int, ...] = ()
    """The runs whose features of every face go in."""
    site: str = ""
    """The address of the site that publishes it, for the datasheet's word on take-downs."""


def facts(plan: Plan, order: Order, account: Account) -> dict[str, Any]:
    """Everything the manifest says before its list of files. No time: it would alter the bytes."""
    estimate, project = plan.estimate, plan.estimate.project
    return {
        "format": FORMAT,
        "project": {"slug": project.slug, "name": project.name, "licence": project.licence},
        "version": order.version,
        "parent": plan.parent.version if plan.parent else None,
        "changelog": order.changelog,
        "code_version": code_version(),
        "estimate": {
            "number": estimate.number,
            "method": estimate.method,
            "parameters": estimate.parameters,
            "seed": estimate.seed,
            "code_version": estimate.code_version,
            "votes_digest": estimate.votes_digest,
            "n_votes": estimate.n_votes,
            "n_annotators": estimate.n_annotators,
            "made_on": estimate.created_at.date().isoformat(),
        },
        "screening": {
            "n_kept": estimate.n_kept,
            "n_removed": estimate.n_annotators - estimate.n_kept,
        },
        "split": {
            "seed": plan.seed,
            "test_share": "1/5",
            "n_folds": N_FOLDS,
            "was_given": plan.keeps_given_split,
        },
        "labels_were_given": plan.has_given_labels,
        "has_votes": order.has_votes,
        "site": order.site,
        "layouts": list(order.layouts),
        "class_names": {s: list(plan.class_names(s)) for s in plan.subsets},
        "counts": plan.counts,
        "n_images": len(plan.places),
        "left_out": plan.left_out,
        "warnings": list(plan.warnings),
        "pictures": {
            "aligned_by": dict(sorted(account.aligned_by.items())),
            "encoded_as_jpeg": account.n_encoded,
            "jpeg_quality": JPEG_QUALITY,
            "without_manual_annotation": len(plan.places) - account.known["manual annotation"],
        },
    }


def attribution_header() -> str:
    return _row(("file", *SOURCES))


def attribution(subset: str, name: str, image: Image) -> str:
    """Whose photograph it is, as one row of ``attribution.csv``."""
    known = image.provenance
    return _row((f"{subset}/{name}", *(safe(str(known.get(key) or "")) for key in SOURCES)))


def citation(told: dict[str, Any]) -> str:
    """``CITATION.cff``; its words are quoted so that no name can break the YAML."""
    title = f"{told['project']['name']}, release {told['version']}"
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this data set, please cite it and the paper below.",
        "type: dataset",
        f"title: {_quoted(title)}",
        f"version: {_quoted(told['version'])}",
        "authors:",
        f"  - name: {_quoted(told['project']['name'])}",
    ]
    if told["project"]["licence"]:
        lines.append(f"license-url: {_quoted(told['project']['licence'])}")
    lines += [
        "references:",
        "  - type: conference-paper",
        '    title: "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression '
        'Recognition in the Wild"',
        "    year: 2017",
        "    authors:",
        *(
            f"      - {{family-names: {family}, given-names: {given}}}"
            for family, given in (("Li", "Shan"), ("Deng", "Weihong"), ("Du", "JunPing"))
        ),
        "    collection-title: IEEE Conference on Computer Vision and Pattern Recognition",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerow(list(cells))
    return sink.getvalue()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
