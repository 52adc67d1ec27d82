"""Labelling in the background: assignments past their time go back."""

from celery import shared_task

from . import services


@shared_task(name="labelling.lapse")
def lapse() -> None:
    """Take back what was not answered in time."""
    services.lapse()
