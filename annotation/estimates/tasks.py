"""Estimates in the background: the job's work, and the periodic trigger."""

from celery import shared_task
from django.core.exceptions import ValidationError

from annotation.jobs.services import Claim
from annotation.jobs.tasks import wake

from . import planning, queries, services


def run_estimate(claim: Claim) -> None:
    """The handler of jobs of kind ``estimate``."""
    services.build_estimate(claim)


def run_plan(claim: Claim) -> None:
    """The handler of jobs of kind ``plan``."""
    planning.build_plan(claim)


@shared_task(name="estimates.periodic")
def periodic() -> None:
    """Request an estimate for every project that is due."""
    for project in queries.projects_due():
        try:
            job, created = services.request_estimate(project, by=None)
        except ValidationError:
            continue  # its only votes are on images that were taken out
        if created:
            wake(job)
