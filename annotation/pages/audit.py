"""The log of what was done: a project's for its curators, the whole site's for its staff."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy

from annotation.audit.api import EntryRow
from annotation.audit.models import Kind
from annotation.audit.queries import Wanted, doers, entries_of
from annotation.people.models import Project, Role
from annotation.people.queries import Access
from annotation.tables import written

from .frame import person_page, project_page, render

PER_PAGE = 100
MOST_ROWS = 100_000
"""Of one download; more than a busy project's years."""


class WantedForm(forms.Form):
    who = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("About"),
        choices=[("", gettext_lazy("everything")), *Kind.choices],
        required=False,
    )
    since = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    words = forms.CharField(label=gettext_lazy("Words"), max_length=100, required=False)

    def __init__(self, said: Any, names: list[str]) -> None:
        super().__init__(said)
        everybody = ("", gettext_lazy("everybody"))
        self.fields["who"].choices = [everybody, *((name, name) for name in names)]


@project_page(Role.CURATOR)
def audit(request: HttpRequest, access: Access) -> HttpResponse:
    """What curators and operators did in this project, newest first; as CSV too."""
    return _log(request, access)


@person_page(staff=True)
def audit_site(request: HttpRequest) -> HttpResponse:
    """What was done on the whole site: accounts and tokens too, which belong to no project."""
    return _log(request, None)


def _log(request: HttpRequest, access: Access | None) -> HttpResponse:
    project = access.project if access else None
    form = WantedForm(request.GET, doers(project))
    wanted = Wanted(**form.cleaned_data) if form.is_valid() else Wanted()
    rows = entries_of(project, wanted)
    if request.GET.get("as") == "csv":
        return _csv(rows, project)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    shown = list(rows[: PER_PAGE + 1])
    return render(
        request,
        "audit/audit.html" if access else "audit/site.html",
        access,
        form=form,
        entries=shown[:PER_PAGE],
        next_before=shown[PER_PAGE - 1].pk if len(shown) > PER_PAGE else None,
        is_filtered=wanted != Wanted() or bool(before),
    )


def _csv(rows: Any, project: Project | None) -> HttpResponse:
    table = written([dict(EntryRow(row).data) for row in rows[:MOST_ROWS]])
    response = HttpResponse(table, content_type="text/csv; charset=utf-8")
    name = f"{project.slug if project else 'site'}-log.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


urlpatterns = [
    path("p/<slug:slug>/log/", audit, name="audit"),
    path("log/", audit_site, name="audit-site"),
]
