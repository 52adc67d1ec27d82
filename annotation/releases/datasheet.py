"""The datasheet: what a reader must know before using a release, as its README.

After Gebru et al., *Datasheets for Datasets*: why, what is in it, how it came about, what it must
not be used for, who looks after it. Every number is counted while the release is built.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotation.estimates.models import Estimate
from annotation.images.models import Image

from .crowd import MIN_GROUP
from .layouts import Layout
from .tree import Written

KEYWORDS_SHOWN = 12
AGREEMENT = {
    "cronbach_alpha": "Cronbach's α of the whole crowd",
    "single_vote_reliability": "Reliability of a single vote",
    "krippendorff_alpha": "Krippendorff's α",
    "fleiss_kappa": "Fleiss' κ",
}
"""Figures of ``reliability.report`` and their words."""
ATTRIBUTES = (("gender", Image.Gender), ("race", Image.Race), ("age", Image.Age))


@dataclass
class Account:
    """What the writing of the pictures brought to light, counted face by face."""

    aligned_by: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    keywords: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    attributes: dict[str, Counter[int]] = field(
        default_factory=lambda: {name: Counter() for name, _ in ATTRIBUTES}
    )
    n_encoded: int = 0

    def add(self, written: Written) -> None:
        image = written.face.image
        self.aligned_by[written.aligned_by] += 1
        self.n_encoded += written.is_encoded
        self.licences[str(image.provenance.get("licence") or "unknown")] += 1
        if keyword := image.provenance.get("keyword"):
            self.keywords[str(keyword)] += 1
        self.known["manual annotation"] += "manual" in written.notes
        self.known["37 automatic points"] += "auto" in written.notes
        self.known["bounding box"] += "boundingbox" in written.notes
        self.known["action units"] += image.action_units is not None
        self.known["source address"] += bool(image.provenance.get("source_url"))
        self.known["person shown, by code"] += bool(image.provenance.get("subject"))
        for name, counts in self.attributes.items():
            if (value := getattr(image, name)) is not None:
                counts[int(value)] += 1


@dataclass(frozen=True)
class People:
    """The annotators in numbers; what a group under five would betray is left out."""

    n: int
    n_kept: int
    reliability: tuple[float, float, float] | None
    """Lower quartile, median and upper quartile of those kept."""
    votes: tuple[float, float, float] | None

    @classmethod
    def of(cls, estimate: Estimate) -> "People":
        kept = estimate.annotators.filter(kept=True).values_list("reliability", "n_votes")
        rows = np.array(list(kept), dtype=np.float64).reshape(-1, 2)
        tells = len(rows) >= MIN_GROUP
        quartiles = [tuple(np.percentile(c, (25, 50, 75)).tolist()) for c in rows.T] if tells else 0
        reliability, votes = quartiles or (None, None)
        return cls(estimate.n_annotators, estimate.n_kept, reliability, votes)


def datasheet(
    told: dict[str, Any], report: dict[str, Any], account: Account, people: People, layout: Layout
) -> str:
    """The README of one layout; ``told`` are the manifest's facts, ``report`` the estimate's."""
    parts = [
        _introduction(told),
        *(_balance(subset, told["counts"][subset]) for subset in told["counts"]),
        _labels(told, report),
        _people(told, people),
        _collection(told, account),
        _left_out(told),
        _files(told, layout),
        _rights(told, account.licences),
        _maintenance(told),
    ]
    return "\n".join(part for part in parts if part)


def _introduction(told: dict[str, Any]) -> str:
    estimate = told["estimate"]
    changelog = f"\n{told['changelog']}\n" if told["changelog"] else ""
    how = f"""{estimate["n_votes"]:,} votes by {estimate["n_annotators"]:,} annotators stand behind
it. How reliable each annotator is and which expression each face shows were estimated together
(method {estimate["method"]}, estimate {estimate["number"]}, votes
`{estimate["votes_digest"][:16]}…`)."""
    if told["labels_were_given"]:
        how = f"""The labels were given: they came with the pictures and were not estimated here
(estimate {estimate["number"]})."""
    return f"""# {told["project"]["name"]}, release {told["version"]}
{changelog}
{told["n_images"]:,} face photographs with the expression that people see in them, for training and
testing what recognises facial expressions. {how}
"""


def _balance(subset: str, counts: dict[str, dict[str, int]]) -> str:
    train, test = counts["train"], counts["test"]
    whole = max(sum(train.values()) + sum(test.values()), 1)
    rows = "\n".join(
        f"| {i} | {name} | {train[name]:,} | {test[name]:,} "
        f"| {(train[name] + test[name]) / whole:.1%} |"
        for i, name in enumerate(train, start=1)
    )
    return f"""## Classes of `{subset}`

| label | class | train | test | share |
| --: | --- | --: | --: | --: |
{rows}
| | **all** | **{sum(train.values()):,}** | **{sum(test.values()):,}** | |
"""


def _labels(told: dict[str, Any], report: dict[str, Any]) -> str:
    lines = "".join(
        f"- {words}: {report[name]:.3f}\n"
        for name, words in AGREEMENT.items()
        if report.get(name) is not None
    )
    agreed = f"Agreement of the annotators:\n\n{lines}\n" if lines else ""
    split = told["split"]
    sides = (
        "The split is the one that came with the pictures where there was one. "
        if split["was_given"]
        else f"""One of five images of every class is for testing. Near copies, and pictures of one
person where that is known, stand on one side. A face keeps its side in later releases of the same
seed ({split["seed"]}). """
    )
    return f"""## How the labels came about

Annotators choose one of seven expressions for each face. An expression is *valid* for a face when
it has more than its even share of the reliability-weighted votes. One valid expression puts a face
into `basic`; two that form a named compound, neutral not among them, into `compound`. Votes,
weighted shares and posterior of a face are seven numbers in the order surprise, fear, disgust,
happiness, sadness, anger, neutral.

{agreed}{sides}The training images are spread over {split["n_folds"]} folds, every class evenly.
"""


def _people(told: dict[str, Any], people: People) -> str:
    if people.n == 0:
        return ""
    removed = people.n - people.n_kept
    lines = [f"- {people.n:,} annotators, of whom {removed:,} were set aside for unreliable votes."]
    if people.reliability and people.votes:
        lines += [
            "- Reliability of those kept: median {1:.2f}, half of them between {0:.2f} and {2:.2f} "
            "(0 is guessing).".format(*people.reliability),
            "- Votes of each: median {1:,.0f}, half of them between {0:,.0f} and {2:,.0f}.".format(
                *people.votes
            ),
        ]
    lines.append(
        "- `votes.parquet` and `annotators.parquet` have the votes one by one. A person's code is "
        "of this release only."
        if told["has_votes"]
        else "- The votes of single people are not published."
    )
    lines.append(f"- Groups of fewer than {MIN_GROUP} people are not broken down.")
    return "## Annotators\n\n" + "\n".join(lines) + "\n"


def _collection(told: dict[str, Any], account: Account) -> str:
    n = max(told["n_images"], 1)
    known = "".join(f"- {what}: {k:,} ({k / n:.0%})\n" for what, k in account.known.items())
    told_by = "".join(
        f"- {name.capitalize()}: {_counted(counts, choices)}\n"
        for (name, choices), counts in zip(ATTRIBUTES, account.attributes.values(), strict=True)
        if counts
    )
    words = ", ".join(f"{w} ({k:,})" for w, k in _largest(account.keywords, KEYWORDS_SHOWN))
    found = f"Photographs were found by keywords, most often {words}.\n\n" if words else ""
    attributes = f"\nAttributes, as coders marked them:\n\n{told_by}" if told_by else ""
    return f"""## How the photographs came about

{found}Known of the images:

{known}{attributes}"""


def _left_out(told: dict[str, Any]) -> str:
    rows = [f"- {reason}: {n:,}" for reason, n in told["left_out"].items()] or ["- none"]
    warnings = "".join(f"\nNote: {text}\n" for text in told["warnings"])
    return "## Images of the estimate that are not in it\n\n" + "\n".join(rows) + f"\n{warnings}"


def _files(told: dict[str, Any], layout: Layout) -> str:
    pictures = told["pictures"]
    aligned = ", ".join(f"{n:,} by {by}" for by, n in pictures["aligned_by"].items())
    votes = (
        "- `votes.parquet`: file, annotator's code, expression 1–7; `annotators.parquet`: votes,\n"
        "  reliability and standard error of each code.\n"
        if told["has_votes"]
        else ""
    )
    features = "".join(
        f"- `{one['file']}`: {one['n_features']:,} features of each face by the network of run "
        f"{one['run']}\n  ({one['recipe']}, trained on {one['trained_on']}): `train`, `test` with "
        "rows as in the label file, and\n  `train_label`, `test_label`.\n"
        for one in told["features"]
        if layout.own is layout.tree
    )
    return f"""## Files

This is the layout “{layout.name.label}”; the others hold the same faces.

{layout.files}{features}{votes}- `attribution.csv`: source and owner of each photograph.
- `croissant.json`: the tables, described for machines.
- `SHA256SUMS`: every file with its digest; `sha256sum --check SHA256SUMS`.

Aligned faces are turned and scaled so that eyes and mouth stand at fixed places ({aligned}).
Photographs are stored as they came, without metadata; {pictures["encoded_as_jpeg"]:,} that were
not JPEG were encoded once at quality {pictures["jpeg_quality"]}.
"""


def _rights(told: dict[str, Any], licences: Counter[str]) -> str:
    own = told["project"]["licence"] or "not stated; ask its curators before you pass it on"
    counted = "\n".join(f"- {name}: {n:,}" for name, n in sorted(licences.items()))
    return f"""## Rights and limits

Licence of the collection: {own}. Licences of the photographs (each one's source and owner stand
in `attribution.csv`):

{counted}

Faces are personal data. Do not try to find out who the people are, and do not judge people by what
a machine trained on this says of their face. The labels say what people see in a face, not what its
owner felt; the crowd, the keywords and the sources all leave their mark on the class balance, and
few people of an age or origin in the table above means little is known of such faces.
"""


def _maintenance(told: dict[str, Any]) -> str:
    site = str(told["site"]).rstrip("/")
    where = f"at <{site}/take-down/>" if site else "at the site that published this release"
    return f"""## Versions and take-down

This version never changes. Somebody who finds their own picture here can have it taken down
{where}; no account is needed. Versions that held it are then withdrawn, with a version to take
instead, and so should your copy be.
"""


def _counted(counts: Counter[int], choices: Any) -> str:
    whole = counts.total()
    return ", ".join(
        f"{choices(value).label.lower()} {n:,} ({n / whole:.0%})"
        for value, n in sorted(counts.items())
    )


def _largest(counts: Counter[str], n: int) -> Iterable[tuple[str, int]]:
    """The most frequent first; equally frequent ones by name, so that the bytes never vary."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:n]
