"""Draws: which images a person gets next. Random, even, capped, and safe beside other draws.

Locks are taken in one order everywhere: the person's share, then assignments, then coverage. A
draw skips locked coverage and so never waits for another draw (PostgreSQL; on SQLite every
transaction is alone from its start).
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, Count, Exists, F, Max, OuterRef, QuerySet, Sum, When
from django.db.models.functions import Now

from annotation.people.models import Membership, Project, Role

from .models import Assignment, Coverage, Share

State = Assignment.State
SPARE_PEOPLE = 8
"""With fewer than target + 8 people left who have room, some images may need one of them."""


@dataclass(frozen=True)
class Room:
    """How much work is left for people. ``share`` is everyone's even part, rounded up.

    Ordinary draws end at ``share``. One place beyond it is kept for images that nobody else can
    finish: without it a few votes stay out of reach, and spent freely it is soon gone.
    """

    share: int
    counts: dict[int, int]
    """Live assignments by membership id, of the active annotators."""

    def left(self, membership_id: int) -> int:
        """How many ordinary draws this person still has."""
        return max(self.share - self.counts.get(membership_id, 0), 0)

    def with_less_than(self, limit: int) -> list[int]:
        return [pk for pk, n in self.counts.items() if n < limit]


def top_up(membership: Membership, n: int, rng: random.Random | None = None) -> list[Assignment]:
    """Draw until the person has ``n`` open assignments, as far as work and their share allow.

    Among the images never given to this person (lapsed ones they never answered count as not
    given), those with the fewest live assignments come first, in an order drawn anew each time.
    Returns the new assignments with their images, in the order to be shown. ``rng`` replaces the
    database's randomness where a draw must be repeatable.
    """
    with transaction.atomic():
        lock_share(membership)
        n_open = membership.assignments.filter(state=State.OPEN).count()
        drawn = _draw(membership, n - n_open, rng) if n_open < n else []
        if not drawn:
            return []
        _assign(membership, drawn)
        Share.objects.filter(pk=membership.pk).update(n_live=F("n_live") + len(drawn))
        rows = membership.assignments.filter(image__in=drawn).select_related("image")
        by_image = {row.image_id: row for row in rows}
        return [by_image[image] for image in drawn]


def lock_share(membership: Membership) -> Share:
    """The person's share, locked: nobody else changes their assignments meanwhile."""
    rows = Share.objects.select_for_update()
    share = rows.filter(pk=membership.pk).first()
    if share is None:
        Share.objects.bulk_create(
            [Share(annotator=membership, project_id=membership.project_id)], ignore_conflicts=True
        )
        share = rows.get(pk=membership.pk)
    return share


def room_of(project: Project) -> Room:
    """The even share of the work among the active annotators, and what each of them has.

    What people did who have left counts as done and not as anybody's load.
    """
    demand = Coverage.objects.filter(project=project).aggregate(
        n=Sum(Case(When(is_open=True, then="target"), default="n_live"))
    )["n"]
    active = Membership.objects.filter(project=project, role=Role.ANNOTATOR, is_active=True)
    counts = dict.fromkeys(active.values_list("pk", flat=True), 0)
    gone = 0
    for pk, n_live in Share.objects.filter(project=project).values_list("pk", "n_live"):
        if pk in counts:
            counts[pk] = n_live
        else:
            gone += n_live
    share = -(-((demand or 0) - gone) // len(counts)) if counts else 0
    return Room(max(share, 0), counts)


def cap_of(project: Project) -> int:
    """The most live assignments that anybody may have: ceil(images × target / people) + 1."""
    return room_of(project).share + 1


def give_back(image_ids: Iterable[int], *, close: bool = False) -> None:
    """Free one place on each of these images; with ``close`` the place is gone for good.

    Locks them in order: two givers cannot cross.
    """
    ids = sorted(image_ids)
    gone = {"target": F("target") - 1} if close else {}
    for start in range(0, len(ids), 500):
        rows = Coverage.objects.filter(pk__in=ids[start : start + 500])
        list(rows.order_by("pk").select_for_update().values_list("pk"))
        rows.update(n_live=F("n_live") - 1, **gone)


def take_place(membership: Membership, image_id: int) -> bool:
    """Take one place on an image outside a draw (for a vote that came late), if there is one."""
    share = lock_share(membership)
    if share.n_live >= cap_of(membership.project):
        return False
    taken = Coverage.objects.filter(pk=image_id, is_open=True, n_live__lt=F("target")).update(
        n_live=F("n_live") + 1
    )
    if taken:
        Share.objects.filter(pk=share.pk).update(n_live=F("n_live") + 1)
    return bool(taken)


def _draw(membership: Membership, n: int, rng: random.Random | None) -> list[int]:
    """Choose and count up to ``n`` images; the caller assigns them.

    Room is kept for the images that cannot do without this person; whoever has none left may
    still take such images, one at a time.
    """
    room = room_of(membership.project)
    left = room.left(membership.pk)
    scarce = _scarce(membership, room) if _is_tight(membership, room) else set()
    n = min(n, left or min(len(scarce), 1))
    free = free_for(membership)
    drawn = _take_evenly(free, min(n, max(left - len(scarce), 0)), scarce, rng)
    drawn += _take(free.filter(pk__in=scarce.difference(drawn)), n - len(drawn), rng)
    (rng or random).shuffle(drawn)
    return drawn


def _take_evenly(
    free: QuerySet[Coverage], n: int, first: set[int], rng: random.Random | None
) -> list[int]:
    """Take ``n`` of the images with the fewest live assignments, ``first`` ones before others."""
    taken: list[int] = []
    for level in free.order_by("n_live").values_list("n_live", flat=True).distinct():
        rows = free.filter(n_live=level).exclude(pk__in=taken)
        if first:
            taken += _take(rows.filter(pk__in=first), n - len(taken), rng)
        taken += _take(rows.exclude(pk__in=first), n - len(taken), rng)
        if len(taken) >= n:
            break
    return taken


def free_for(membership: Membership) -> QuerySet[Coverage]:
    """Open images with a place left that this person was not given."""
    given = Assignment.objects.filter(annotator=membership, image=OuterRef("pk")).exclude(
        state=State.LAPSED
    )
    return Coverage.objects.filter(
        ~Exists(given), project_id=membership.project_id, is_open=True, n_live__lt=F("target")
    )


def _take(rows: QuerySet[Coverage], n: int, rng: random.Random | None) -> list[int]:
    """Lock ``n`` of these rows at random and count one live assignment more on each."""
    if n <= 0:
        return []
    rows = rows.select_for_update(skip_locked=True)
    if rng is None:
        ids = list(rows.order_by("?").values_list("pk", flat=True)[:n])
    else:
        ids = list(rows.order_by("pk").values_list("pk", flat=True))
        ids = rng.sample(ids, min(n, len(ids)))
    Coverage.objects.filter(pk__in=ids).update(n_live=F("n_live") + 1)
    return ids


def _assign(membership: Membership, image_ids: list[int]) -> None:
    """Write the assignments; a lapsed one opens again. Time is the database's."""
    expires = Now() + timedelta(hours=membership.project.assignment_hours)
    Assignment.objects.bulk_create(
        [
            Assignment(
                image_id=pk,
                annotator=membership,
                state=State.OPEN,
                drawn_at=Now(),
                expires_at=expires,
            )
            for pk in image_ids
        ],
        update_conflicts=True,
        unique_fields=["annotator", "image"],
        update_fields=["state", "drawn_at", "expires_at"],
    )


def _is_tight(membership: Membership, room: Room) -> bool:
    """Whether this person's last draws could decide if an image can still be finished."""
    if room.left(membership.pk) > max(room.share // 4, 50):
        return False
    target = Coverage.objects.filter(project=membership.project_id).aggregate(n=Max("target"))["n"]
    return len(room.with_less_than(room.share)) < (target or 0) + SPARE_PEOPLE


def _scarce(membership: Membership, room: Room) -> set[int]:
    """The images free for this person that cannot do without them.

    An image needs this person when the others who have room and were not given it are fewer than
    the votes it lacks (Hall's condition for one image). Somebody at the share counts as having no
    room, so that the one place beyond it serves what nobody else can; at the cap likewise.
    """
    mine = room.counts.get(membership.pk, 0)
    helpers = room.with_less_than(room.share + (mine > room.share))
    others = [pk for pk in helpers if pk != membership.pk]
    given = dict(
        Assignment.objects.filter(annotator__in=others)
        .exclude(state=State.LAPSED)
        .values_list("image")
        .annotate(n=Count("pk"))
    )
    lacking = free_for(membership).values_list("pk", "target", "n_live")
    return {
        pk for pk, target, n_live in lacking if len(others) - given.get(pk, 0) < target - n_live
    }
