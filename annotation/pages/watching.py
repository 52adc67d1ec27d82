"""Progress: how far the labelling is, who labels now, how the crowd agrees."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from annotation.estimates.queries import estimates_of, votes_since
from annotation.labelling import watch
from annotation.labelling.queries import progress
from annotation.people.models import Project, Role
from annotation.people.queries import Access

from .bars import bars
from .frame import project_page, render

N_ESTIMATES = 12


@project_page(Role.CURATOR)
def watching(request: HttpRequest, access: Access) -> HttpResponse:
    """The whole page; htmx asks again for its part about now."""
    project, now = access.project, timezone.now()
    if getattr(request, "htmx", False):
        return render(request, "watching/now.html", access, **_now(project))
    days = watch.votes_by_day(project, now)
    images = watch.votes_per_image(project)
    estimates = list(estimates_of(project)[:N_ESTIMATES])
    return render(
        request,
        "watching/watching.html",
        access,
        days=bars((date_format(day, "j M"), n) for day, n in days),
        images=bars((str(n_votes), n) for n_votes, n in images),
        spread=_spread(images),
        estimates=estimates,
        n_new=votes_since(estimates[0], project) if estimates else 0,
        **_now(project),
    )


def _now(project: Project) -> dict[str, Any]:
    now = watch.lately(project, timezone.now())
    words = ((_("now") if m == 0 else _("%d min ago") % m, n) for m, n in now.minutes)
    return {"progress": progress(project), "lately": now, "minutes": bars(words)}


def _spread(images: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The fewest and the most votes that an image has."""
    held = [n_votes for n_votes, n in images if n]
    return (held[0], held[-1]) if held else None


urlpatterns = [path("p/<slug:slug>/progress/", watching, name="progress")]
