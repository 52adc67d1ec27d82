"""The task that tells webhooks what has ended."""

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from . import services


@shared_task(name="webhooks.deliver")
def deliver() -> None:
    """Note ended work and send what is due; safe to run at any time, and twice at once."""
    services.note_ended_work()
    services.send_due()
    services.forget_old()


def deliver_soon() -> None:
    """Let a worker do it now rather than at the next beat."""
    transaction.on_commit(_send)


def _send() -> None:
    try:
        deliver.apply_async(retry=False)
    except (OperationalError, OSError):
        return  # the beat comes in a few seconds
