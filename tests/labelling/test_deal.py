"""The draw in one statement is as even, as random and as safe beside others as the long one."""

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import connection

from annotation.labelling import deal, draw, room, services
from annotation.labelling.models import Assignment, Coverage, Share
from annotation.people.models import Membership, Project
from tests.conftest import Cast

from .campaign import live_rows, spread
from .order import gap_p, neighbours

N_IMAGES, N_PEOPLE, TARGET, N_SOURCES = 400, 5, 3, 10
needs_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="only PostgreSQL draws in one statement"
)


@pytest.fixture
def crowd(
    cast: Cast,
    images_in: Callable[[Project, int], list[int]],
    annotators_in: Callable[[Project, int], list[Membership]],
    monkeypatch: pytest.MonkeyPatch,
) -> list[Membership]:
    """Enough work that most draws are far from its end, and a room that is remembered for good."""
    services.set_target(cast.project, TARGET)
    Membership.objects.filter(person__in=[cast.alice, cast.bob]).update(is_active=False)
    first = images_in(cast.project, N_IMAGES)[0]
    for k in range(N_SOURCES):
        low = first + k * (N_IMAGES // N_SOURCES)
        Coverage.objects.filter(pk__gte=low).update(source=k + 1)
    monkeypatch.setattr(room, "ROOM_HOLDS_S", 1e9)
    room.forget_room(cast.project.pk)
    yield annotators_in(cast.project, N_PEOPLE)
    room.forget_room(cast.project.pk)


@pytest.mark.django_db
def test_dealt_images_are_even_random_and_apart_in_source(
    cast: Cast, crowd: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    n_dealt = []

    def counted(*told: Any) -> list[Assignment]:
        given = deal.deal(*told)
        n_dealt.append(len(given))
        return given

    monkeypatch.setattr(draw, "deal", counted)
    first = Coverage.objects.order_by("pk").values_list("pk", flat=True)[0]
    orders: dict[int, list[int]] = {member.pk: [] for member in crowd}
    rng, idle = random.Random(2), set()
    while len(idle) < len(crowd):  # whoever got nothing may be needed once others are full
        member = rng.choice([one for one in crowd if one.pk not in idle])
        mine = orders[member.pk]
        new = services.top_up(member, len(mine) + 12)
        assert len({one.image_id for one in new}) == len(new) <= 12
        assert all(one.image.uid and one.expires_at > one.drawn_at for one in new)
        mine += [one.image_id - first for one in new]
        idle = set() if new else {*idle, member.pk}
        assert spread(cast.project) <= 2
    live = live_rows(cast.project)
    assert dict(Coverage.objects.values_list("pk", "n_live")) == live
    assert set(live.values()) == {TARGET}
    assert dict(Share.objects.values_list("pk", "n_live")) == {k: len(v) for k, v in orders.items()}
    walks, sources = list(orders.values()), np.arange(N_IMAGES) // (N_IMAGES // N_SOURCES)
    assert neighbours(walks, sources) < 0.5 / N_SOURCES
    if connection.vendor == "postgresql":
        assert sum(n_dealt) > N_IMAGES * TARGET / 2, "most of it by one statement"


@needs_postgresql
@pytest.mark.django_db
def test_dealt_steps_are_as_likely_as_any(
    cast: Cast, crowd: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    Coverage.objects.update(source=0)
    first = Coverage.objects.order_by("pk").values_list("pk", flat=True)[0]

    def walks() -> list[list[int]]:
        orders = []
        for member in crowd:
            services.top_up(member, 1)
            some = [deal.deal(member, 12 * k, 12 * k) for k in range(1, 12)]
            orders.append([one.image_id - first for drawn in some for one in drawn])
        return orders

    assert gap_p(walks(), N_IMAGES) > 1e-4
    Assignment.objects.all().delete()
    Share.objects.update(n_live=0)
    Coverage.objects.update(n_live=0)
    for k, pk in enumerate(Coverage.objects.order_by("pk").values_list("pk", flat=True)):
        Coverage.objects.filter(pk=pk).update(lot=k / N_IMAGES)
    monkeypatch.setattr("random.random", lambda: 0.0)  # the control: lots in order, one start
    assert gap_p(walks(), N_IMAGES) < 1e-6


def _two_at_once(member: Membership) -> int:
    barrier = threading.Barrier(2)
    services.top_up(member, 1)

    def draw_once() -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            deal.deal(member, 20, 19)
        finally:
            connection.close()

    threads = [threading.Thread(target=draw_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return member.assignments.filter(state="open").count()


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_draw_at_once_draw_once(
    crowd: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the negative control: without the lock on the share each of them draws."""
    slow = deal._DEAL.replace("FROM waiting, labelling_share s", _SLEEPING)
    assert slow != deal._DEAL
    monkeypatch.setattr(deal, "_DEAL", slow)
    assert _two_at_once(crowd[0]) == 20
    monkeypatch.setattr(deal, "_LOCK", "SELECT 1 FROM labelling_share WHERE annotator_id = $1")
    assert _two_at_once(crowd[1]) > 20


_SLEEPING = "FROM pg_sleep(0.3), waiting, labelling_share s"
