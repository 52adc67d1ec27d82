"""Plan: how many votes an image needs, from the votes that an estimate froze.

The curve comes from ``reliability.planning``; here it is asked for, written aside and recorded.
"""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from annotation.jobs.models import Job
from annotation.jobs.services import Claim, JobError, request_job
from annotation.people.models import Person, Project
from annotation.version import code_version

from . import frozen as frozen_votes
from .models import Estimate, VotePlan
from .queries import estimates_of, folder_of

GONE = "The votes that this estimate froze are no longer there: estimate again first."


def can_plan(estimate: Estimate) -> bool:
    """Whether there are single votes to draw from."""
    return estimate.n_annotators > 0 and (folder_of(estimate) / "votes.npz").is_file()


def request_plan(estimate: Estimate, by: Person | None, *, seed: int = 0) -> tuple[Job, bool]:
    """Ask what fewer votes would have given. Raises ``ValidationError``."""
    if not 0 <= seed < 2**31:
        raise ValidationError({"seed": f"{seed} is not between 0 and {2**31 - 1}."})
    if not can_plan(estimate):
        raise ValidationError(GONE)
    return request_job(estimate.project, "plan", {"estimate": estimate.number, "seed": seed}, by)


def build_plan(claim: Claim) -> None:
    """Draw, estimate again, compare; the folder and the record appear together."""
    estimate = _estimate(claim.project, claim.parameters)
    votes = frozen_votes.load(folder_of(estimate) / "votes.npz")
    if votes is None:
        raise JobError(GONE)
    from reliability import planning

    from .services import rule_of

    claim.report(0.0, "Estimating from all votes")
    found = planning.plan(
        votes.votes,
        seed=claim.parameters.get("seed", 0),
        screening=rule_of(estimate.parameters),
        progress=claim.report,
    )
    goal = folder_of(estimate).parent / "plans" / f"{claim.job.pk:08d}"
    aside = goal.with_name(f".{goal.name}.{claim.attempt}")
    uids = dict(claim.project.images.values_list("pk", "uid"))
    for left in goal.parent.glob(f".{goal.name}.*"):  # of an attempt that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        names = [str(uids[pk]) for pk in votes.image_ids.tolist()]
        told = planning.write(aside, found, names)
        figure = found.figure()
        told |= {"title": figure.title, "alt": figure.alt}
        with claim.finishing() as result:
            VotePlan.objects.create(
                estimate=estimate,
                job=claim.job,
                seed=claim.parameters.get("seed", 0),
                code_version=code_version(),
                summary=told,
                folder=str(goal.relative_to(settings.ESTIMATES_ROOT)),
            )
            result.update(plan=estimate.number, message=told["sentence"])
            shutil.rmtree(goal, ignore_errors=True)  # of an attempt that died before its commit
            aside.replace(goal)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def folder_of_plan(plan: VotePlan) -> Path:
    """Where the plan's figure and tables are."""
    folder: Path = settings.ESTIMATES_ROOT / plan.folder
    return folder


def _estimate(project: Project, parameters: dict[str, Any]) -> Estimate:
    found = estimates_of(project).filter(number=parameters.get("estimate")).first()
    if found is None:
        raise JobError(f"There is no estimate {parameters.get('estimate')}.")
    return found
