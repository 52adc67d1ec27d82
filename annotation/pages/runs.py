"""Pages about runs: start a training, watch it, take its network home."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from annotation.jobs.queries import elapsed, expected_remaining, live_job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.releases import queries as releases
from annotation.releases.models import Release
from annotation.runs import queries, services
from annotation.runs.models import Run

from .frame import READERS, project_page, render


@project_page(*READERS)
def runs(request: HttpRequest, access: Access) -> HttpResponse:
    """All runs, newest first, and the form for the next one."""
    published = releases.releases_of(access.project).filter(state=Release.State.PUBLISHED)
    return render(
        request,
        "runs/runs.html",
        access,
        runs=queries.runs_of(access.project),
        releases=published,
        recipes=services.recipes(),
        live=live_job(access.project, "train"),
    )


@project_page(Role.CURATOR, methods=("POST",))
def request_run(request: HttpRequest, access: Access) -> HttpResponse:
    slug = access.project.slug
    try:
        version = request.POST.get("release", "latest")
        release = releases.find_release(access.project, version)
        if release is None:
            raise ValidationError(f"There is no release {version}.")
        seed = request.POST.get("seed", "0")
        if not seed.isdecimal():
            raise ValidationError(f"Seed {seed!r} is not a whole number.")
        run, created = services.request_run(
            access.project, release, request.POST.get("recipe", ""), access.person, seed=int(seed)
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("runs", slug)
    if created:
        wake(run.job)
    return redirect("run", slug, run.number)


@project_page(*READERS)
def run(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One run; htmx asks again while it trains."""
    found = queries.runs_of(access.project).filter(number=number).first()
    if found is None:
        raise Http404(f"No run {number}.")
    template = "runs/run_state.html" if getattr(request, "htmx", False) else "runs/run.html"
    return render(
        request,
        template,
        access,
        run=found,
        job=found.job,
        elapsed=elapsed(found.job),
        remaining=expected_remaining(found.job),
        figures=_figures(found),
        card=_card(found),
        epochs=queries.epochs_of(found)[-8:],
    )


def _figures(found: Run) -> list[dict[str, str]]:
    """The run's figures as they are now; curves grow while it trains."""
    folder = queries.folder_of(found) / "figures"
    if not folder.is_dir():
        return []
    return [
        {"name": path.stem, "title": path.stem.replace("_", " ").capitalize(), "svg": text}
        for path in sorted(folder.glob("*.svg"))
        if (text := path.read_text(encoding="utf-8")).strip().endswith("</svg>")
    ]


def _card(found: Run) -> str:
    path = queries.folder_of(found) / "model-card.md"
    return path.read_text(encoding="utf-8") if found.metrics and path.is_file() else ""


urlpatterns = [
    path("p/<slug:slug>/runs/", runs, name="runs"),
    path("p/<slug:slug>/runs/request/", request_run, name="run-request"),
    path("p/<slug:slug>/runs/<int:number>/", run, name="run"),
]
