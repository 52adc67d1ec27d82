"""What curators watch: how votes lie on images, come in by day, and who labels at this moment.

Nothing here counts the votes of a project. What grew by day is the sum of pulses, what an image has
is its coverage, and the last minutes are read from the end of the table of votes, at most ``TAIL``
of them.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from django.db.models import Count, Max, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from annotation.people.models import Membership, Project

from .models import Assignment, Coverage, Pulse, Vote
from .pulse import UNANSWERED, unwritten

TAIL = 3_000
WINDOW = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
Given = tuple[int, datetime, int | None]
"""Whose a vote is (a membership's id), when it came, and its response time in milliseconds."""


@dataclass(frozen=True)
class AtWork:
    """Somebody who labels now."""

    member: Membership
    n_votes: int
    """In the window."""
    last: datetime
    median_s: float | None
    """Of the response times that their browser told, in seconds."""


@dataclass(frozen=True)
class Lately:
    """The last minutes. ``window`` is shorter than 15 minutes where votes come very fast."""

    window: timedelta
    n_votes: int
    people: list[AtWork] = field(default_factory=list)
    """Who labelled last stands first."""
    minutes: list[tuple[int, int]] = field(default_factory=list)
    """Minutes ago, and votes in that minute; the oldest first."""

    @property
    def per_minute(self) -> float:
        return self.n_votes / max(self.window / MINUTE, 1.0)


def votes_per_image(project: Project) -> list[tuple[int, int]]:
    """``(votes, images)`` for every number of votes from 0 to the greatest target.

    Of the images that are labelled; what is drawn and not answered yet is no vote.
    """
    places = Coverage.objects.filter(project=project, is_open=True)
    live = dict(places.values_list("pk", "n_live"))
    rows = Assignment.objects.filter(annotator__project=project, state__in=UNANSWERED)
    waiting = rows.filter(image__coverage__is_open=True).values_list("image")
    for image, n in waiting.annotate(n=Count("pk")).order_by():
        live[image] = live.get(image, 0) - n
    if not live:
        return []
    counted = Counter(live.values())
    most = max(places.aggregate(most=Max("target"))["most"] or 0, *counted)
    return [(n, counted.get(n, 0)) for n in range(most + 1)]


def votes_by_day(project: Project, now: datetime, n_days: int = 30) -> list[tuple[date, int]]:
    """``(day, votes)`` of the last days, today last: of two weeks, or since the first votes."""
    today = timezone.localdate(now)
    since = today - timedelta(days=n_days - 1)
    rows = Pulse.objects.filter(project=project, at__gte=now - timedelta(days=n_days))
    summed = rows.annotate(day=TruncDate("at")).values_list("day").annotate(n=Sum("n_votes"))
    by_day = dict(summed.order_by())
    by_day[today] = by_day.get(today, 0) + sum(unwritten(project).values())
    first = max(min(*by_day, today - timedelta(days=13)), since)
    days = [first + timedelta(days=i) for i in range((today - first).days + 1)]
    return [(day, max(by_day.get(day, 0), 0)) for day in days]


def votes_this_week(project: Project, now: datetime) -> dict[int, int]:
    """By membership id, how many votes came (or went) in the last seven days."""
    rows = Pulse.objects.filter(project=project, at__gt=now - timedelta(days=7))
    found = dict(rows.values_list("annotator").annotate(n=Sum("n_votes")).order_by())
    for pk, n in unwritten(project).items():
        found[pk] = found.get(pk, 0) + n
    return found


def lately(project: Project, now: datetime) -> Lately:
    """Who labels now, and how many votes came in each of the last minutes."""
    newest = Vote.objects.aggregate(newest=Max("pk"))["newest"] or 0
    tail = Vote.objects.filter(pk__gt=newest - TAIL)
    oldest = tail.order_by("pk").values_list("voted_at", flat=True).first()
    is_whole = newest <= TAIL or oldest is None or oldest <= now - WINDOW
    window = WINDOW if is_whole else max(now - oldest, timedelta(seconds=1))
    votes = _given_in(project, tail.filter(voted_at__gt=now - window))
    ago = Counter(int((now - at) / MINUTE) for _, at, _ in votes)
    n_minutes = max(int(window / MINUTE), 1)
    return Lately(
        window=window,
        n_votes=len(votes),
        people=_at_work(votes),
        minutes=[(m, ago.get(m, 0)) for m in reversed(range(n_minutes))],
    )


def _given_in(project: Project, tail: QuerySet[Vote]) -> list[Given]:
    """Whose these votes are, newest first. In two queries: no plan may begin at the people."""
    rows = list(tail.order_by("-pk").values_list("assignment", "voted_at", "response_ms"))
    mine = Assignment.objects.filter(pk__in=[pk for pk, _, _ in rows], annotator__project=project)
    holder = dict(mine.values_list("pk", "annotator"))
    return [(holder[pk], at, ms) for pk, at, ms in rows if pk in holder]


def _at_work(votes: list[Given]) -> list[AtWork]:
    members = Membership.objects.select_related("person").in_bulk({pk for pk, _, _ in votes})
    found = []
    for pk, member in members.items():
        mine = [vote for vote in votes if vote[0] == pk]
        times = [ms for _, _, ms in mine if ms is not None]
        speed = median(times) / 1000 if times else None
        found.append(AtWork(member, len(mine), max(at for _, at, _ in mine), speed))
    return sorted(found, key=lambda one: one.last, reverse=True)
