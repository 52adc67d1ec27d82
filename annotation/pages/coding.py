"""Pages of coders: what there is to do, the three tools; for curators the plan and agreement."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.faces import coders, coding, units
from annotation.faces.models import Part, Plan
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import project_page, render

CODERS = (Role.CODER, Role.CURATOR)
PLACEHOLDER = "00000000-0000-0000-0000-000000000000"
TITLES = {
    Part.POINTS: gettext_lazy("Box and five points"),
    Part.ATTRIBUTES: gettext_lazy("Gender, age, race"),
    Part.UNITS: gettext_lazy("Action units"),
}
ATTRIBUTES: dict[str, tuple[Any, list[tuple[int, str, Any]]]] = {
    "gender": (
        gettext_lazy("Gender"),
        [
            (1, "f", gettext_lazy("Female")),
            (0, "m", gettext_lazy("Male")),
            (2, "u", gettext_lazy("Unsure")),
        ],
    ),
    "age": (
        gettext_lazy("Age"),
        [(0, "1", "0–3"), (1, "2", "4–19"), (2, "3", "20–39"), (3, "4", "40–69"), (4, "5", "70+")],
    ),
    "race": (
        gettext_lazy("Race"),
        [
            (0, "c", gettext_lazy("Caucasian")),
            (1, "b", gettext_lazy("African-American")),
            (2, "s", gettext_lazy("Asian")),
        ],
    ),
}
INTENSITIES = [
    ("A", gettext_lazy("trace")),
    ("B", gettext_lazy("slight")),
    ("C", gettext_lazy("marked")),
    ("D", gettext_lazy("severe")),
    ("E", gettext_lazy("maximum")),
]
SIDES = [
    ("L", gettext_lazy("left")),
    ("R", gettext_lazy("right")),
    ("T", gettext_lazy("top")),
    ("B", gettext_lazy("bottom")),
]


class PlanForm(forms.ModelForm):
    class Meta:
        model = Plan
        fields = [
            "coders_for_points", "coders_for_attributes", "coders_for_units", "asks_gender",
            "asks_age", "asks_race", "unit_set",
        ]  # fmt: skip
        labels = {
            "coders_for_points": gettext_lazy("Coders for box and points"),
            "coders_for_attributes": gettext_lazy("Coders for attributes"),
            "coders_for_units": gettext_lazy("Coders for action units"),
            "asks_gender": gettext_lazy("Ask for gender"),
            "asks_age": gettext_lazy("Ask for age"),
            "asks_race": gettext_lazy("Ask for race"),
            "unit_set": gettext_lazy("Action units"),
        }


class SampleForm(forms.Form):
    per_expression = forms.IntegerField(
        label=gettext_lazy("Faces of each expression"), min_value=1, max_value=5000, initial=50
    )


@project_page(*CODERS, methods=("GET", "HEAD", "POST"))
def code(request: HttpRequest, access: Access) -> HttpResponse:
    """What there is to code and how far it is; a curator sets the plan and draws the sample."""
    sent = request.POST.get("form") if access.is_curator else None
    plan = coding.plan_of(access.project)
    form = PlanForm(request.POST if sent == "plan" else None, instance=plan)
    sample = SampleForm(request.POST if sent == "sample" else None)
    if sent and _done(request, access, form if sent == "plan" else sample):
        return redirect("code", access.project.slug)
    is_coder = coders.coder_of(access.memberships) is not None
    return render(
        request,
        "faces/coding.html",
        access,
        parts=[_part(access, part) for part in Part],
        is_coder=is_coder,
        form=form,
        sample=sample,
    )


def _done(request: HttpRequest, access: Access, form: Any) -> bool:
    if not form.is_valid():
        return False
    try:
        if isinstance(form, PlanForm):
            coding.set_plan(form.save(commit=False))
            messages.success(request, _("The plan is stored."))
        else:
            have = coding.draw_sample(access.project, form.cleaned_data["per_expression"])
            messages.success(request, _("The sample has %d faces now.") % sum(have.values()))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return True


def _part(access: Access, part: Part) -> dict[str, Any]:
    rows = coders.coders(access.project, part)
    if not access.is_curator:
        mine = coders.coder_of(access.memberships)
        rows = [row for row in rows if mine and row.membership.pk == mine.pk]
    return {
        "name": part.value,
        "title": TITLES[part],
        "progress": coders.progress(access.project, part),
        "coders": rows,
    }


@project_page(Role.CODER)
def tool(request: HttpRequest, access: Access, part: str) -> HttpResponse:
    """One of the three tools; its script fetches faces and stores what is said."""
    if part not in Part.values:
        raise Http404("No such tool.")
    slug = access.project.slug
    known = coders.settings_of(access.project)
    return render(
        request,
        "faces/tool.html",
        access,
        part=part,
        title=TITLES[Part(part)],
        queue_url=reverse("api:coding-queue", args=[slug, part]),
        save_url=reverse("api:coding-detail", args=[slug, part, PLACEHOLDER]),
        file_url=reverse("api:image-file", args=[slug, PLACEHOLDER]),
        placeholder=PLACEHOLDER,
        attributes=[(name, *ATTRIBUTES[name]) for name in known["asks"]],
        units=[u | {"picture": _picture(u["number"])} for u in known["units"]],
        still=static("faces/neutral-5.webp"),
        intensities=INTENSITIES,
        sides=SIDES,
    )


def _picture(unit: int) -> str:
    """The drawn face that moves just this; the same face at rest is ``neutral-5``."""
    return static(f"faces/au-{unit}.webp") if unit in units.PAPER else ""


urlpatterns = [
    path("p/<slug:slug>/code/", code, name="code"),
    path("p/<slug:slug>/code/<slug:part>/", tool, name="code-tool"),
]
