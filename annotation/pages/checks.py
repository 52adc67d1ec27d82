"""Known faces and repeats for curators: which there are, how often they come, what they showed."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.estimates.queries import latest_estimate
from annotation.images.models import Image
from annotation.images.queries import images_of
from annotation.learning import gold, queries, rules
from annotation.people.models import Project, Role
from annotation.people.queries import Access
from reliability.expressions import Expression

from .frame import project_page, render
from .words import EXPRESSIONS

GET_POST = ("GET", "HEAD", "POST")


class RatesForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = ["gold_every", "repeat_every", "repeat_distance", "gives_feedback"]
        labels = {
            "gold_every": gettext_lazy("One known face in so many"),
            "repeat_every": gettext_lazy("One repeat in so many"),
            "repeat_distance": gettext_lazy("Answers between a face and its repeat"),
            "gives_feedback": gettext_lazy("Tell people after a known face"),
        }
        help_texts = {
            "gold_every": gettext_lazy("On average, at random. 20 is a good start; 0 for none."),
            "repeat_every": gettext_lazy("40 is a good start; 0 for none."),
            "gives_feedback": gettext_lazy("It teaches, and it gives the known faces away."),
        }


@project_page(Role.CURATOR, methods=GET_POST)
def checks(request: HttpRequest, access: Access) -> HttpResponse:
    """The rates, everybody's results, the known faces, and which might join them."""
    project = access.project
    form = RatesForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        try:
            rules.change(project, **form.cleaned_data)
            messages.success(request, _("Saved. It holds from the next faces that are drawn."))
            return redirect("checks", project.slug)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
    last = latest_estimate(project)
    return render(
        request,
        "learning/checks.html",
        access,
        form=form,
        results=_results(project),
        golds=[_worded(g, g.expression) for g in queries.gold_of(project)],
        suggestions=[_worded(s, s.consensus) for s in queries.suggestions(last)] if last else [],
        estimate=last,
        status=400 if form.is_bound else 200,
    )


@project_page(Role.CURATOR, methods=("POST",))
def mark_gold(request: HttpRequest, access: Access, uid: uuid.UUID) -> HttpResponse:
    """Say what an image shows, or that it is known no more."""
    image = images_of(access.project).filter(uid=uid).select_related("project").first()
    if image is None:
        raise Http404("No such image.")
    try:
        messages.success(request, _mark(request, access, image))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    back = "image" if request.POST.get("back") == "image" else "checks"
    return redirect(back, access.project.slug, *([uid] if back == "image" else []))


def _mark(request: HttpRequest, access: Access, image: Image) -> str:
    if request.POST.get("deed") == "unmark":
        gold.unmark(image)
        return _("It is shown as a known face no more.")
    word = request.POST.get("expression", "").upper()
    if word not in Expression.__members__:
        raise ValidationError(_("Choose what the face shows."))
    origin = "estimate" if request.POST.get("origin") == "estimate" else "hand"
    gold.mark(image, int(Expression[word]), access.person, request.POST.get("why", ""), origin)
    return _("Marked: %s.") % EXPRESSIONS[Expression[word]]


def _worded(row: Any, expression: int) -> Any:
    row.name = Expression(expression).name.lower()
    row.word = EXPRESSIONS[Expression(expression)]
    return row


def _results(project: Project) -> list[dict[str, Any]]:
    members = {m.pk: m for m in project.memberships.select_related("person")}
    found = queries.scores_in(project)
    rows = [{"member": members[pk], "gold": s.gold, "repeat": s.repeat} for pk, s in found.items()]
    return sorted(rows, key=lambda row: (row["gold"].high, row["repeat"].high))


urlpatterns = [
    path("p/<slug:slug>/checks/", checks, name="checks"),
    path("p/<slug:slug>/checks/<uuid:uid>/", mark_gold, name="mark-gold"),
]
