"""Labelling in the background: what is late goes back, plans are drawn, certain images stop."""

import numpy as np
from celery import shared_task
from django.core.exceptions import ValidationError

from annotation.estimates.queries import certain_images, latest_estimate
from annotation.jobs.services import Claim, JobError
from annotation.people.models import Project

from . import planning, services
from .models import Rules
from .rules import settle


@shared_task(name="labelling.lapse")
def lapse() -> None:
    """Take back what was not answered in time."""
    services.lapse()


@shared_task(name="labelling.pulse")
def pulse() -> None:
    """Write down how the votes of every project grew."""
    for project in Project.objects.filter(is_archived=False):
        services.take_pulse(project)


@shared_task(name="labelling.settle")
def settle_images() -> None:
    """Let images stop early by the last estimate, where a project's rules say so."""
    for rules in Rules.objects.exclude(certainty=None).select_related("project"):
        last = latest_estimate(rules.project)
        if last is None or last.pk == rules.settled_by:
            continue
        settle(rules.project, certain_images(last, rules.certainty, rules.least_votes))
        Rules.objects.filter(pk=rules.pk, certainty=rules.certainty).update(settled_by=last.pk)


def run_plan(claim: Claim) -> None:
    """The handler of jobs of kind ``design``; a retry goes on with the images that are left."""
    try:
        rng = np.random.default_rng(claim.parameters.get("seed"))
        with claim.kept_alive():
            n_planned = planning.draw_plan(claim.project, rng, claim.report)
    except ValidationError as error:
        raise JobError(" ".join(error.messages)) from None
    with claim.finishing() as result:
        result["n_planned"] = n_planned
