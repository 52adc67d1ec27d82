"""Reading the log."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from annotation.people.models import Project

from .models import Entry


@dataclass(frozen=True)
class Wanted:
    """Which entries: of a person (their user name), of a kind, of some days, with some words."""

    who: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    """The last day that is wanted."""
    words: str = ""


def entries_of(project: Project | None, wanted: Wanted = Wanted()) -> QuerySet[Entry]:
    """The entries of a project, or all of them, newest first."""
    rows = Entry.objects.select_related("person", "project").order_by("-pk")
    if project is not None:
        rows = rows.filter(project=project)
    if wanted.who:
        rows = rows.filter(who=wanted.who)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.since:
        rows = rows.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    if wanted.words:
        named = Q(words__icontains=wanted.words) | Q(subject__icontains=wanted.words)
        rows = rows.filter(named | Q(after__icontains=wanted.words))
    return rows


def doers(project: Project | None) -> list[str]:
    """The user names of everybody in the log, in their order."""
    rows = entries_of(project).order_by("who").values_list("who", flat=True)
    return list(rows.distinct())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
