"""How a project's votes grow, without counting them: what people hold, and what changed when.

A person's counted votes are their live assignments less the unanswered ones, both at hand. The
clock writes down what changed (``take_pulse``), so that sums over some thousand pulses answer what
would else be asked of a million votes.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, Sum
from django.db.models.functions import Abs, Now

from annotation.people.models import Project

from .models import Assignment, Pulse, Share

UNANSWERED = (Assignment.State.PLANNED, Assignment.State.OPEN)


def counted_votes(project: Project) -> dict[int, int]:
    """By membership id, how many votes of this person count now (on excluded images too)."""
    live = dict(Share.objects.filter(project=project).values_list("pk", "n_live"))
    waiting = Assignment.objects.filter(annotator__project=project, state__in=UNANSWERED)
    for pk, n in waiting.values_list("annotator").annotate(n=Count("pk")).order_by():
        live[pk] = live.get(pk, 0) - n
    return live


def take_pulse(project: Project, at: datetime | None = None) -> int:
    """Write down whose votes changed since the last pulse; returns of how many people.

    ``at`` dates the pulse: an estimate's frozen votes are those up to its job's start.
    """
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        changed = unwritten(project)
        Pulse.objects.bulk_create(
            Pulse(annotator_id=pk, project=project, at=at or Now(), n_votes=n)
            for pk, n in changed.items()
        )
    return len(changed)


def moved_since(project: Project, moment: datetime | None = None) -> int:
    """How many votes came or went since a moment, or at all."""
    rows = _pulses(project, moment)
    written = rows.aggregate(n=Sum(Abs("n_votes")))["n"] or 0
    return written + sum(map(abs, unwritten(project).values()))


def votes_per_day(project: Project, now: datetime) -> float:
    """The pace of the last seven days, or since the first votes where these are younger."""
    week = now - timedelta(days=7)
    recent = _pulses(project, week).aggregate(n=Sum("n_votes"))["n"] or 0
    recent += sum(unwritten(project).values())
    first = Pulse.objects.filter(project=project).aggregate(first=Min("at"))["first"]
    since = max(first, week) if first else now
    return max(recent, 0) / max((now - since).total_seconds() / 86_400, 1 / 24)


def last_seen(project: Project) -> dict[int, datetime]:
    """By membership id, when somebody's votes last changed, to within the clock's interval."""
    rows = Pulse.objects.filter(project=project, n_votes__gt=0).values_list("annotator")
    return dict(rows.annotate(last=Max("at")).order_by())


def unwritten(project: Project) -> dict[int, int]:
    """By membership id, by how much the counted votes differ from the sum of the pulses."""
    rows = Pulse.objects.filter(project=project).values_list("annotator")
    written = dict(rows.annotate(n=Sum(F("n_votes"))).order_by())
    now = counted_votes(project)
    return {pk: n for pk in now if (n := now[pk] - written.get(pk, 0))}


def _pulses(project: Project, since: datetime | None) -> Any:
    rows = Pulse.objects.filter(project=project)
    return rows if since is None else rows.filter(at__gt=since)
