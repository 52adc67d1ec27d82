"""Labelling in the background: assignments past their time go back."""

from celery import shared_task

from annotation.people.models import Project

from . import services


@shared_task(name="labelling.lapse")
def lapse() -> None:
    """Take back what was not answered in time."""
    services.lapse()


@shared_task(name="labelling.pulse")
def pulse() -> None:
    """Write down how the votes of every project grew."""
    for project in Project.objects.filter(is_archived=False):
        services.take_pulse(project)
