"""What may be read of labelling: a person's next faces, progress, the votes as arrays."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from annotation.images.models import Image
from annotation.people.models import Membership, Project, Role

from .arrays import GivenVotes, Integers, given_votes, timed_votes
from .draw import free_for
from .models import Assignment, Coverage, Flag, Share, Vote
from .pulse import UNANSWERED, counted_votes, last_seen, moved_since, votes_per_day
from .room import at_work, room_of

State = Assignment.State

__all__ = [
    "GivenVotes", "Progress", "assignment_state", "given_votes", "live_counts", "moved_since",
    "next_assignments", "open_flags", "people_at_work", "progress", "timed_votes", "votes_in",
    "votes_of", "votes_on", "work_of",
]  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """How far a project's labelling has come."""

    n_images: int
    n_votes: int
    n_wanted: int
    n_complete: int
    """Images whose places are all answered or taken."""
    n_annotators: int
    votes_per_day: float
    """Over the last seven days, or since the first vote."""

    @property
    def share(self) -> float:
        return self.n_votes / self.n_wanted if self.n_wanted else 0.0

    @property
    def expected_end(self) -> Any:
        """When the last vote is expected at the present pace; None while that is unknown."""
        left = self.n_wanted - self.n_votes
        if left <= 0 or self.votes_per_day <= 0:
            return None
        return timezone.now() + timedelta(days=left / self.votes_per_day)


def votes_of(project: Project) -> tuple[Integers, Integers, Integers]:
    """The current votes on active images: image ids, membership ids, expressions 0–6.

    Three arrays of shape ``(n_votes,)`` in the order of image and annotator, so that the same votes
    always make the same arrays. ``given_votes`` also has when and how they were given.
    """
    return given_votes(project)[:3]


def next_assignments(membership: Membership, n: int = 30) -> list[Assignment]:
    """The person's open assignments, oldest draw first."""
    rows = membership.assignments.filter(state=State.OPEN, expires_at__gt=timezone.now())
    return list(rows.select_related("image").order_by("drawn_at", "id")[:n])


def progress(project: Project) -> Progress:
    """Counts for the project's home and people's pages; cheap however many votes there are."""
    places = Coverage.objects.filter(project=project, is_open=True)
    sums = places.aggregate(n=Count("pk"), wanted=Sum("target"))
    unanswered = Assignment.objects.filter(annotator__project=project, state__in=UNANSWERED)
    full = places.filter(n_live__gte=project.target_votes)
    awaited = unanswered.filter(image__coverage__in=full).values("image").distinct()
    return Progress(
        n_images=sums["n"] or 0,
        n_votes=_votes_on_active_images(project, unanswered),
        n_wanted=sums["wanted"] or 0,
        n_complete=full.count() - awaited.count(),
        n_annotators=Membership.objects.filter(
            project=project, role=Role.ANNOTATOR, is_active=True
        ).count(),
        votes_per_day=votes_per_day(project, timezone.now()),
    )


def _votes_on_active_images(project: Project, unanswered: QuerySet[Assignment]) -> int:
    active = {"image__state": Image.State.ACTIVE}
    live = Coverage.objects.filter(project=project, **active).aggregate(n=Sum("n_live"))["n"]
    return (live or 0) - unanswered.filter(**active).count()


def assignment_state(project: Project) -> dict[str, int]:
    """What the rules work on: images (untouched, stopped early), plan, people, their share."""
    places = Coverage.objects.filter(project=project, is_open=True)
    counts = places.aggregate(
        n_images=Count("pk"),
        n_untouched=Count("pk", filter=Q(n_live=0)),
        n_stopped=Count("pk", filter=Q(target__lt=project.target_votes)),
    )
    planned = Assignment.objects.filter(annotator__project=project, state=State.PLANNED)
    room = room_of(project)
    here = at_work(project.pk).count()
    return {**counts, "n_planned": planned.count(), "n_people": here, "share": room.share}


def votes_in(project: Project) -> QuerySet[Vote]:
    """The current votes of a project's annotators on images that are active."""
    return Vote.objects.filter(
        is_current=True,
        assignment__state=State.ANSWERED,
        assignment__annotator__project=project,
        assignment__image__state=Image.State.ACTIVE,
    )


def work_of(membership: Membership) -> dict[str, int]:
    """One person's numbers: answered, open, and what falls to them as far as there is work."""
    counts = dict(membership.assignments.values_list("state").annotate(n=Count("pk")).order_by())
    in_reach = free_for(membership).count() + sum(counts.get(state, 0) for state in Assignment.LIVE)
    return {
        "n_answered": counts.get(State.ANSWERED, 0),
        "n_open": counts.get(State.OPEN, 0),
        "n_flagged": counts.get(State.FLAGGED, 0),
        "share": min(room_of(membership.project).share, in_reach),
    }


def people_at_work(project: Project) -> dict[int, dict[str, Any]]:
    """By membership id: votes that count, and about when the last ones came."""
    last = last_seen(project)
    counted = counted_votes(project)
    return {pk: {"n_votes": n, "last": last.get(pk)} for pk, n in counted.items()}


def votes_on(image: Image) -> list[int]:
    """How many current votes an image has for each of the seven expressions."""
    rows = (
        Vote.objects.filter(is_current=True, assignment__image=image)
        .values_list("expression")
        .annotate(n=Count("pk"))
        .order_by()
    )
    counts = dict(rows)
    return [counts.get(k, 0) for k in range(7)]


def open_flags(project: Project) -> QuerySet[Flag]:
    """Flags that no curator has decided, newest first."""
    rows = Flag.objects.filter(assignment__annotator__project=project, decided_at=None)
    return rows.select_related("assignment__image", "assignment__annotator").order_by("-id")


def live_counts(project: Project) -> dict[int, int]:
    """Live assignments by membership id."""
    return dict(Share.objects.filter(project=project).values_list("pk", "n_live"))
