"""How much work falls to a person: the even share, the cap, and who an image cannot do without."""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Case, Count, F, Max, Q, QuerySet, Sum, When
from django.db.models.functions import Now

from annotation.people.models import Membership, Project, Role

from .models import Assignment, Coverage, Rules, Share

AWAY_AFTER = timedelta(days=7)
"""Who was given nothing for so long is not waited for: their part falls to those at work."""
SPARE_PEOPLE = 8
"""With fewer than target + 8 people left who have room, some images may need one of them."""
ROOM_HOLDS_S = 2.0
"""So long a process remembers a room for people who are far from its end."""


@dataclass(frozen=True)
class Room:
    """Where a person's ordinary draws end, and the most live assignments they may have.

    An even share keeps one place beyond it for images that nobody else can finish: without it a
    few votes stay out of reach, and spent freely it is soon gone.
    """

    share: int
    cap: int

    @property
    def is_even(self) -> bool:
        return self.cap == self.share + 1

    def left(self, n_live: int) -> int:
        """How many ordinary draws somebody with so many live assignments still has."""
        return max(self.share - n_live, 0)

    @property
    def far_limit(self) -> int:
        """With so many live assignments somebody is nowhere near the end of the work."""
        return self.share - max(self.share // 4, 50) - 1

    def is_far(self, n_live: int) -> bool:
        return n_live <= self.far_limit


_remembered: dict[int, tuple[float, Rules, Room]] = {}


def room_for(project: Project, n_live: int) -> tuple[Rules, Room]:
    """The rules, and the room for a draw that leads to so many live assignments.

    Asking all images and people costs more than the draw. So it is asked again only near the end
    of the share, where it decides, and else every ``ROOM_HOLDS_S``: in that time nobody draws a
    quarter of their work.
    """
    asked, rules, room = _remembered.get(project.pk) or (0.0, None, None)
    if rules and room and time.monotonic() < asked + ROOM_HOLDS_S and room.is_far(n_live):
        return rules, room
    rules = rules_of(project.pk)
    room = room_of(project, rules)
    _remembered[project.pk] = (time.monotonic(), rules, room)
    return rules, room


def far_room(project_id: int) -> tuple[int, bool] | None:
    """How many live assignments are still far, and whether sources are spread, if remembered."""
    asked, rules, room = _remembered.get(project_id) or (0.0, None, None)
    if not (rules and room) or time.monotonic() >= asked + ROOM_HOLDS_S or room.far_limit <= 0:
        return None
    return room.far_limit, rules.spread_sources


def forget_room(project_id: int) -> None:
    """In this process; others remember for ``ROOM_HOLDS_S`` at most."""
    _remembered.pop(project_id, None)


def rules_of(project_id: int) -> Rules:
    """The project's rules; the paper's way where none were set."""
    return Rules.objects.filter(pk=project_id).first() or Rules(project_id=project_id)


def room_of(project: Project, rules: Rules | None = None) -> Room:
    """The even share of the work among the annotators at work, unless the rules say otherwise.

    What people did who have left or stay away counts as done and not as anybody's load.
    """
    rules = rules or rules_of(project.pk)
    if rules.share == Rules.Share.FIXED:
        return Room(rules.share_size or 0, rules.share_size or 0)
    demand = Coverage.objects.filter(project=project).aggregate(
        n=Sum(Case(When(is_open=True, then="target"), default="n_live"))
    )["n"]
    if rules.share == Rules.Share.OPEN:
        return Room(demand or 0, demand or 0)
    shares = Share.objects.filter(project=project)
    done = shares.aggregate(n=Sum("n_live"))["n"] or 0
    here = at_work(project.pk).aggregate(n=Count("pk"), n_live=Sum("share__n_live"))
    left = (demand or 0) - done + (here["n_live"] or 0)
    share = max(-(-left // here["n"]), 0) if here["n"] else 0
    return Room(share, share + 1)


def cap_of(project: Project) -> int:
    """The most live assignments that anybody may have: ceil(images × target / people) + 1."""
    return room_of(project).cap


def scarce_for(
    membership: Membership, room: Room, n_live: int, free: QuerySet[Coverage]
) -> set[int]:
    """The ``free`` images that cannot do without this person, who has ``n_live`` assignments.

    An image needs this person when the others who have room and were not given it are fewer than
    the votes it lacks (Hall's condition for one image). Somebody at the share counts as having no
    room, so that the one place beyond it serves what nobody else can.
    """
    if not room.is_even or room.is_far(n_live):
        return set()
    target = Coverage.objects.filter(project=membership.project_id).aggregate(n=Max("target"))["n"]
    helpers = at_work(membership.project_id).filter(Q(share=None) | Q(share__n_live__lt=room.share))
    others = list(helpers.exclude(pk=membership.pk).values_list("pk", flat=True))
    if len(others) + (n_live < room.share) >= (target or 0) + SPARE_PEOPLE:
        return set()
    given = dict(
        Assignment.objects.filter(annotator__in=others, image__in=free.values("pk"))
        .exclude(state=Assignment.State.LAPSED)
        .values_list("image")
        .annotate(n=Count("pk"))
    )
    lacking = free.annotate(lacks=F("target") - F("n_live")).values_list("pk", "lacks")
    return {pk for pk, lacks in lacking if len(others) - given.get(pk, 0) < lacks}


def at_work(project_id: int) -> QuerySet[Membership]:
    """The active annotators who came or were given images lately."""
    since = Now() - AWAY_AFTER
    return Membership.objects.filter(
        Q(joined_at__gt=since) | Q(share__drawn_at__gt=since),
        project=project_id,
        role=Role.ANNOTATOR,
        is_active=True,
    )
