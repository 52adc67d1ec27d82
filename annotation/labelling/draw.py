"""Draws: which images a person gets next. Random, even, capped, and safe beside other draws.

Locks are taken in one order everywhere: the person's share, then assignments, then coverage. A
draw skips locked coverage and so never waits for another draw (PostgreSQL; on SQLite every
transaction is alone from its start).

Images of one need stand in the order of their lots. A draw begins at a random place of that order,
and every image that is taken or given back gets a new lot: a few steps in an index, and yet no two
people walk one sequence.
"""

import random
from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now, Random

from annotation.people.models import Membership

from .deal import deal
from .models import Assignment, Coverage, Rules, Share
from .room import cap_of, room_for, scarce_for
from .sources import RECENT, apart, choose

MAX_WAITS = 5
State = Assignment.State
Chance = random.Random | None


def top_up(
    membership: Membership, n: int, rng: Chance = None, *, low: int | None = None
) -> list[Assignment]:
    """Draw until the person has ``n`` open assignments, as far as work and their share allow.

    Nothing is drawn while more than ``low`` are open. Planned assignments open first. Among the
    images never given to this person (lapsed ones they never answered count as not given), those
    with the fewest live assignments come first, in an order drawn anew each time. Returns the new
    assignments with their images, in the order to be shown. ``rng`` replaces the database's
    randomness where a draw must be repeatable.
    """
    low = n - 1 if low is None else low
    dealt = [] if rng else deal(membership, n, low)
    return dealt or _top_up(membership, n, rng, low)


def _top_up(membership: Membership, n: int, rng: Chance, low: int) -> list[Assignment]:
    with transaction.atomic():
        share = lock_share(membership)
        n_open, n_planned = _waiting(membership)
        if n_open > low:
            return []
        if n_planned:
            drawn = _release(membership, n - n_open, rng)
        else:
            drawn = _draw(membership, share, n - n_open, rng)
        rows = membership.assignments.filter(image__in=drawn).select_related("image")
        told = rows.only("annotator", "image__uid", "drawn_at", "expires_at")
        by_image = {row.image_id: row for row in told}
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


def give_back(image_ids: Iterable[int], *, close: bool = False) -> None:
    """Free one place on each of these images; with ``close`` the place is gone for good.

    Locks them in order: two givers cannot cross.
    """
    ids = sorted(image_ids)
    gone = {"target": F("target") - 1} if close else {}
    for start in range(0, len(ids), 500):
        rows = Coverage.objects.filter(pk__in=ids[start : start + 500])
        list(rows.order_by("pk").select_for_update().values_list("pk"))
        rows.update(n_live=F("n_live") - 1, lot=Random(), **gone)


def take_place(membership: Membership, image_id: int) -> bool:
    """Take one place on an image outside a draw (for a vote that came late), if there is one."""
    share = lock_share(membership)
    if share.n_live >= cap_of(membership.project):
        return False
    taken = Coverage.objects.filter(pk=image_id, is_open=True, n_live__lt=F("target")).update(
        n_live=F("n_live") + 1, lot=Random()
    )
    if taken:
        Share.objects.filter(pk=share.pk).update(n_live=F("n_live") + 1)
    return bool(taken)


def free_for(membership: Membership) -> QuerySet[Coverage]:
    """Open images with a place left that this person was not given."""
    given = Assignment.objects.filter(annotator=membership, image=OuterRef("pk")).exclude(
        state=State.LAPSED
    )
    return Coverage.objects.filter(
        ~Exists(given), project_id=membership.project_id, is_open=True, n_live__lt=F("target")
    )


def _waiting(membership: Membership) -> tuple[int, int]:
    """How many assignments are open, and how many a plan still holds."""
    rows = membership.assignments.filter(state__in=[State.OPEN, State.PLANNED])
    counts = dict(rows.values_list("state").annotate(n=Count("pk")).order_by())
    return counts.get(State.OPEN, 0), counts.get(State.PLANNED, 0)


def _release(membership: Membership, n: int, rng: Chance) -> list[int]:
    """Open some of what a plan holds for this person, at random; its places are counted already."""
    rows = membership.assignments.filter(state=State.PLANNED)
    told = ("pk", "image_id", "image__coverage__source")
    if rng is not None:
        every = list(rows.order_by("pk").values_list(*told))
        held = rng.sample(every, min(n, len(every)))
    else:
        held = list(rows.order_by("?").values_list(*told)[:n])
    expires = Now() + timedelta(hours=membership.project.assignment_hours)
    Assignment.objects.filter(pk__in=[pk for pk, *_ in held]).update(
        state=State.OPEN, drawn_at=Now(), expires_at=expires
    )
    Share.objects.filter(pk=membership.pk).update(drawn_at=Now())
    sources = {image: source or 0 for _, image, source in held}
    return apart(sources, sources, 0) if any(sources.values()) else list(sources)


def _draw(membership: Membership, share: Share, n: int, rng: Chance) -> list[int]:
    """Choose, count and assign up to ``n`` images.

    Room is kept for the images that cannot do without this person; whoever has none left may
    still take one such image, up to the cap.
    """
    rules, room = room_for(membership.project, share.n_live + n)
    if share.n_live >= room.cap:
        return []
    left = room.left(share.n_live)
    scarce = scarce_for(membership, room, share.n_live, free_for(membership))
    n = min(n, left or min(len(scarce), 1))
    hand = _Hand(membership, rules, rng)
    hand.take_evenly(min(n, max(left - len(scarce), 0)), scarce)
    hand.take_among(scarce, n)
    drawn = hand.shuffled()
    if drawn:
        _assign(membership, drawn)
        Share.objects.filter(pk=share.pk).update(n_live=F("n_live") + len(drawn), drawn_at=Now())
    return drawn


class _Hand:
    """The images that one draw takes, level by level, and what it must remember meanwhile."""

    def __init__(self, membership: Membership, rules: Rules, rng: Chance) -> None:
        self.free = free_for(membership)
        self.places = Coverage.objects.filter(
            project_id=membership.project_id, is_open=True, n_live__lt=F("target")
        )
        self.rng = rng
        self.drawn: dict[int, int] = {}
        """Sources by image, in the order taken."""
        self.passed: dict[int, int] = {}
        """Live assignments by image, of those that another draw held when they were wanted."""
        self.n_waits = 0
        self.membership, self.spread = membership, rules.spread_sources

    def take_evenly(self, n: int, first: set[int]) -> None:
        """Take ``n`` of the images with the fewest live assignments, ``first`` before others.

        While other draws hold images at one level, nothing two levels above it is taken: rather a
        few images less, or wait for the others if there would be none.
        """
        level = -1
        self.passed.clear()
        while len(self.drawn) < n:
            found = self.places.filter(n_live__gt=level).order_by("n_live")
            level = found.values_list("n_live", flat=True).first()
            if level is None or level > min(self.passed.values(), default=level) + 1:
                break
            rows = self.free.filter(n_live=level)
            if first:
                self._take(rows.filter(pk__in=first), n)
            self._take(rows, n)
        if n > 0 and self.passed and not self.drawn and self.n_waits < MAX_WAITS:
            self.n_waits += 1
            held = Coverage.objects.filter(pk=next(iter(self.passed)))
            list(held.select_for_update().values_list("pk"))  # holding nothing, waiting is safe
            self.take_evenly(n, first)

    def take_among(self, images: set[int], n: int) -> None:
        """Go on to ``n`` with these images, whatever their need."""
        if images and len(self.drawn) < n:
            self._take(self.free.filter(pk__in=images), n)

    def shuffled(self) -> list[int]:
        """The images in the order to be shown."""
        ids = list(self.drawn)
        (self.rng or random).shuffle(ids)
        if not (self.spread and any(self.drawn.values())):
            return ids
        return apart(ids, self.drawn, self.recent[-1] if self.recent else 0)

    @cached_property
    def recent(self) -> list[int]:
        """Sources of the images that this person was given last, the latest at the end."""
        last = self.membership.assignments.filter(state=State.OPEN).order_by("-drawn_at", "-pk")
        sources = list(last.values_list("image__coverage__source", flat=True)[:RECENT])
        return [source or 0 for source in reversed(sources)]

    def _take(self, rows: QuerySet[Coverage], n: int) -> None:
        """Count one live assignment more on up to ``n - len(drawn)`` rows, chosen at random.

        Rows that another draw has locked meanwhile are passed over.
        """
        tried: list[int] = []
        while (wanted := n - len(self.drawn)) > 0:
            fresh = rows.exclude(pk__in=[*self.drawn, *tried])
            seen = self._some_of(fresh, 3 * wanted if self.spread else wanted)
            if not seen:
                return
            chosen = list(seen)[:wanted]
            if any(source for source, _ in seen.values()):
                of = {pk: source for pk, (source, _) in seen.items()}
                chosen = choose(of, wanted, {*self.recent, *self.drawn.values()} - {0})
            tried += chosen
            locked = rows.filter(pk__in=chosen).select_for_update(skip_locked=True)
            held = list(locked.order_by("pk").values_list("pk", flat=True))
            Coverage.objects.filter(pk__in=held).update(n_live=F("n_live") + 1, lot=Random())
            self.drawn |= {pk: seen[pk][0] for pk in held}
            self.passed |= {pk: seen[pk][1] for pk in set(chosen).difference(held)}

    def _some_of(self, rows: QuerySet[Coverage], n: int) -> dict[int, tuple[int, int]]:
        """``n`` rows at random, in the order of lots from a random place on.

        By image: its source, and the live assignments that it has.
        """
        told = ("pk", "source", "n_live")
        if self.rng is not None:
            every = list(rows.order_by("pk").values_list(*told))
            some = self.rng.sample(every, min(n, len(every)))
        else:
            start = random.random()
            some = list(rows.filter(lot__gte=start).order_by("lot").values_list(*told)[:n])
            if len(some) < n:
                rest = rows.filter(lot__lt=start).order_by("lot").values_list(*told)
                some += rest[: n - len(some)]
        return {pk: (source, n_live) for pk, source, n_live in some}


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
