"""A job ends once, whatever happens to the workers."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from annotation.jobs import kinds, services
from annotation.jobs.models import Job
from annotation.jobs.services import Claim, JobError, Stopped
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
done: list[int] = []


def succeed(claim: Claim) -> None:
    claim.report(0.5, "half")
    with claim.finishing() as result:
        done.append(claim.attempt)
        result["answer"] = 42


def refuse(claim: Claim) -> None:
    raise JobError("There are no votes.")


def break_down(claim: Claim) -> None:
    raise KeyError("surprise")


@pytest.fixture
def handled_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    done.clear()

    def use(handler: Any) -> None:
        kind = kinds.Kind("estimate", "Estimate", "default", f"{__name__}.{handler.__name__}")
        monkeypatch.setitem(kinds.KINDS, "estimate", kind)
        monkeypatch.setattr(kinds.Kind, "load", lambda self: handler)

    return use


def queued(cast: Cast) -> Job:
    job, created = services.request_job(cast.project, "estimate", {}, cast.carla)
    assert created
    return job


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))


def test_second_request_finds_the_live_job(cast: Cast) -> None:
    job = queued(cast)
    again, created = services.request_job(cast.project, "estimate", {"x": 1}, cast.carla)
    assert (again.pk, created) == (job.pk, False)


def test_performed_job_keeps_its_result_and_duplicate_delivery_does_nothing(
    cast: Cast, handled_by: Any
) -> None:
    handled_by(succeed)
    job = queued(cast)
    services.perform(job.pk, "w1")
    services.perform(job.pk, "w2")
    job.refresh_from_db()
    assert (job.state, job.result, job.attempt, done) == ("succeeded", {"answer": 42}, 1, [1])


def test_refused_work_says_why(cast: Cast, handled_by: Any) -> None:
    handled_by(refuse)
    job = queued(cast)
    services.perform(job.pk, "w1")
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "There are no votes.")


def test_broken_work_fails_with_its_exception_in_the_log(cast: Cast, handled_by: Any) -> None:
    handled_by(break_down)
    job = queued(cast)
    services.perform(job.pk, "w1")
    job.refresh_from_db()
    assert job.state == "failed"
    assert "KeyError" in job.error
    assert any("break_down" in line.text for line in job.lines.all())


def test_expired_job_is_queued_again_and_the_late_worker_writes_nothing(cast: Cast) -> None:
    job = queued(cast)
    first = services.claim_job(job.pk, "frozen")
    assert first is not None
    expire(job)
    assert [j.pk for j in services.reap_jobs()] == [job.pk]
    second = services.claim_job(job.pk, "awake")
    assert second is not None
    assert second.attempt == 2
    with pytest.raises(Stopped):
        first.report(1.0)
    with pytest.raises(Stopped), first.finishing():
        pytest.fail("the body must not run")
    first.end(Job.State.FAILED, "too late")
    job.refresh_from_db()
    assert (job.state, job.claimed_by) == ("running", "awake")


def test_without_the_guard_a_late_worker_would_end_the_job(cast: Cast) -> None:
    """The negative control: the same late write without attempt in its condition goes through."""
    job = queued(cast)
    services.claim_job(job.pk, "frozen")
    expire(job)
    services.reap_jobs()
    services.claim_job(job.pk, "awake")
    touched = Job.objects.filter(pk=job.pk, state="running").update(state="failed")
    assert touched == 1


def test_job_that_loses_every_worker_fails(cast: Cast) -> None:
    job = queued(cast)
    for _ in range(job.max_attempts):
        assert services.claim_job(job.pk, "doomed") is not None
        expire(job)
        services.reap_jobs()
    job.refresh_from_db()
    assert job.state == "failed"
    assert "worker died" in job.error


def test_waiting_job_is_cancelled_at_once_and_can_be_retried(cast: Cast) -> None:
    job = queued(cast)
    services.cancel_job(job)
    assert job.state == "cancelled"
    assert services.claim_job(job.pk, "late") is None
    assert services.retry_job(job)
    assert services.claim_job(job.pk, "now") is not None


def test_running_job_stops_at_its_next_report_after_cancel(cast: Cast, handled_by: Any) -> None:
    def work(claim: Claim) -> None:
        services.cancel_job(Job.objects.get(pk=claim.job.pk))
        claim.report(1.0)
        done.append(1)

    handled_by(work)
    job = queued(cast)
    services.perform(job.pk, "w")
    job.refresh_from_db()
    assert (job.state, done) == ("cancelled", [])


def test_retry_yields_to_a_job_already_queued(cast: Cast) -> None:
    job = queued(cast)
    services.cancel_job(job)
    other = queued(cast)
    assert not services.retry_job(job)
    assert other.is_live


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_requests_make_one_job(cast: Cast) -> None:
    barrier = threading.Barrier(20)
    seen: list[tuple[int, bool]] = []

    def ask() -> None:
        barrier.wait()
        try:
            job, created = services.request_job(cast.project, "estimate", {}, cast.carla)
            seen.append((job.pk, created))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 20
    assert len({pk for pk, _ in seen}) == 1
    assert sum(created for _, created in seen) == 1


def test_researchers_see_no_paths_of_the_server(cast: Cast) -> None:
    Job.objects.create(
        project=cast.project, kind="import", state="failed", parameters={"path": "/srv/faces"},
        error="no room in /srv", claimed_by="host-7",
    ).lines.create(attempt=1, text="reading /srv/faces")  # fmt: skip
    for address in ("jobs/", f"jobs/{Job.objects.get().pk}/"):
        path = f"/api/v1/projects/{cast.project.slug}/{address}"
        told = cast.client(cast.rafik).get(path).content.decode()
        assert "/srv" not in told
        assert "host-7" not in told
        assert "/srv/faces" in cast.client(cast.carla).get(path).content.decode()
