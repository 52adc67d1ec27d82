"""How a project's images are assigned: the curator's rules, and the drawing of a whole plan."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.jobs.queries import live_job
from annotation.jobs.tasks import wake
from annotation.labelling import planning, rules
from annotation.labelling.models import Rules
from annotation.labelling.queries import assignment_state
from annotation.labelling.room import rules_of
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import project_page, render

GET_POST = ("GET", "HEAD", "POST")


class RulesForm(forms.ModelForm):
    class Meta:
        model = Rules
        fields = list(rules.NAMES)
        labels = {
            "share": gettext_lazy("What falls to one person"),
            "share_size": gettext_lazy("Images for each"),
            "spread_sources": gettext_lazy(
                "Keep images of one photographer or search apart within a person's work"
            ),
            "certainty": gettext_lazy("Stop early from this certainty on"),
            "least_votes": gettext_lazy("But not below so many votes"),
        }
        help_texts = {
            "share_size": gettext_lazy("Only where everybody gets a fixed number."),
            "certainty": gettext_lazy(
                "Of the last estimate, 0.5 to 0.9999. Empty: every image gets all its votes, as in "
                "the paper."
            ),
        }
        widgets = {
            "share": forms.RadioSelect,
            "certainty": forms.NumberInput(attrs={"step": "any"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["share"].choices = [
            (Rules.Share.EVEN, _("an even share of the work (the paper's way)")),
            (Rules.Share.FIXED, _("a fixed number of images")),
            (Rules.Share.OPEN, _("as many as they like")),
        ]


@project_page(Role.CURATOR, methods=GET_POST)
def assignment(request: HttpRequest, access: Access) -> HttpResponse:
    """The rules in force, what they lead to, and a plan."""
    project = access.project
    form = RulesForm(request.POST or None, instance=rules_of(project.pk))
    if request.method == "POST" and form.is_valid():
        try:
            rules.change_rules(project, **form.cleaned_data)
            messages.success(request, _("Saved. It holds from the next faces that are drawn."))
            return redirect("assignment", project.slug)
        except ValidationError as error:
            form.add_error(None, error)
    return render(
        request,
        "labelling/assignment.html",
        access,
        form=form,
        state=assignment_state(project),
        job=live_job(project, "design"),
        status=400 if form.is_bound else 200,
    )


@project_page(Role.CURATOR, methods=("POST",))
def plan(request: HttpRequest, access: Access) -> HttpResponse:
    """Draw the whole design."""
    try:
        job, is_new = planning.request_plan(access.project, access.person)
        if is_new:
            wake(job)
        return redirect("job", access.project.slug, job.pk)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("assignment", access.project.slug)


urlpatterns = [
    path("p/<slug:slug>/assignment/", assignment, name="assignment"),
    path("p/<slug:slug>/assignment/plan/", plan, name="draw-plan"),
]
