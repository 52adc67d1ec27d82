"""Pages about estimates: who is reliable, which faces are ambiguous, how sure that is."""

import json
from pathlib import Path

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from annotation.estimates import queries, services
from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.queries import live_job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access
from reliability import Subset
from reliability.expressions import COMPOUNDS, Expression

from .frame import project_page, render
from .words import EXPRESSIONS

ORDERS = {
    "ambiguous": ("-entropy", "pk"),
    "hard": ("easiness", "pk"),
    "unsure": ("confidence", "pk"),
    "easy": ("-easiness", "pk"),
}


@project_page(Role.CURATOR, Role.RESEARCHER)
def estimates(request: HttpRequest, access: Access) -> HttpResponse:
    """All estimates, newest first."""
    return render(
        request,
        "estimates/estimates.html",
        access,
        estimates=queries.estimates_of(access.project),
        has_votes=queries.has_votes(access.project),
        live=live_job(access.project, "estimate"),
    )


@project_page(Role.CURATOR, methods=("POST",))
def request_estimate(request: HttpRequest, access: Access) -> HttpResponse:
    try:
        job, created = services.request_estimate(access.project, access.person)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("estimates", access.project.slug)
    if created:
        wake(job)
    return redirect("job", access.project.slug, job.pk)


@project_page(Role.CURATOR, Role.RESEARCHER)
def estimate(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One estimate: its card, its figures each with a table, and the images by difficulty."""
    found = queries.estimates_of(access.project).filter(number=number).first()
    if found is None:
        raise Http404(f"No estimate {number}.")
    order = request.GET.get("order", "ambiguous")
    there = found.items.exclude(image__state=Image.State.TAKEN_DOWN).select_related("image")
    rows = there.order_by(*ORDERS.get(order, ORDERS["ambiguous"]))
    page = Paginator(rows, 24).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.word = EXPRESSIONS[Expression(row.consensus)]
        row.where = Subset(row.subset).title
        row.pair = COMPOUNDS[row.compound][0] if row.compound is not None else ""
    return render(
        request,
        "estimates/estimate.html",
        access,
        estimate=found,
        counts=_counts(found),
        figures=_figures(found) if access.is_curator else [],
        page=page,
        order=order,
        orders=list(ORDERS),
    )


def _counts(found: Estimate) -> list[tuple[str, str, int]]:
    return [(s.title, s.rule, found.items.filter(subset=s).count()) for s in Subset]


def _figures(found: Estimate) -> list[dict[str, str]]:
    folder: Path = queries.folder_of(found) / "figures"
    index = folder / "figures.json"
    if not index.is_file():
        return []
    told = json.loads(index.read_text(encoding="utf-8"))
    for figure in told:
        figure["svg"] = (folder / f"{figure['name']}.svg").read_text(encoding="utf-8")
    return list(told)


urlpatterns = [
    path("p/<slug:slug>/estimates/", estimates, name="estimates"),
    path("p/<slug:slug>/estimates/request/", request_estimate, name="estimate-request"),
    path("p/<slug:slug>/estimates/<int:number>/", estimate, name="estimate"),
]
