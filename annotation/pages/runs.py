"""Pages about runs: start trainings, watch them, compare them, try and take a network home."""

import re

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from annotation.images.pictures import Refused
from annotation.jobs.queries import elapsed, expected_remaining, live_job
from annotation.jobs.services import cancel_job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.releases import queries as releases
from annotation.releases.models import Release
from annotation.runs import queries, services, trying
from annotation.runs.models import Run
from reliability.expressions import Expression

from .frame import READERS, project_page, render

SEEDS = re.compile(r"(\d{1,10})(?:\s*[-–]\s*(\d{1,10}))?")


@project_page(*READERS)
def runs(request: HttpRequest, access: Access) -> HttpResponse:
    """All runs, newest first, and the form for the next ones."""
    published = releases.releases_of(access.project).filter(state=Release.State.PUBLISHED)
    found = list(queries.runs_of(access.project))
    return render(
        request,
        "runs/runs.html",
        access,
        runs=found,
        n_finished=sum(run.metrics is not None for run in found),
        releases=published,
        recipes=services.recipes(),
        live=live_job(access.project, "train"),
    )


@project_page(Role.CURATOR, methods=("POST",))
def request_run(request: HttpRequest, access: Access) -> HttpResponse:
    """Start every chosen recipe with every seed."""
    slug = access.project.slug
    try:
        version = request.POST.get("release", "latest")
        release = releases.find_release(access.project, version)
        if release is None:
            raise ValidationError(f"There is no release {version}.")
        epochs = request.POST.get("epochs", "").strip()
        if epochs and not epochs.isdecimal():
            raise ValidationError(f"Epochs {epochs!r} is not a whole number.")
        made, created = services.request_sweep(
            access.project,
            release,
            request.POST.getlist("recipe"),
            seeds_of(request.POST.get("seeds") or request.POST.get("seed") or "0"),
            access.person,
            epochs=int(epochs) if epochs else None,
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("runs", slug)
    if created:
        wake(made[0].job)
    else:
        messages.warning(request, _("A training is under way; only one goes on at a time."))
    return redirect("run", slug, made[0].number)


def seeds_of(text: str) -> list[int]:
    """``0-4, 7`` as numbers; ``ValidationError`` where it cannot be read."""
    seeds: list[int] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = SEEDS.fullmatch(part)
        if match is None:
            raise ValidationError(f"Seeds {part!r} is neither a whole number nor a range like 0-4.")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < services.MAX_SWEEP:
            raise ValidationError(f"Seeds {part!r}: at most {services.MAX_SWEEP}, rising.")
        seeds += range(first, last + 1)
    return seeds


@project_page(*READERS)
def compare(request: HttpRequest, access: Access) -> HttpResponse:
    """Finished runs in one table: every recipe on every release, over its seeds."""
    return render(
        request,
        "runs/compare.html",
        access,
        contenders=queries.comparison(access.project),
        expressions=[e.title for e in Expression],
    )


@project_page(*READERS)
def run(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One run; htmx asks again while it trains."""
    found = _run(access, number)
    template = "runs/run_state.html" if getattr(request, "htmx", False) else "runs/run.html"
    return render(request, template, access, **_shown(found))


def _shown(found: Run) -> dict[str, object]:
    """What the page of a run shows."""
    lines = queries.epochs_of(found)
    return {
        "run": found,
        "job": found.job,
        "sweep": queries.sweep_of(found),
        "elapsed": elapsed(found.job),
        "remaining": expected_remaining(found.job),
        "figures": _figures(found),
        "card": _card(found),
        "epochs": lines[::-1],
        "last": lines[-1] if lines else None,
        "has_model": queries.file_of(found, trying.MODEL) is not None,
    }


@project_page(Role.CURATOR, methods=("POST",))
def cancel(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    cancel_job(_run(access, number).job)
    messages.info(request, _("Cancelling: it stops at its next step and can go on later."))
    return redirect("run", access.project.slug, number)


@project_page(Role.CURATOR, methods=("POST",))
def resume(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    found = _run(access, number)
    if services.resume_run(found):
        wake(found.job)
    else:
        messages.warning(request, _("A training is under way; only one goes on at a time."))
    return redirect("run", access.project.slug, number)


@require_http_methods(["POST"])
@csrf_exempt
def try_out(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Ask the network about a picture; the upload is kept in memory and never stored."""
    # Before anything reads the form; that is why the check of its token comes after.
    request.upload_handlers = [trying.InMemory(request)]
    return csrf_protect(_try_out)(request, slug, number)


@project_page(*READERS, methods=("POST",))
def _try_out(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    found, told = _run(access, number), {}
    sent = request.FILES.get("picture")
    try:
        told["answer"] = trying.ask(found, sent.read() if sent else b"")
    except (Refused, trying.NoModel) as error:
        told["refused"] = str(error)
    if getattr(request, "htmx", False):
        return render(request, "runs/answer.html", access, run=found, **told)
    return render(request, "runs/run.html", access, **_shown(found), **told)


def _run(access: Access, number: int) -> Run:
    found = queries.runs_of(access.project).filter(number=number).first()
    if found is None:
        raise Http404(f"No run {number}.")
    return found


def _figures(found: Run) -> list[dict[str, str]]:
    """The run's figures as they are now; curves grow while it trains."""
    folder = queries.folder_of(found) / "figures"
    if not folder.is_dir():
        return []
    return [
        {"name": path.stem, "title": path.stem.replace("_", " ").capitalize(), "svg": text}
        for path in sorted(folder.glob("*.svg"), reverse=True)
        if (text := path.read_text(encoding="utf-8")).strip().endswith("</svg>")
    ]


def _card(found: Run) -> str:
    path = queries.folder_of(found) / "model-card.md"
    return path.read_text(encoding="utf-8") if found.metrics and path.is_file() else ""


urlpatterns = [
    path("p/<slug:slug>/runs/", runs, name="runs"),
    path("p/<slug:slug>/runs/request/", request_run, name="run-request"),
    path("p/<slug:slug>/runs/compare/", compare, name="runs-compare"),
    path("p/<slug:slug>/runs/<int:number>/", run, name="run"),
    path("p/<slug:slug>/runs/<int:number>/cancel/", cancel, name="run-cancel"),
    path("p/<slug:slug>/runs/<int:number>/resume/", resume, name="run-resume"),
    path("p/<slug:slug>/runs/<int:number>/try/", try_out, name="run-try"),
]
