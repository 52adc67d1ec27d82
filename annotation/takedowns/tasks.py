"""The task that finishes what a take-down set off, however it was cut short."""

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from annotation.jobs.tasks import wake
from annotation.releases.services import mail_notices

from . import removal


@shared_task(name="takedowns.follow")
def follow() -> None:
    """Erase, withdraw, ask for next versions, tell people; safe to run at any time."""
    removal.enforce()
    for job in removal.request_patches():
        wake(job)
    mail_notices()


def follow_soon() -> None:
    """Let a worker do it now rather than at the next beat."""
    transaction.on_commit(_send)


def _send() -> None:
    try:
        follow.apply_async(retry=False)
    except (OperationalError, OSError):
        return  # the beat comes in a few seconds
