"""Pages about estimates: who is reliable, which faces are ambiguous, how sure that is."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy

from annotation.estimates import planning, queries, services
from annotation.estimates.models import Estimate, VotePlan
from annotation.images.models import Image
from annotation.jobs.queries import live_job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access
from reliability import Subset
from reliability.expressions import COMPOUNDS, NAMES, Expression

from .estimate_frame import READERS, found_or_404, read_figure, render_part, state_of
from .estimate_people import people, request_with_rule
from .frame import project_page, render
from .words import EXPRESSIONS

ORDERS = {
    "ambiguous": (gettext_lazy("Most ambiguous"), ("-entropy", "pk")),
    "hard": (gettext_lazy("Hardest"), ("easiness", "pk")),
    "unsure": (gettext_lazy("Least sure"), ("confidence", "pk")),
    "easy": (gettext_lazy("Easiest"), ("-easiness", "pk")),
}
SHOWS = {
    "changed": gettext_lazy("Named otherwise than last time"),
    "open": gettext_lazy("Not decided yet"),
}
OF_OVERVIEW = ("partition", "votes_per_image")
OF_FIT = ("convergence",)


@project_page(*READERS)
def estimates(request: HttpRequest, access: Access) -> HttpResponse:
    """All estimates, newest first, and the one that is under way."""
    return render(
        request,
        "estimates/estimates.html",
        access,
        estimates=queries.estimates_of(access.project),
        has_votes=queries.has_votes(access.project),
        **state_of(access),
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


@project_page(*READERS)
def estimate(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """One estimate at a glance: its card, what changed since the last, where the images belong."""
    found = found_or_404(access, number)
    before = queries.before(found)
    return render_part(
        request, "overview", access, found, OF_OVERVIEW,
        counts=_counts(found),
        before=before,
        n_changed=0 if before is None else queries.changed_since(found, before).count(),
        n_certain=found.items.filter(is_certain=True).count(),
        n_like_random=sum(bool(row.is_like_random) for row in found.annotators.all()),
    )  # fmt: skip


@project_page(*READERS)
def images(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """The faces of an estimate by difficulty and ambiguity."""
    found = found_or_404(access, number)
    asked = {name: request.GET.get(name, "") for name in ("order", "consensus", "subset", "show")}
    asked["order"] = asked["order"] if asked["order"] in ORDERS else "ambiguous"
    page = Paginator(_chosen(found, asked), 36).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.word = EXPRESSIONS[Expression(row.consensus)]
        row.where = Subset(row.subset).title
        row.pair = COMPOUNDS[row.compound][0] if row.compound is not None else ""
    return render_part(
        request, "images", access, found, ("difficulty",),
        page=page,
        asked=asked,
        orders=[(name, words) for name, (words, _fields) in ORDERS.items()],
        expressions=[(NAMES[e], word) for e, word in EXPRESSIONS.items()],
        subsets=[(str(int(s)), s.title) for s in Subset],
        shows=list(SHOWS.items()),
    )  # fmt: skip


@project_page(Role.CURATOR)
def confusion(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Which expressions are taken for which."""
    return render_part(request, "confusion", access, found_or_404(access, number), ("confusion",))


@project_page(*READERS)
def fit(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """How the search went, and all that is needed to do it again."""
    found = found_or_404(access, number)
    rule = services.rule_of(found.parameters)
    return render_part(request, "fit", access, found, OF_FIT, rule=rule)


@project_page(Role.CURATOR, methods=("GET", "HEAD", "POST"))
def plan(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """How many votes an image needs: the curve, and how many images would still change."""
    found = found_or_404(access, number)
    if request.method == "POST":
        try:
            job, created = planning.request_plan(found, access.person)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("estimate-plan", access.project.slug, number)
        if created:
            wake(job)
        return redirect("job", access.project.slug, job.pk)
    made = found.plans.first()
    figure = None if made is None else _plan_figure(made)
    return render_part(
        request, "plan", access, found, (),
        plan=made,
        figure=figure,
        lines=[] if made is None else _lines(made.summary),
        n_open=0 if made is None else made.summary["n_items"] - made.summary["settled"],
        planning=live_job(access.project, "plan"),
        can_plan=planning.can_plan(found),
    )  # fmt: skip


def _plan_figure(made: VotePlan) -> dict[str, Any]:
    told = {"name": "vote_plan", "title": made.summary["title"], "alt": made.summary["alt"]}
    return read_figure(planning.folder_of_plan(made), told)


def _lines(told: dict[str, Any]) -> list[dict[str, Any]]:
    """One line of the table for each depth: what would be the same, with its interval."""
    return [
        {
            "depth": depth,
            "alpha": told["cronbach_alpha"][d],
            "same": [
                (told["same"][name][d], told["low_95"][name][d], told["high_95"][name][d])
                for name in ("expression", "subset", "distribution")
            ],
        }
        for d, depth in enumerate(told["depths"])
    ]


def _chosen(found: Estimate, asked: dict[str, str]) -> Any:
    rows = found.items.exclude(image__state=Image.State.TAKEN_DOWN).select_related("image")
    if asked["show"] == "changed":
        before = queries.before(found)
        rows = rows.none() if before is None else queries.changed_since(found, before, rows)
    elif asked["show"] == "open":
        rows = rows.filter(is_certain=False)
    if asked["consensus"] in NAMES:
        rows = rows.filter(consensus=NAMES.index(asked["consensus"]))
    if asked["subset"] in {str(int(s)) for s in Subset}:
        rows = rows.filter(subset=int(asked["subset"]))
    return rows.order_by(*ORDERS[asked["order"]][1])


def _counts(found: Estimate) -> list[tuple[str, str, int, int]]:
    return [(s.title, s.rule, int(s), found.items.filter(subset=s).count()) for s in Subset]


_HERE = "p/<slug:slug>/estimates/"
_ONE = f"{_HERE}<int:number>/"
urlpatterns = [
    path(_HERE, estimates, name="estimates"),
    path(f"{_HERE}request/", request_estimate, name="estimate-request"),
    path(_ONE, estimate, name="estimate"),
    path(f"{_ONE}people/", people, name="estimate-people"),
    path(f"{_ONE}rule/", request_with_rule, name="estimate-rule"),
    path(f"{_ONE}images/", images, name="estimate-images"),
    path(f"{_ONE}confusion/", confusion, name="estimate-confusion"),
    path(f"{_ONE}fit/", fit, name="estimate-fit"),
    path(f"{_ONE}plan/", plan, name="estimate-plan"),
]
