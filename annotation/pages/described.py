"""What coders found: the paper's Table 1, and who is in the pictures."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy

from annotation.faces import coders, table_one, units
from annotation.faces.coding import plan_of
from annotation.people.models import Project, Role
from annotation.people.queries import Access, projects_of

from .frame import project_page, render
from .words import EXPRESSIONS

READERS = (Role.CURATOR, Role.RESEARCHER)
FORMATS = {
    "csv": ("text/csv; charset=utf-8", table_one.as_csv),
    "tex": ("application/x-tex; charset=utf-8", table_one.as_latex),
    "svg": ("image/svg+xml", table_one.as_svg),
}
NAMES = {
    "gender": gettext_lazy("Gender"),
    "age": gettext_lazy("Age"),
    "race": gettext_lazy("Race"),
}


@project_page(*READERS)
def described(request: HttpRequest, access: Access) -> HttpResponse:
    """Table 1 with its figure and files; the demographic summary."""
    others = [p for p in projects_of(access.person) if p.pk != access.project.pk]
    other = next((p for p in others if p.slug == request.GET.get("other")), None)
    made = _table(access.project, other)
    kind = request.GET.get("as", "")
    if kind in FORMATS:
        return _file(access.project, made, kind)
    return render(
        request,
        "faces/described.html",
        access,
        table=made,
        lines=[(EXPRESSIONS[line.expression], line) for line in made.lines],
        figure=table_one.as_svg(made) if made.n else "",
        others=others,
        other=other,
        summary=[_summary(name, counts) for name, counts in
                 coders.demographics(access.project).items()],
    )  # fmt: skip


def _table(project: Project, other: Project | None) -> table_one.Table:
    columns = units.SETS[plan_of(project).unit_set]
    theirs = None if other is None else table_one.rows_of(other)
    name = other.name if other else ""
    return table_one.table(table_one.rows_of(project), columns, theirs, name)


def _file(project: Project, made: table_one.Table, kind: str) -> HttpResponse:
    content_type, write = FORMATS[kind]
    response = HttpResponse(write(made), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{project.slug}-table-1.{kind}"'
    return response


def _summary(name: str, counts: dict[str, int]) -> dict[str, Any]:
    n = sum(counts.values()) - counts["unknown"]
    rows = [(label, k, k / n if n else 0.0) for label, k in counts.items() if label != "unknown"]
    return {"name": NAMES[name], "rows": rows, "n": n, "unknown": counts["unknown"]}


urlpatterns = [path("p/<slug:slug>/described/", described, name="described")]
