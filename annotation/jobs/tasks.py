"""The two Celery tasks of the whole site's job machinery: do one job, and reap."""

import logging
import os
import socket

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from . import services
from .kinds import KINDS
from .models import Job

logger = logging.getLogger(__name__)


@shared_task(name="jobs.perform")
def perform(job_id: int) -> None:
    """Do one job; may be delivered any number of times."""
    services.perform(job_id, worker=f"{socket.gethostname()}:{os.getpid()}")


@shared_task(name="jobs.reap")
def reap() -> None:
    """Return lost jobs to the queue and wake workers for them."""
    for job in services.reap_jobs():
        wake(job)


def wake(job: Job) -> None:
    """Tell the job's queue, once the transaction is committed. A dead broker is no error:
    the reaper wakes again."""
    transaction.on_commit(lambda: _send(job.pk, KINDS[job.kind].queue))


def _send(job_id: int, queue: str) -> None:
    try:
        perform.apply_async(args=[job_id], queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("no worker woken for job %s: %s", job_id, error)
