"""Jobs from request to end. Every write is one guarded UPDATE; who touches no row must stop.

A worker *claims* a job and so raises its ``attempt``; the attempt is the fencing token: a worker
whose lease expired and whose job was claimed again finds that its guarded UPDATE matches nothing.
"""

import errno
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from annotation.audit.models import Kind as Log
from annotation.audit.services import tell
from annotation.people.models import Person, Project

from .kinds import KINDS
from .models import Job, JobLine

logger = logging.getLogger(__name__)
State = Job.State
WAKE_AGAIN_S = 15
LOGGED_AS = {
    "import": Log.IMAGES,
    "collect": Log.IMAGES,
    "find_faces": Log.FACES,
    "design": Log.PROJECT,
    "plan": Log.ESTIMATES,
    "estimate": Log.ESTIMATES,
    "release": Log.RELEASES,
    "train": Log.RUNS,
}
REPORT_INTERVAL_S = 0.5


class JobError(Exception):
    """Work that cannot be done, with a message for the person who asked for it."""


class Stopped(Exception):
    """This claim no longer holds: the job was cancelled or another attempt has it."""


class Cancelled(Stopped):
    """Somebody asked for this job to be cancelled."""


def request_job(
    project: Project, kind: str, parameters: dict[str, Any], by: Person | None
) -> tuple[Job, bool]:
    """Queue a job, or find the one of this kind that is already queued or running.

    Returns the job and whether it is new. The edge wakes a worker (``jobs.tasks.wake``).
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    try:
        with transaction.atomic():
            job = Job.objects.create(
                project=project, kind=kind, parameters=parameters, created_by=by
            )
            _tell("asked for", job, "; ".join(f"{k}: {v}" for k, v in parameters.items()))
    except IntegrityError:
        live = Job.objects.filter(
            project=project, kind=kind, state__in=[State.QUEUED, State.RUNNING]
        ).first()
        if live is None:  # it ended between the two statements
            return request_job(project, kind, parameters, by)
        return live, False
    return job, True


def cancel_job(job: Job) -> None:
    """Cancel: at once where the job still waits, at its next report where it runs."""
    waiting = Job.objects.filter(pk=job.pk, state=State.QUEUED)
    with transaction.atomic():
        if not waiting.update(state=State.CANCELLED, finished_at=Now(), message="Cancelled"):
            Job.objects.filter(pk=job.pk, state=State.RUNNING).update(cancel_requested=True)
        _tell("cancelled", job)
    job.refresh_from_db()


def retry_job(job: Job) -> bool:
    """Queue a failed or cancelled job again, with its parameters; False where it may not be."""
    ended = Job.objects.filter(pk=job.pk, state__in=[State.FAILED, State.CANCELLED])
    try:
        with transaction.atomic():
            changed = ended.update(
                state=State.QUEUED,
                cancel_requested=False,
                progress=0.0,
                message="",
                error="",
                max_attempts=F("attempt") + 3,
                woken_at=Now(),
                started_at=None,
                finished_at=None,
            )
            if changed:
                _tell("asked again for", job)
    except IntegrityError:
        return False
    job.refresh_from_db()
    return bool(changed)


def claim_job(job_id: int, worker: str) -> "Claim | None":
    """Take a queued job for this worker; None where it is not there to be taken."""
    taken = Job.objects.filter(pk=job_id, state=State.QUEUED).update(
        state=State.RUNNING,
        attempt=F("attempt") + 1,
        claimed_by=worker,
        lease_until=Now() + timedelta(seconds=settings.JOB_LEASE_S),
        started_at=Now(),
        progress=0.0,
        message="",
    )
    if not taken:
        return None
    job = Job.objects.get(pk=job_id)
    return Claim(job=job, attempt=job.attempt)


@dataclass
class Claim:
    """One attempt at one job, as its handler sees it."""

    job: Job
    attempt: int
    is_finished: bool = field(default=False, init=False)
    _reported_at: float = field(default=0.0, init=False)

    @property
    def parameters(self) -> dict[str, Any]:
        return self.job.parameters

    @property
    def project(self) -> Project:
        return self.job.project

    def report(self, fraction: float, message: str = "") -> None:
        """Write progress (0–1) and renew the lease, at most twice a second.

        Raises ``Cancelled`` or ``Stopped`` where this attempt must end.
        """
        now = time.monotonic()
        if now - self._reported_at < REPORT_INTERVAL_S and fraction < 1.0:
            return
        self._reported_at = now
        self._renew(progress=min(max(fraction, 0.0), 1.0), message=message[:300])

    def check(self) -> None:
        """Renew the lease without a word on progress; raises as ``report`` does."""
        self._renew()

    def log(self, text: str) -> None:
        """Add a line to the job's log."""
        JobLine.objects.create(job=self.job, attempt=self.attempt, text=text[:500])

    @contextmanager
    def finishing(self) -> Iterator[dict[str, Any]]:
        """End the job and write its record in one transaction: whole or not at all.

        Yields the dictionary that becomes the job's result; its ``message`` is the job's last
        word. Raises ``Stopped`` before anything is written where this attempt was superseded.
        """
        result: dict[str, Any] = {}
        with transaction.atomic():
            self._must_touch(
                self._mine(not_cancelled=True).update(
                    state=State.SUCCEEDED, progress=1.0, finished_at=Now(), lease_until=None
                )
            )
            yield result
            message = str(result.pop("message", ""))[:300]
            Job.objects.filter(pk=self.job.pk).update(result=result, message=message)
        self.is_finished = True

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Renew the lease from a thread while the handler works without reporting.

        The thread dies with its process and freezes with it, which is all a lease must show.
        """
        done = threading.Event()

        def renew() -> None:
            try:
                while not done.wait(settings.JOB_LEASE_S / 3):
                    try:
                        self._mine().update(lease_until=_lease_end())
                    except (OperationalError, InterfaceError) as error:
                        logger.warning("lease of job %s not renewed: %s", self.job.pk, error)
                        connection.close()
            finally:
                connection.close()

        thread = threading.Thread(target=renew, name=f"lease of job {self.job.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _mine(self, not_cancelled: bool = False) -> Any:
        rows = Job.objects.filter(pk=self.job.pk, attempt=self.attempt, state=State.RUNNING)
        return rows.filter(cancel_requested=False) if not_cancelled else rows

    def _renew(self, **values: Any) -> None:
        self._must_touch(self._mine(not_cancelled=True).update(lease_until=_lease_end(), **values))

    def _must_touch(self, n_rows: int) -> None:
        if n_rows:
            return
        if self._mine().filter(cancel_requested=True).exists():
            raise Cancelled("cancelled")
        raise Stopped(f"attempt {self.attempt} of job {self.job.pk} was superseded")

    def end(self, state: str, error: str = "") -> None:
        """Mark this attempt's job as failed or cancelled, unless another attempt has it."""
        message = "Cancelled" if state == State.CANCELLED else error.split("\n")[0][:300]
        self._mine().update(
            state=state, error=error, message=message, finished_at=Now(), lease_until=None
        )


def perform(job_id: int, worker: str) -> None:
    """Claim a job and do it. Safe to call twice: the second finds nothing to claim."""
    claim = claim_job(job_id, worker)
    if claim is None:
        return
    claim.log(f"Attempt {claim.attempt} started.")
    try:
        with claim.kept_alive():
            KINDS[claim.job.kind].load()(claim)
            if not claim.is_finished:
                with claim.finishing():
                    pass
    except Cancelled:
        claim.end(State.CANCELLED)
    except Stopped as stopped:
        logger.warning("%s", stopped)
    except (JobError, OSError) as error:
        claim.log(str(error))
        claim.end(State.FAILED, _told(error))
    except (OperationalError, InterfaceError):
        raise  # the database is away: the lease expires and the reaper gives the job to another
    except Exception as error:
        logger.exception("job %s failed", job_id)
        claim.log(traceback.format_exc(limit=-3)[-500:])
        claim.end(State.FAILED, f"Unexpected {type(error).__name__}: {error}")


def is_disk_full(error: BaseException) -> bool:
    """Whether there was no room left to write to."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _told(error: BaseException) -> str:
    if not is_disk_full(error):
        return str(error)
    return "The disk is full. Nothing half written was kept; make room, then try again."


def reap_jobs() -> list[Job]:
    """Give expired jobs back to the queue, fail those that used up their attempts.

    Returns the jobs that a worker must be woken for: these, and any that nobody woke for.
    """
    expired = Job.objects.filter(state=State.RUNNING, lease_until__lt=Now())
    expired.filter(cancel_requested=True).update(
        state=State.CANCELLED, finished_at=Now(), lease_until=None, message="Cancelled"
    )
    worn_out = "The worker died on every attempt; see the log of the worker."
    expired.filter(attempt__gte=F("max_attempts")).update(
        state=State.FAILED, finished_at=Now(), lease_until=None, error=worn_out, message=worn_out
    )
    expired.update(state=State.QUEUED, lease_until=None, message="Worker lost; queued again")
    sleeping = Job.objects.filter(state=State.QUEUED).filter(
        Q(woken_at__lt=Now() - timedelta(seconds=WAKE_AGAIN_S)) | Q(attempt__gt=0)
    )
    jobs = list(sleeping)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(woken_at=Now())
    return jobs


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.JOB_LEASE_S)


def _tell(words: str, job: Job, after: str = "") -> None:
    """In the log of what curators did; under the kind that the job is of."""
    title = f"{KINDS[job.kind].title.lower()}, job {job.pk}"
    tell(
        LOGGED_AS.get(job.kind, Log.JOBS), words, project=job.project_id, subject=title, after=after
    )
