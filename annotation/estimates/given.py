"""The estimate of an imported set: its labels as they were given, nothing fitted to them.

Vote counts become shares and the paper's partition decides on them, every vote counting alike. A
mere label becomes a certainty, a compound the half of two. Nobody's reliability is known, and an
image's easiness is not: it stands at 1 and is left out of releases.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import reliability
from annotation.images.models import GivenLabel, Image
from annotation.jobs.services import Claim, JobError
from annotation.people.models import Project
from annotation.version import code_version
from reliability import Subset
from reliability.expressions import COMPOUNDS, N_EXPRESSIONS

from .models import Estimate, ItemEstimate

GIVEN = "given"
Shares = np.ndarray[Any, np.dtype[np.float64]]


def build_given(claim: Claim, goal: Path, folder_name: str) -> None:
    """Record the labels that came with the project's active images as an estimate."""
    rows = given_labels(claim.project)
    if not rows:
        raise JobError("No active image came with a label.")
    claim.report(0.2, "Reading the labels that were given")
    items = list(items_of(rows))
    aside = goal.with_name(f".{goal.name}.{claim.job.pk}-{claim.attempt}")
    aside.mkdir(parents=True)
    try:
        told = _write_folder(aside, rows, items)
        with claim.finishing() as result:
            estimate = _record(claim, rows, items, told, int(goal.name), folder_name)
            result.update(estimate=estimate.number)
            result["message"] = f"Labels of {estimate.n_items:,} images taken as they were given"
            shutil.rmtree(goal, ignore_errors=True)  # of an attempt that died before its commit
            aside.replace(goal)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def given_labels(project: Project) -> list[GivenLabel]:
    """The labels that came with active images, in the order of the images."""
    rows = GivenLabel.objects.filter(image__project=project, image__state=Image.State.ACTIVE)
    return list(rows.defer("texts").order_by("image_id"))


def items_of(rows: list[GivenLabel]) -> Iterator[ItemEstimate]:
    """One row for each given label, without its estimate."""
    shares = np.array([shares_of(row) for row in rows])
    parts = reliability.partition(shares, are_expressions=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(np.where(shares > 0, shares * np.log(shares), 0.0), axis=1)
    for i, row in enumerate(rows):
        subset, compound = _place(row, int(parts.subset[i]), int(parts.compound[i]))
        values = [round(float(v), 9) for v in shares[i]]
        yield ItemEstimate(
            image_id=row.image_id,
            n_votes=sum(row.counts or []),
            consensus=_consensus(row, shares[i]),
            confidence=max(values),
            easiness=1.0,
            entropy=float(entropy[i]),
            subset=subset,
            compound=compound,
            posterior=values,
            distribution=values,
        )


def shares_of(row: GivenLabel) -> Shares:
    """Seven shares that sum to 1: told, counted, or all on the label."""
    if row.distribution is not None or row.counts is not None:
        told: Shares = np.array(row.distribution or row.counts, dtype=np.float64)
        return np.asarray(told / told.sum())
    shares = np.zeros(N_EXPRESSIONS)
    label = row.label or 0
    if row.subset == "compound":
        shares[[int(e) for e in COMPOUNDS[label][1:]]] = 0.5  # type: ignore[call-overload]
    else:
        shares[label] = 1.0
    return shares


def _place(row: GivenLabel, subset: int, compound: int) -> tuple[int, int | None]:
    """The subset that the set itself put the image into, else what the shares say."""
    if row.subset == "basic":
        return int(Subset.SINGLE_LABEL), None
    if row.subset == "compound":
        return int(Subset.TWO_TAB), row.label
    return subset, compound if compound >= 0 else None


def _consensus(row: GivenLabel, shares: Shares) -> int:
    """The label of a single-label image whatever its shares say; else the largest share."""
    return row.label if row.subset == "basic" and row.label is not None else int(shares.argmax())


def _write_folder(
    folder: Path, rows: list[GivenLabel], items: list[ItemEstimate]
) -> dict[str, Any]:
    counted = [row for row in rows if row.counts is not None]
    if counted:
        np.savez_compressed(
            folder / "votes.npz",
            image_ids=np.array([row.image_id for row in counted], dtype=np.int64),
            counts=np.array([row.counts for row in counted], dtype=np.int64),
        )
    subsets = {s.title: sum(item.subset == s for item in items) for s in Subset}
    told = {"method": GIVEN, "n_counted": len(counted), "subsets": subsets, "agreement": {}}
    (folder / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def _record(
    claim: Claim,
    rows: list[GivenLabel],
    items: list[ItemEstimate],
    told: dict[str, Any],
    number: int,
    folder: str,
) -> Estimate:
    estimate = Estimate.objects.create(
        project=claim.project,
        number=number,
        job=claim.job,
        method=GIVEN,
        parameters=claim.parameters,
        code_version=code_version(),
        votes_digest=_digest(rows),
        n_items=len(rows),
        n_annotators=0,
        n_votes=sum(item.n_votes for item in items),
        n_kept=0,
        converged=True,
        report=told,
        folder=folder,
    )
    for item in items:
        item.estimate = estimate
    ItemEstimate.objects.bulk_create(items, batch_size=2000)
    return estimate


def _digest(rows: list[GivenLabel]) -> str:
    sha = hashlib.sha256()
    for row in rows:
        sha.update(
            f"{row.image_id} {row.subset} {row.label} {row.counts} {row.distribution}\n".encode()
        )
    return sha.hexdigest()
