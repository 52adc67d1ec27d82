"""Estimate: from the frozen votes of a project to reliabilities, consensus and subsets.

The numbers come from ``reliability``; here they are frozen, written aside and recorded.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

import reliability
from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.jobs.models import Job
from annotation.jobs.services import Claim, JobError, request_job
from annotation.labelling.queries import votes_of
from annotation.labelling.services import take_pulse
from annotation.people.models import Membership, Person, Project, Role
from annotation.version import code_version
from reliability import gallery, report
from reliability.expressions import NAMES
from reliability.plots import Figure

from .given import GIVEN, build_given
from .models import AnnotatorEstimate, Estimate, ItemEstimate, Overruling
from .queries import has_given_labels, has_votes

METHODS = ("glad", "dawid-skene", "one-coin", "majority", GIVEN)
NO_VOTES = "There are no votes yet: an estimate needs at least one vote."
FIT_SHARE = 0.5  # of the job's progress; the rest is tables and figures
N_FIGURES = 10


@dataclass(frozen=True)
class FrozenVotes:
    """The current votes of a project at one moment, with what the indices stand for.

    ``image_ids`` ``(n_items,)`` and ``annotator_ids`` ``(n_annotators,)`` ascend; ``votes`` speaks
    of their positions.
    """

    votes: reliability.Votes
    image_ids: np.ndarray[Any, np.dtype[np.int64]]
    annotator_ids: np.ndarray[Any, np.dtype[np.int64]]

    def save(self, path: Path) -> None:
        np.savez_compressed(
            path,
            item=self.votes.item,
            annotator=self.votes.annotator,
            expression=self.votes.expression,
            image_ids=self.image_ids,
            annotator_ids=self.annotator_ids,
        )


def request_estimate(
    project: Project, by: Person | None, *, method: str = "glad", seed: int = 0
) -> tuple[Job, bool]:
    """Ask for an estimate of the project's present votes. Raises ``ValidationError``."""
    if method not in METHODS:
        raise ValidationError({"method": f"{method!r} is not one of {', '.join(METHODS)}."})
    if not 0 <= seed < 2**31:
        raise ValidationError({"seed": f"{seed} is not between 0 and {2**31 - 1}."})
    if method == GIVEN:
        if not has_given_labels(project):
            raise ValidationError({"method": "No active image came with a label."})
    elif not has_votes(project):
        raise ValidationError(NO_VOTES)
    return request_job(project, "estimate", {"method": method, "seed": seed}, by)


def freeze_votes(project: Project) -> FrozenVotes:
    """Copy the current votes on active images into arrays, in an order that never varies."""
    images, annotators, expressions = votes_of(project)
    if len(images) == 0:
        raise JobError(NO_VOTES)
    image_ids, item = np.unique(images, return_inverse=True)
    annotator_ids, annotator = np.unique(annotators, return_inverse=True)
    votes = reliability.Votes(
        item,
        annotator,
        expressions,
        n_items=len(image_ids),
        n_annotators=len(annotator_ids),
        n_classes=len(NAMES),
    )
    return FrozenVotes(votes, image_ids, annotator_ids)


def build_estimate(claim: Claim) -> None:
    """Freeze, fit, write the folder aside, then record all of it at once."""
    project, parameters = claim.project, claim.parameters
    if parameters.get("method") == GIVEN:
        goal = _next_folder(project)
        _clear_leftovers(goal.parent, claim.job.pk)
        build_given(claim, goal, str(goal.relative_to(settings.ESTIMATES_ROOT)))
        return
    claim.report(0.0, "Freezing the votes")
    take_pulse(project, claim.job.started_at)
    frozen = freeze_votes(project)
    claim.log(f"{len(frozen.votes.item):,} votes on {len(frozen.image_ids):,} images frozen.")
    fit = reliability.estimate(
        frozen.votes,
        method=parameters.get("method", "glad"),
        screening=reliability.ScreeningRule(),
        overrides=_overrides(frozen),
        seed=parameters.get("seed", 0),
        progress=lambda done, message: claim.report(FIT_SHARE * done, message),
    )
    goal = _next_folder(project)
    aside = goal.with_name(f".{goal.name}.{claim.job.pk}-{claim.attempt}")
    _clear_leftovers(goal.parent, claim.job.pk)
    aside.mkdir(parents=True)
    try:
        claim.report(FIT_SHARE, "Writing tables and figures")
        told = _write_folder(claim, aside, frozen, fit)
        claim.report(0.9, "Recording")
        with claim.finishing() as result:
            estimate = _record(claim, frozen, fit, told, goal)
            result.update(estimate=estimate.number, n_kept=estimate.n_kept)
            kept = f"{estimate.n_kept:,} of {estimate.n_annotators:,} annotators kept"
            result["message"] = f"{kept}, {estimate.n_items:,} images estimated"
            shutil.rmtree(goal, ignore_errors=True)  # of an attempt that died before its commit
            aside.replace(goal)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def overrule(annotator: Membership, keep: bool, reason: str, by: Person) -> Overruling:
    """Set a curator's word over the screening of one annotator, from the next estimate on."""
    if not reason.strip():
        raise ValidationError({"reason": "Say why: others will read it."})
    if annotator.role != Role.ANNOTATOR:
        raise ValidationError({"annotator": f"{annotator.code} is not an annotator."})
    with transaction.atomic():
        before = Overruling.objects.filter(annotator=annotator, withdrawn_at=None).first()
        Overruling.objects.filter(annotator=annotator, withdrawn_at=None).update(withdrawn_at=Now())
        made = Overruling.objects.create(
            annotator=annotator, keep=keep, reason=reason.strip()[:300], decided_by=by
        )
        _tell_overruling("overruled the screening", annotator, before, made)
        return made


def withdraw_overruling(annotator: Membership) -> bool:
    """Let the rule decide again; False where nobody had overruled it."""
    with transaction.atomic():
        standing = Overruling.objects.filter(annotator=annotator, withdrawn_at=None)
        before = standing.first()
        if not standing.update(withdrawn_at=Now()):
            return False
        _tell_overruling("let the screening decide again", annotator, before, None)
    return True


def _tell_overruling(
    words: str, annotator: Membership, before: Overruling | None, after: Overruling | None
) -> None:
    told = [
        f"{'keep' if one.keep else 'leave out'}: {one.reason}" if one else "the rule decides"
        for one in (before, after)
    ]
    project, code = annotator.project_id, annotator.code
    tell(Kind.ESTIMATES, words, project=project, subject=code, before=told[0], after=told[1])


def _overrides(frozen: FrozenVotes) -> dict[int, bool]:
    standing = Overruling.objects.filter(
        annotator__in=frozen.annotator_ids.tolist(), withdrawn_at=None
    )
    position = {pk: i for i, pk in enumerate(frozen.annotator_ids.tolist())}
    return {position[row.annotator_id]: row.keep for row in standing}


def _write_folder(
    claim: Claim, folder: Path, frozen: FrozenVotes, fit: reliability.Estimate
) -> dict[str, Any]:
    project = claim.project
    codes = dict(Membership.objects.filter(project=project).values_list("pk", "code"))
    uids = dict(project.images.values_list("pk", "uid"))
    names = [codes[pk] for pk in frozen.annotator_ids.tolist()]
    items = [str(uids[pk]) for pk in frozen.image_ids.tolist()]
    frozen.save(folder / "votes.npz")
    told = report.write(
        folder,
        frozen.votes,
        fit,
        item_names=items,
        annotator_names=names,
        class_names=NAMES,
        figures=False,
    )
    _draw_figures(claim, folder, project, frozen, fit, names, items)
    return told


def _draw_figures(
    claim: Claim,
    folder: Path,
    project: Project,
    frozen: FrozenVotes,
    fit: reliability.Estimate,
    names: list[str],
    items: list[str],
) -> None:
    def link(noun: str, keys: list[str]) -> Callable[[int], str]:
        return lambda i: f"/p/{project.slug}/{noun}/{keys[i]}/"

    drawn = gallery.figures(
        frozen.votes,
        fit,
        annotator_names=names,
        item_names=items,
        class_names=NAMES,
        target=project.target_votes,
        annotator_url=link("people", names),
        item_url=link("images", items),
        seed=claim.parameters.get("seed", 0),
    )

    def counted() -> Iterator[Figure]:
        for n, figure in enumerate(drawn):
            claim.report(FIT_SHARE + (0.9 - FIT_SHARE) * n / N_FIGURES, f"Drawing {figure.title}")
            yield figure

    gallery.write_gallery(folder / "figures", counted())


def _record(
    claim: Claim,
    frozen: FrozenVotes,
    fit: reliability.Estimate,
    told: dict[str, Any],
    goal: Path,
) -> Estimate:
    estimate = Estimate.objects.create(
        project=claim.project,
        number=int(goal.name),
        job=claim.job,
        method=fit.method,
        parameters=claim.parameters,
        seed=claim.parameters.get("seed", 0),
        code_version=code_version(),
        votes_digest=frozen.votes.digest,
        n_items=len(frozen.image_ids),
        n_annotators=len(frozen.annotator_ids),
        n_votes=len(frozen.votes.item),
        n_kept=int(fit.kept.sum()),
        converged=bool(fit.converged),
        report=told,
        folder=str(goal.relative_to(settings.ESTIMATES_ROOT)),
    )
    AnnotatorEstimate.objects.bulk_create(_annotator_rows(estimate, frozen, fit))
    ItemEstimate.objects.bulk_create(_item_rows(estimate, frozen, fit), batch_size=2000)
    return estimate


def _annotator_rows(
    estimate: Estimate, frozen: FrozenVotes, fit: reliability.Estimate
) -> list[AnnotatorEstimate]:
    return [
        AnnotatorEstimate(
            estimate=estimate,
            annotator_id=pk,
            reliability=float(fit.reliability[i]),
            std_error=float(fit.std_error[i]),
            accuracy=float(fit.accuracy[i]),
            n_votes=int(fit.n_votes[i]),
            kept=bool(fit.kept[i]),
            reason=fit.reason[i],
        )
        for i, pk in enumerate(frozen.annotator_ids.tolist())
    ]


def _item_rows(
    estimate: Estimate, frozen: FrozenVotes, fit: reliability.Estimate
) -> list[ItemEstimate]:
    parts = reliability.partition(fit.weighted_votes)
    columns = zip(
        frozen.image_ids.tolist(),
        frozen.votes.counts.sum(axis=1).astype(int).tolist(),
        fit.consensus.tolist(),
        fit.confidence.tolist(),
        fit.easiness.tolist(),
        fit.entropy.tolist(),
        parts.subset.tolist(),
        parts.compound.tolist(),
        np.round(fit.posterior, 9).tolist(),
        np.round(fit.distribution, 9).tolist(),
        strict=True,
    )
    return [
        ItemEstimate(
            estimate=estimate,
            image_id=pk,
            n_votes=n_votes,
            consensus=consensus,
            confidence=confidence,
            easiness=easiness,
            entropy=entropy,
            subset=subset,
            compound=compound if compound >= 0 else None,
            posterior=posterior,
            distribution=distribution,
        )
        for (
            pk, n_votes, consensus, confidence, easiness, entropy,
            subset, compound, posterior, distribution,
        ) in columns
    ]  # fmt: skip


def _next_folder(project: Project) -> Path:
    """The folder of the next number; one live job per project and kind keeps it unshared."""
    last = project.estimates.aggregate(last=Max("number"))["last"] or 0
    folder: Path = settings.ESTIMATES_ROOT / project.slug / f"{last + 1:04d}"
    return folder


def _clear_leftovers(parent: Path, job_id: int) -> None:
    for left in parent.glob(f".*.{job_id}-*"):
        shutil.rmtree(left, ignore_errors=True)
