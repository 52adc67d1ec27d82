"""The people of an estimate: how reliable, against the band of a random voter, kept or not."""

import csv
import json
from statistics import NormalDist
from typing import Any

import numpy as np
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from annotation.estimates import queries, services
from annotation.estimates.models import AnnotatorEstimate, Estimate
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access
from reliability import ScreeningRule

from .estimate_frame import found_or_404, render_part
from .frame import project_page

FIGURES = (
    "reliability", "thresholds", "screening", "speed", "reliability_by_votes", "habits",
)  # fmt: skip
SORTS: dict[str, Any] = {
    "code": lambda row: row.annotator.code,
    "reliability": lambda row: row.reliability,
    "votes": lambda row: row.n_votes,
    "pace": lambda row: -1 if row.median_ms is None else row.median_ms,
    "agreement": lambda row: -1 if row.agreement is None else row.agreement,
    "kept": lambda row: (row.kept, row.reliability),
}
HEADS = (
    ("code", _("Person"), ""),
    ("reliability", _("Reliability α"), "number"),
    ("votes", _("Votes"), "number"),
    ("pace", _("Seconds per vote"), "number"),
    ("agreement", _("Agreement"), "number"),
    ("kept", _("Decision"), ""),
)
SURE = (0.9, 0.95, 0.99, 0.999)


class RuleForm(forms.Form):
    """The rule of screening as a curator tries it."""

    threshold = forms.FloatField(min_value=-5, max_value=5)
    confidence = forms.TypedChoiceField(
        coerce=float, choices=[(str(c), f"{100 * c:g} %") for c in SURE]
    )
    min_votes = forms.IntegerField(min_value=1, max_value=100_000)

    def rule(self) -> ScreeningRule:
        return ScreeningRule(**self.cleaned_data)


@project_page(Role.CURATOR)
def people(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Everybody with their interval, the random voter's band, and what a rule would do."""
    found = found_or_404(access, number)
    made = services.rule_of(found.parameters)
    form = RuleForm(request.GET) if "threshold" in request.GET else None
    is_tried = form is not None and form.is_valid()
    rule = form.rule() if form is not None and is_tried else made
    rows = _rows(found, rule)
    sort, down = _order(request)
    rows.sort(key=SORTS[sort], reverse=down)
    return render_part(
        request, "people", access, found, FIGURES,
        rows=rows,
        heads=[_head(*head, sort, down) for head in HEADS],
        scale=_scale(rows),
        made=made,
        rule=rule,
        is_tried=is_tried,
        form=form,
        sure=[(str(c), f"{100 * c:g} %", NormalDist().inv_cdf(c)) for c in _levels(rule)],
        n_out=sum(row.goes for row in rows),
        votes_out=sum(row.n_votes for row in rows if row.goes),
        n_like_random=sum(bool(row.is_like_random) for row in rows),
        knows_band=any(row.random_low is not None for row in rows),
        effects=json.dumps(_effects(found)),
    )  # fmt: skip


@project_page(Role.CURATOR, methods=("POST",))
def request_with_rule(request: HttpRequest, access: Access, number: int) -> HttpResponse:
    """Estimate again, with the rule that was tried."""
    found = found_or_404(access, number)
    form = RuleForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError([f"{name}: {e}" for name, es in form.errors.items() for e in es])
        method = found.method if found.n_annotators else "glad"
        job, created = services.request_estimate(
            access.project, access.person, method=method, seed=found.seed, rule=form.rule()
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("estimate-people", access.project.slug, number)
    if created:
        wake(job)
    return redirect("job", access.project.slug, job.pk)


def _rows(found: Estimate, rule: ScreeningRule) -> list[AnnotatorEstimate]:
    """Each person, with whether the rule would let them go and what a curator decided."""
    rows = list(found.annotators.select_related("annotator__person"))
    standing = queries.standing_overrulings(found.project)
    alpha = np.array([row.reliability for row in rows])
    error = np.array([row.std_error for row in rows])
    out = rule.leaves_out(alpha, error, np.array([row.n_votes for row in rows]))
    for row, leaves in zip(rows, out.tolist(), strict=True):
        row.word = standing.get(row.annotator_id)
        row.goes = leaves if row.word is None else not row.word.keep
        row.stays = row.goes != row.kept  # what was decided
        row.seconds = None if row.median_ms is None else row.median_ms / 1000
    return rows


def _order(request: HttpRequest) -> tuple[str, bool]:
    asked = request.GET.get("sort", "reliability")
    sort = asked.removeprefix("-")
    return (sort, asked.startswith("-")) if sort in SORTS else ("reliability", False)


def _head(name: str, words: Any, style: str, sort: str, down: bool) -> dict[str, Any]:
    is_here = name == sort
    return {
        "words": words,
        "style": style,
        "sort": f"-{name}" if is_here and not down else name,
        "aria": ("descending" if down else "ascending") if is_here else "none",
    }


def _levels(rule: ScreeningRule) -> list[float]:
    return sorted({*SURE, rule.confidence})


def _scale(rows: list[AnnotatorEstimate]) -> dict[str, float]:
    """Where the small intervals in the table begin and how wide a unit of α is, in per cent."""
    ends = [0.0]
    for row in rows:
        ends += [row.low, row.high]
        ends += [e for e in (row.random_low, row.random_high) if e is not None]
    low, high = min(ends), max(ends)
    unit = 100 / max(high - low, 1e-9)
    for row in rows:
        row.bar = (unit * (row.low - low), unit * (row.high - row.low))
        row.dot = unit * (row.reliability - low)
        if row.random_low is not None and row.random_high is not None:
            row.band = (
                unit * (row.random_low - low),
                unit * (row.random_high - row.random_low),
            )
    return {"low": low, "high": high}


def _effects(found: Estimate) -> list[list[float]]:
    """Threshold and share of images relabelled, from the table that the worker wrote."""
    table = queries.folder_of(found) / "figures" / "thresholds.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [[float(row["threshold"]), float(row["images_relabelled"])] for row in rows]
