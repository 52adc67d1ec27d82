"""What the parts of an estimate's page share: the estimate, its figures, what is under way."""

import csv
import json
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from annotation.estimates import queries
from annotation.estimates.models import Estimate
from annotation.jobs.models import Job
from annotation.jobs.queries import live_job
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import render

READERS = (Role.CURATOR, Role.RESEARCHER)
PARTS = (
    ("estimate", _("Overview"), READERS),
    ("estimate-people", _("People"), (Role.CURATOR,)),
    ("estimate-images", _("Images"), READERS),
    ("estimate-confusion", _("Confusion"), (Role.CURATOR,)),
    ("estimate-plan", _("How many votes"), (Role.CURATOR,)),
    ("estimate-fit", _("Fit"), READERS),
)
_ROWS = 60  # of a figure's table that still help on a page; the file has them all


def found_or_404(access: Access, number: int) -> Estimate:
    found = queries.estimates_of(access.project).filter(number=number).first()
    if found is None:
        raise Http404(f"No estimate {number}.")
    return found


def render_part(
    request: HttpRequest,
    part: str,
    access: Access,
    found: Estimate,
    figures: tuple[str, ...],
    **more: Any,
) -> HttpResponse:
    """``estimates/PART.html`` under the estimate's tabs, with figures for curators."""
    parts = [(name, word) for name, word, roles in PARTS if access.has(*roles)]
    if not found.n_annotators:  # labels that were given: nobody voted, nothing was fitted
        parts = [p for p in parts if p[0] in ("estimate", "estimate-images", "estimate-fit")]
    return render(
        request,
        f"estimates/{part}.html",
        access,
        estimate=found,
        parts=parts,
        here="estimate" if part == "overview" else f"estimate-{part}",
        figures=figures_of(found, figures) if access.is_curator else [],
        **state_of(access),
        **more,
    )


def state_of(access: Access) -> dict[str, Any]:
    """The estimate under way, or the last one if it failed, and the newest that is there."""
    newest = queries.latest_estimate(access.project)
    last = Job.objects.filter(project=access.project, kind="estimate").order_by("-pk").first()
    failed = last is not None and last.state == Job.State.FAILED
    return {
        "live": live_job(access.project, "estimate"),
        "failed": last if failed else None,
        "newest": newest,
    }


def figures_of(found: Estimate, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Those figures by name that the worker wrote, each with its small table."""
    folder: Path = queries.folder_of(found) / "figures"
    index = folder / "figures.json"
    if not index.is_file():
        return []
    told = {figure["name"]: figure for figure in json.loads(index.read_text(encoding="utf-8"))}
    return [read_figure(folder, told[name]) for name in names if name in told]


def read_figure(folder: Path, told: dict[str, str]) -> dict[str, Any]:
    """A figure's words with its drawing and, where it is short, its table."""
    svg = (folder / f"{told['name']}.svg").read_text(encoding="utf-8")
    with (folder / f"{told['name']}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    table = {"header": header, "rows": rows} if len(rows) <= _ROWS else None
    return {**told, "svg": svg, "table": table}
