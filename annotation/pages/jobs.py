"""Pages about jobs: what is under way, how far, and what went wrong."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _

from annotation.jobs import queries, services
from annotation.jobs.kinds import KINDS
from annotation.jobs.models import Job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import project_page, render


@project_page(Role.CURATOR)
def jobs(request: HttpRequest, access: Access) -> HttpResponse:
    """All jobs, newest first."""
    page = Paginator(queries.jobs_of(access.project), 50).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.title, row.elapsed = KINDS[row.kind].title, queries.elapsed(row)
    return render(request, "jobs/jobs.html", access, page=page)


@project_page(Role.CURATOR)
def job(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """One job; htmx asks again for its middle while it is live."""
    found = _job(access, pk)
    found.title = KINDS[found.kind].title
    template = "jobs/job_state.html" if getattr(request, "htmx", False) else "jobs/job.html"
    return render(
        request,
        template,
        access,
        job=found,
        elapsed=queries.elapsed(found),
        remaining=queries.expected_remaining(found),
        lines=list(found.lines.order_by("-id")[:200]),
        outcome=_outcome(found),
    )


@project_page(Role.CURATOR, methods=("POST",))
def cancel(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    found = _job(access, pk)
    services.cancel_job(found)
    messages.info(request, _("Cancelling: the worker stops at its next step."))
    return redirect("job", access.project.slug, pk)


@project_page(Role.CURATOR, methods=("POST",))
def retry(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    found = _job(access, pk)
    if services.retry_job(found):
        wake(found)
    else:
        messages.warning(request, _("Another job of this kind is under way."))
    return redirect("job", access.project.slug, pk)


def _job(access: Access, pk: int) -> Job:
    found = queries.jobs_of(access.project).filter(pk=pk).first()
    if found is None:
        raise Http404(f"No job {pk}.")
    return found


def _outcome(job: Job) -> tuple[str, str] | None:
    """The url name and key of the record that the job made."""
    told = job.result or {}
    made = (
        ("estimate", "estimate"), ("plan", "estimate-plan"), ("release", "release"), ("run", "run"),
    )  # fmt: skip
    for kind, name in made:
        if kind in told:
            return name, str(told[kind])
    return None


urlpatterns = [
    path("p/<slug:slug>/jobs/", jobs, name="jobs"),
    path("p/<slug:slug>/jobs/<int:pk>/", job, name="job"),
    path("p/<slug:slug>/jobs/<int:pk>/cancel/", cancel, name="job-cancel"),
    path("p/<slug:slug>/jobs/<int:pk>/retry/", retry, name="job-retry"),
]
