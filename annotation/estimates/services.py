"""Estimate: from the frozen votes of a project to reliabilities, consensus and subsets.

The numbers come from ``reliability``; here they are frozen, written aside and recorded.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

import reliability
from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.jobs.models import Job
from annotation.jobs.services import Claim, request_job
from annotation.labelling.services import take_pulse
from annotation.people.models import Membership, Person, Project, Role
from annotation.version import code_version
from reliability import ScreeningRule, gallery, null, report
from reliability.expressions import NAMES
from reliability.null import Band
from reliability.plots import Figure

from . import warm
from .frozen import NO_VOTES, FrozenVotes, freeze_votes
from .given import GIVEN, build_given
from .models import AnnotatorEstimate, Estimate, Overruling
from .queries import has_given_labels, has_votes, latest_fit
from .rows import annotator_rows, store_items

METHODS = ("glad", "dawid-skene", "one-coin", "majority", GIVEN)
FIT_SHARE = 0.5  # of the job's progress; the rest is tables and figures
N_FIGURES = 11


def request_estimate(
    project: Project,
    by: Person | None,
    *,
    method: str = "glad",
    seed: int = 0,
    rule: ScreeningRule | None = None,
) -> tuple[Job, bool]:
    """Ask for an estimate of the project's present votes. Raises ``ValidationError``.

    Without a ``rule`` of screening that of the last estimate stands.
    """
    if method not in METHODS:
        raise ValidationError({"method": f"{method!r} is not one of {', '.join(METHODS)}."})
    if not 0 <= seed < 2**31:
        raise ValidationError({"seed": f"{seed} is not between 0 and {2**31 - 1}."})
    if method == GIVEN:
        if not has_given_labels(project):
            raise ValidationError({"method": "No active image came with a label."})
    elif not has_votes(project):
        raise ValidationError(NO_VOTES)
    parameters = {"method": method, "seed": seed}
    if method != GIVEN:
        parameters["rule"] = asdict(rule or standing_rule(project))
    return request_job(project, "estimate", parameters, by)


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
    method = parameters.get("method", "glad")
    last = warm.last_of(project, method)
    if last is not None:
        claim.log(f"Begins where estimate {last.number} ended.")
    fit = reliability.estimate(
        frozen.votes,
        method=method,
        screening=rule_of(parameters),
        overrides=_overrides(frozen),
        start=warm.take(last, frozen),
        seed=parameters.get("seed", 0),
        progress=lambda done, message: claim.report(FIT_SHARE * done, message),
    )
    goal = _next_folder(project)
    aside = goal.with_name(f".{goal.name}.{claim.job.pk}-{claim.attempt}")
    _clear_leftovers(goal.parent, claim.job.pk)
    aside.mkdir(parents=True)
    try:
        claim.report(FIT_SHARE, "Writing tables and figures")
        band = gallery.band_of(
            frozen.votes, fit, screening=rule_of(parameters), seed=parameters.get("seed", 0)
        )
        told = _write_folder(claim, aside, frozen, fit, band)
        told["began_at"] = None if last is None else last.number
        claim.report(0.9, "Recording")
        with claim.finishing() as result:
            estimate = _record(claim, frozen, fit, told, goal, band)
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


def standing_rule(project: Project) -> ScreeningRule:
    """The rule of screening that the last estimate used; the library's where there was none."""
    last = latest_fit(project)
    return ScreeningRule() if last is None else rule_of(last.parameters)


def rule_of(parameters: dict[str, Any]) -> ScreeningRule:
    """The rule of screening in a job's parameters; the library's in those older than rules."""
    return ScreeningRule(**parameters.get("rule", {}))


def _measured_ms(frozen: FrozenVotes) -> Any:
    """Milliseconds per vote for the figure of speed; None where not every vote has them."""
    ms = frozen.response_ms
    return ms if ms is not None and (ms >= 0).all() else None


def _overrides(frozen: FrozenVotes) -> dict[int, bool]:
    standing = Overruling.objects.filter(
        annotator__in=frozen.annotator_ids.tolist(), withdrawn_at=None
    )
    position = {pk: i for i, pk in enumerate(frozen.annotator_ids.tolist())}
    return {position[row.annotator_id]: row.keep for row in standing}


def _write_folder(
    claim: Claim,
    folder: Path,
    frozen: FrozenVotes,
    fit: reliability.Estimate,
    band: Band | None,
) -> dict[str, Any]:
    project = claim.project
    codes = dict(Membership.objects.filter(project=project).values_list("pk", "code"))
    uids = dict(project.images.values_list("pk", "uid"))
    names = [codes[pk] for pk in frozen.annotator_ids.tolist()]
    items = [str(uids[pk]) for pk in frozen.image_ids.tolist()]
    frozen.save(folder / "votes.npz")
    warm.leave(folder, frozen, fit)
    told = report.write(
        folder,
        frozen.votes,
        fit,
        item_names=items,
        annotator_names=names,
        class_names=NAMES,
        figures=False,
    )
    _draw_figures(claim, folder, frozen, fit, names, items, band)
    return told


def _draw_figures(
    claim: Claim,
    folder: Path,
    frozen: FrozenVotes,
    fit: reliability.Estimate,
    names: list[str],
    items: list[str],
    band: Band | None,
) -> None:
    project = claim.project
    images = f"/p/{project.slug}/estimates/{int(folder.name.split('.')[1])}/images/"

    def link(noun: str, keys: list[str]) -> Callable[[int], str]:
        return lambda i: f"/p/{project.slug}/{noun}/{keys[i]}/"

    drawn = gallery.figures(
        frozen.votes,
        fit,
        annotator_names=names,
        item_names=items,
        class_names=NAMES,
        target=project.target_votes,
        response_ms=_measured_ms(frozen),
        screening=rule_of(claim.parameters),
        band=band,
        subset_url=lambda subset: f"{images}?subset={subset}",
        cell_url=lambda row, _: f"{images}?consensus={NAMES[row]}",
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
    band: Band | None,
) -> Estimate:
    certain = null.certain(frozen.votes, fit)
    told["certain"] = int(certain.sum())
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
    AnnotatorEstimate.objects.bulk_create(annotator_rows(estimate, frozen, fit, band))
    store_items(estimate, frozen, fit, certain)
    return estimate


def _next_folder(project: Project) -> Path:
    """The folder of the next number; one live job per project and kind keeps it unshared."""
    last = project.estimates.aggregate(last=Max("number"))["last"] or 0
    folder: Path = settings.ESTIMATES_ROOT / project.slug / f"{last + 1:04d}"
    return folder


def _clear_leftovers(parent: Path, job_id: int) -> None:
    for left in parent.glob(f".*.{job_id}-*"):
        shutil.rmtree(left, ignore_errors=True)
