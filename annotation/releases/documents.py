"""What a release says of itself: the manifest's facts, the datasheet, attribution, citation."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from annotation.images.models import Image
from annotation.version import code_version

from .plan import Plan
from .split import N_FOLDS
from .tree import JPEG_QUALITY, Written

FORMAT = 1
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
SOURCES = ("source_url", "owner", "licence", "title")


@dataclass(frozen=True)
class Order:
    """What was asked for: together with the plan it determines every byte of the release."""

    version: str
    changelog: str = ""
    layouts: tuple[str, ...] = ("rafdb",)


@dataclass
class Tally:
    """What the writing of the pictures brought to light."""

    aligned_by: Counter[str] = field(default_factory=Counter)
    n_encoded: int = 0
    n_without_manual: int = 0
    licences: Counter[str] = field(default_factory=Counter)

    def add(self, written: Written, has_manual: bool) -> None:
        self.aligned_by[written.aligned_by] += 1
        self.n_encoded += written.is_encoded
        self.n_without_manual += not has_manual
        licence = written.face.image.provenance.get("licence")
        self.licences[str(licence or "unknown")] += 1


def facts(plan: Plan, order: Order, tally: Tally) -> dict[str, Any]:
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
        },
        "screening": {
            "n_kept": estimate.n_kept,
            "n_removed": estimate.n_annotators - estimate.n_kept,
        },
        "split": {"seed": plan.seed, "test_share": "1/5", "n_folds": N_FOLDS},
        "layouts": list(order.layouts),
        "class_names": {s: list(plan.class_names(s)) for s in plan.subsets},
        "counts": plan.counts,
        "n_images": len(plan.places),
        "left_out": plan.left_out,
        "warnings": list(plan.warnings),
        "pictures": {
            "aligned_by": dict(sorted(tally.aligned_by.items())),
            "encoded_as_jpeg": tally.n_encoded,
            "jpeg_quality": JPEG_QUALITY,
            "without_manual_annotation": tally.n_without_manual,
        },
    }


def datasheet(told: dict[str, Any], estimate_report: dict[str, Any], licences: Counter[str]) -> str:
    """The README of the release: what a reader must know before using it."""
    parts = [
        _introduction(told),
        *(_balance(subset, told["counts"][subset]) for subset in told["counts"]),
        _labels(told, estimate_report),
        _left_out(told),
        _files(told),
        _rights(told, licences),
    ]
    return "\n".join(parts)


def attribution_header() -> str:
    return _row(("file", *SOURCES))


def attribution(subset: str, name: str, image: Image) -> str:
    """Whose photograph it is, as one row of ``attribution.csv``."""
    known = image.provenance
    return _row((f"{subset}/{name}", *(_safe(str(known.get(key) or "")) for key in SOURCES)))


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


def _introduction(told: dict[str, Any]) -> str:
    estimate, screening = told["estimate"], told["screening"]
    changelog = f"\n{told['changelog']}\n" if told["changelog"] else ""
    return f"""# {told["project"]["name"]}, release {told["version"]}
{changelog}
{told["n_images"]:,} face photographs, each labelled by many people.
{estimate["n_votes"]:,} votes by {estimate["n_annotators"]} annotators stand behind it;
{screening["n_removed"]} of them were set aside for unreliable votes. How reliable each annotator is
and which expression each face shows were estimated together (method {estimate["method"]},
estimate {estimate["number"]}, votes `{estimate["votes_digest"][:16]}…`).
"""


def _balance(subset: str, counts: dict[str, dict[str, int]]) -> str:
    train, test = counts["train"], counts["test"]
    rows = "\n".join(
        f"| {i} | {name} | {train[name]:,} | {test[name]:,} |"
        for i, name in enumerate(train, start=1)
    )
    return f"""## `{subset}/`

| label | class | train | test |
| --: | --- | --: | --: |
{rows}
| | **all** | **{sum(train.values()):,}** | **{sum(test.values()):,}** |
"""


def _labels(told: dict[str, Any], report: dict[str, Any]) -> str:
    lines = "\n".join(
        f"- {name.replace('_', ' ').capitalize()}: {value:.3f}"
        for name, value in report.get("agreement", {}).items()
        if isinstance(value, float)
    )
    agreed = f"\nAgreement of the annotators:\n\n{lines}\n" if lines else ""
    return f"""## How the labels came about

Annotators chose one of seven expressions for each face. An expression is *valid* for a face
when it has more than its even share of the reliability-weighted votes. One valid expression puts
a face into `basic/`; two that form a named compound, neutral not among them, into `compound/`.
`EmoLabel/distribution.txt` has the weighted votes of every face as seven probabilities, in the
order surprise, fear, disgust, happiness, sadness, anger, neutral.
{agreed}
One of five images of every class is for testing. Near copies, and pictures of one person where
that is known, stand on one side. A face keeps its side in later releases of the same seed
({told["split"]["seed"]}). `EmoLabel/folds.txt` spreads the training images over five folds.
"""


def _left_out(told: dict[str, Any]) -> str:
    rows = [f"- {reason}: {n:,}" for reason, n in told["left_out"].items()] or ["- none"]
    warnings = "".join(f"\nNote: {text}\n" for text in told["warnings"])
    return "## Images of the estimate that are not in it\n\n" + "\n".join(rows) + f"\n{warnings}"


def _files(told: dict[str, Any]) -> str:
    pictures = told["pictures"]
    aligned = ", ".join(f"{n:,} by {by}" for by, n in pictures["aligned_by"].items())
    return f"""## Files

- `Image/original/`: the photographs as they are stored; {pictures["encoded_as_jpeg"]:,} that were
  not JPEG were encoded once at quality {pictures["jpeg_quality"]}.
- `Image/aligned/`: 100×100, turned and scaled so that eyes and mouth stand at fixed places
  ({aligned}).
- `Annotation/`: points, attributes and boxes in pixels of the original, where they are known.
- `EmoLabel/list_patition_label.txt`: file name and label; the misspelling is RAF-DB's.
- `manifest.json` and `SHA256SUMS`: every file with its digest; `sha256sum --check SHA256SUMS`.
"""


def _rights(told: dict[str, Any], licences: Counter[str]) -> str:
    own = told["project"]["licence"] or "not stated; ask its curators before you pass it on"
    counted = "\n".join(f"- {name}: {n:,}" for name, n in sorted(licences.items()))
    return f"""## Rights and limits

Licence of the collection: {own}. Licences of the photographs (each one's source and owner stand
in `attribution.csv`):

{counted}

Faces are personal data. Do not try to find out who the people are. The labels say what people
see in a face, not what its owner felt; the crowd, the keywords and the sources all leave their
mark on the class balance. Somebody who finds their own picture here can have it taken down at the
site that published this release; versions that held it are then withdrawn, and so should your
copy be.
"""


def _row(cells: Iterable[str]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerow(list(cells))
    return sink.getvalue()


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
