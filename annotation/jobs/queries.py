"""What people may see of jobs."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from annotation.people.models import Project

from .models import Job


def jobs_of(project: Project) -> QuerySet[Job]:
    """The project's jobs, newest first."""
    return Job.objects.filter(project=project).select_related("created_by").order_by("-id")


def live_job(project: Project, kind: str) -> Job | None:
    """The queued or running job of a kind, if any."""
    return jobs_of(project).filter(kind=kind, state__in=["queued", "running"]).first()


def elapsed(job: Job) -> timedelta | None:
    """How long the job's last attempt has run, or ran."""
    if job.started_at is None:
        return None
    return (job.finished_at or timezone.now()) - job.started_at


def expected_remaining(job: Job) -> timedelta | None:
    """How long it will still take if it goes on at its pace; None while that is unknown."""
    spent = elapsed(job)
    if job.state != Job.State.RUNNING or spent is None or job.progress < 0.02:
        return None
    return spent * ((1.0 - job.progress) / job.progress)
