"""Pages about faces: look for them, and decide on photographs where that was in doubt."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _

from annotation.faces import finding, marking, queries, services
from annotation.faces.models import Finding
from annotation.jobs.queries import live_job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import project_page, render

GET_POST = ("GET", "HEAD", "POST")
PER_PAGE = 24


@project_page(Role.CURATOR, methods=GET_POST)
def faces(request: HttpRequest, access: Access) -> HttpResponse:
    """What was found, a search for the rest, and what waits for a decision."""
    if request.method == "POST":
        return _search(request, access)
    kind = request.GET.get("kind", "")
    kind = kind if kind in Finding.Kind.values else ""
    rows = queries.doubtful(access.project, kind)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "faces/faces.html",
        access,
        page=page,
        kind=kind,
        kinds=[(k.value, k.label) for k in Finding.Kind if k != Finding.Kind.FACE],
        counts=queries.counts_of(access.project),
        n_doubtful=queries.doubtful(access.project).count(),
        n_waiting=finding.waiting(access.project).count(),
        n_unmarked=marking.unmarked(access.project).count(),
        job=live_job(access.project, "find_faces"),
    )


def _search(request: HttpRequest, access: Access) -> HttpResponse:
    try:
        again = request.POST.get("again") == "1"
        job, is_new = services.request_faces(access.project, access.person, again=again)
        if is_new:
            wake(job)
        return redirect("job", access.project.slug, job.pk)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("faces", access.project.slug)


@project_page(Role.CURATOR, methods=("POST",))
def decide(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Take a photograph as it is, or leave it out."""
    found = queries.findings_of(access.project).filter(pk=pk).first()
    decision = request.POST.get("decision", "")
    if found is None or decision not in Finding.Decision.values:
        raise Http404("No such photograph or decision.")
    try:
        services.decide(found, decision, access.person)
        taken = decision == Finding.Decision.TAKEN
        told = _("%s is taken.") if taken else _("%s is left out.")
        messages.success(request, told % found.image.file_name)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    kind = request.POST.get("kind", "")
    place = redirect("faces", access.project.slug)
    if kind in Finding.Kind.values:
        place["Location"] += f"?kind={kind}"
    return place


urlpatterns = [
    path("p/<slug:slug>/faces/", faces, name="faces"),
    path("p/<slug:slug>/faces/<int:pk>/decide/", decide, name="finding-decide"),
]
