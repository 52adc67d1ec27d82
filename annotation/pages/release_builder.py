"""Pages about making a release: the builder with its preview, and what a version changed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.jobs.queries import live_job
from annotation.jobs.tasks import wake
from annotation.people.models import Project, Role
from annotation.people.queries import Access
from annotation.releases import queries, services
from annotation.releases.crowd import MIN_GROUP
from annotation.releases.difference import Kind, difference, spots_of, told
from annotation.releases.features import refusal
from annotation.releases.models import LayoutName, Release
from annotation.releases.preview import Preview, preview
from annotation.releases.split import TEST, TRAIN

from .frame import READERS, project_page, render

CHANGES_SHOWN = 48
WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    Kind.RELABELLED: (gettext_lazy("Relabelled"), gettext_lazy("Another class than before.")),
    Kind.CAME: (gettext_lazy("In"), gettext_lazy("Not in the version before.")),
    Kind.LEFT: (gettext_lazy("Out"), gettext_lazy("No longer in it.")),
    Kind.MOVED: (gettext_lazy("Moved"), gettext_lazy("Same class, other side of the split.")),
}


class BuilderForm(forms.Form):
    """What can be chosen of a release. The official tree is always built."""

    estimate = forms.TypedChoiceField(label=gettext_lazy("Estimate"), coerce=int)
    layouts = forms.MultipleChoiceField(
        label=gettext_lazy("Layouts beside RAF-DB’s official tree"),
        choices=[c for c in LayoutName.choices if c[0] != LayoutName.RAFDB],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("Each is an archive of its own that holds all faces."),
    )
    features = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Features by a trained network"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("Of every face, as Feature/*.mat beside the pictures."),
    )
    votes = forms.BooleanField(
        label=gettext_lazy("With the votes themselves, under codes"), required=False
    )
    twelfth = forms.BooleanField(
        label=gettext_lazy("With Fearfully Disgusted, which RAF-DB leaves out"), required=False
    )
    any_licence = forms.BooleanField(
        label=gettext_lazy("With photographs whose licence forbids copies or changes"),
        required=False,
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed of the split"),
        min_value=0,
        max_value=services.MAX_SEED,
        help_text=gettext_lazy("With the same seed every image keeps its side."),
    )
    version = forms.CharField(label=gettext_lazy("Version"), max_length=20)
    changelog = forms.CharField(
        label=gettext_lazy("What is new?"),
        max_length=5000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data or None)
        numbers = list(project.estimates.values_list("number", flat=True))
        parent = project.releases.first()
        self.fields["features"].choices = [
            (
                run.number,
                _("Run %(number)d: %(recipe)s") % {"number": run.number, "recipe": run.recipe},
            )
            for run in project.runs.filter(metrics__isnull=False)
            if not refusal(project, [run.number])
        ]
        if not self.fields["features"].choices:
            del self.fields["features"]
        self.fields["estimate"].choices = [(n, _("Estimate %d") % n) for n in numbers]
        self.initial = {
            "estimate": numbers[0] if numbers else None,
            "version": queries.next_version(parent),
            "seed": parent.seed if parent else 0,
            "votes": project.shares_votes,
            "layouts": [a["layout"] for a in parent.archives] if parent else [],
        }
        if not project.shares_votes:
            self.fields["votes"].disabled = True
            self.initial["votes"] = False
            self.fields["votes"].help_text = _("The project’s settings do not share the votes.")
        else:
            self.fields["votes"].help_text = _("Where at least %d people voted.") % MIN_GROUP

    def choices(self) -> dict[str, Any]:
        """What was chosen, or what stands there at first; call it on a valid or an unbound form."""
        return self.cleaned_data if self.is_bound else dict(self.initial)


@project_page(Role.CURATOR)
def build(request: HttpRequest, access: Access) -> HttpResponse:
    """Choices on the left, and what would come of them; ``GET`` only looks."""
    project = access.project
    form = BuilderForm(project, request.GET)
    chosen = form.choices() if not form.is_bound or form.is_valid() else None
    found = _preview(project, chosen) if chosen else None
    return render(
        request,
        "releases/build.html",
        access,
        form=form,
        preview=found,
        subsets=_table(found) if found else [],
        layouts=_sizes(found, chosen or {}) if found else [],
        chosen=_mirrored(chosen or {}),
        next_version=(chosen or {}).get("version"),
        parent=queries.releases_of(project).first(),
        changes=found.change.counts if found else {},
        live=live_job(project, "release"),
    )


@project_page(Role.CURATOR, methods=("POST",))
def request_release(request: HttpRequest, access: Access) -> HttpResponse:
    form = BuilderForm(access.project, request.POST)
    try:
        if not form.is_valid():
            raise ValidationError([e for errors in form.errors.values() for e in errors])
        chosen = form.cleaned_data
        number = chosen.pop("estimate")
        job, created = services.request_release(
            access.project,
            access.person,
            estimate=access.project.estimates.filter(number=number).first(),
            site=request.build_absolute_uri("/"),
            **chosen,
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("release-build", access.project.slug)
    if created:
        wake(job)
    return redirect("job", access.project.slug, job.pk)


@project_page(*READERS)
def changes(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """What a version changed against the one before it, or against any other."""
    release = _release(access, version)
    since = request.GET.get("since")
    before = _release(access, since) if since else release.parent
    found = difference(spots_of(before), spots_of(release))
    kind = request.GET.get("kind", "")
    if kind not in list(Kind):
        kind = next((k for k in WORDS if found.counts[k]), Kind.RELABELLED.value)
    page = Paginator(found.of(kind), CHANGES_SHOWN).get_page(request.GET.get("page"))
    page.object_list = told(page.object_list)
    others = queries.releases_of(access.project).exclude(pk=release.pk)
    return render(
        request,
        "releases/changes.html",
        access,
        release=release,
        before=before,
        others=others.filter(pk__lt=release.pk),
        kinds=[(k.value, WORDS[k][0], found.counts[k]) for k in WORDS],
        kind=kind,
        says=WORDS[kind][1],
        n_same=found.n_same,
        page=page,
    )


def _preview(project: Project, chosen: dict[str, Any]) -> Preview | None:
    estimate = project.estimates.filter(number=chosen["estimate"]).first()
    if estimate is None:
        return None
    return preview(
        project,
        estimate,
        seed=chosen["seed"],
        twelfth=bool(chosen.get("twelfth")),
        any_licence=bool(chosen.get("any_licence")),
    )


def _table(found: Preview) -> list[dict[str, Any]]:
    """By subset, its classes with both sides."""
    return [
        {
            "name": subset,
            "rows": [(name, n, splits[TEST][name]) for name, n in splits[TRAIN].items()],
            "train": sum(splits[TRAIN].values()),
            "test": sum(splits[TEST].values()),
        }
        for subset, splits in found.plan.counts.items()
    ]


def _sizes(found: Preview, chosen: dict[str, Any]) -> list[tuple[str, int, bool]]:
    """Every layout with its size, and whether it was chosen."""
    asked = {LayoutName.RAFDB.value, *chosen.get("layouts", [])}
    return [(label, found.sizes[name], name in asked) for name, label in LayoutName.choices]


def _mirrored(chosen: dict[str, Any]) -> list[tuple[str, Any]]:
    """The choices as hidden fields of the form that publishes exactly what was looked at."""
    pairs: list[tuple[str, Any]] = []
    for name, value in chosen.items():
        if isinstance(value, list):
            pairs += [(name, one) for one in value]
        elif value is True:
            pairs.append((name, "on"))
        elif name != "changelog" and value not in (False, None):
            pairs.append((name, value))
    return pairs


def _release(access: Access, version: str) -> Release:
    found = queries.find_release(access.project, version)
    if found is None:
        raise Http404(f"No release {version}.")
    return found


urlpatterns = [
    path("p/<slug:slug>/releases/new/", build, name="release-build"),
    path("p/<slug:slug>/releases/request/", request_release, name="release-request"),
    path("p/<slug:slug>/releases/<str:version>/changes/", changes, name="release-changes"),
]
