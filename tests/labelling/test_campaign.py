"""Whole campaigns by concurrent people, recounted row by row."""

import contextlib
import random
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from annotation.labelling import draw, services
from annotation.labelling.bulk import design
from annotation.labelling.models import Assignment, Coverage, Rules, Share
from annotation.labelling.room import Room
from annotation.people import services as people
from annotation.people.models import Membership, Project, Role
from tests.conftest import Cast

from .campaign import Worker, campaign, recount, spread, stored, together

ImagesIn = Callable[[Project, int], list[int]]
AnnotatorsIn = Callable[[Project, int], list[Membership]]


def workers_in(cast: Cast, annotators_in: AnnotatorsIn, n: int, target: int) -> list[Worker]:
    """``n`` people with tokens in a project of this target; alice and bob are elsewhere."""
    services.set_target(cast.project, target)
    Membership.objects.filter(person__in=[cast.alice, cast.bob]).update(is_active=False)
    return [Worker(member) for member in annotators_in(cast.project, n)]


def no_failures(workers: list[Worker]) -> bool:
    return not [failure for worker in workers for failure in worker.failures]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("n_images", "n_people", "target"), [(12, 12, 5), (10, 6, 5), (3, 41, 40)])
def test_every_image_ends_with_its_target_from_distinct_people(
    cast: Cast,
    images_in: ImagesIn,
    annotators_in: AnnotatorsIn,
    n_images: int,
    n_people: int,
    target: int,
) -> None:
    workers = workers_in(cast, annotators_in, n_people, target)
    images = images_in(cast.project, n_images)
    spreads = campaign(cast.project, workers)
    assert no_failures(workers)
    per_image, per_person = recount(cast.project)
    assert per_image == dict.fromkeys(images, target)
    assert max(per_person.values()) <= -(-n_images * target // n_people) + 1
    assert max(spreads) <= 2, spreads
    assert stored(workers)


@pytest.mark.django_db(transaction=True)
def test_campaign_ends_whole_though_people_leave_join_and_go_and_images_come_and_go(
    cast: Cast, images_in: ImagesIn, annotators_in: AnnotatorsIn
) -> None:
    project = cast.project
    workers = workers_in(cast, annotators_in, 7, 4)
    images = images_in(project, 12)
    for worker in workers:
        worker.n_left = 3
    together(workers)
    gone, offline, *staying = workers
    people.exclude(gone.membership, "test")
    services.withdraw(gone.membership)
    Assignment.objects.filter(annotator=offline.membership).update(
        expires_at=Now() - timedelta(hours=1)
    )
    services.lapse()
    long_ago = Now() - timedelta(days=8)
    Membership.objects.filter(pk=offline.membership.pk).update(joined_at=long_ago)
    Share.objects.filter(pk=offline.membership.pk).update(drawn_at=long_ago)
    services.close_images(images[:2])
    added = images_in(project, 2)
    late = Worker(people.join(project, people.create_person("late", None), Role.ANNOTATOR))
    for worker in staying:
        worker.n_left = None
    campaign(project, [*staying, late])
    assert no_failures([*staying, late])
    per_image, _ = recount(project)
    assert {image: per_image[image] for image in images[2:]} == dict.fromkeys(images[2:], 4)
    assert {image: per_image[image] for image in added} == dict.fromkeys(added, 4)
    assert all(per_image[image] <= 4 for image in images[:2])
    assert not Assignment.objects.filter(image__in=images[:2], state="open").exists()
    assert stored([*workers, late])


def careless_take(hand: Any, rows: Any, n: int) -> None:
    """What many do: read the fewest, think, write the count that was read plus one."""
    seen = list(rows.order_by("?").values_list("pk", "n_live")[: n - len(hand.drawn)])
    time.sleep(0.01)
    for pk, n_live in seen:
        Coverage.objects.filter(pk=pk).update(n_live=n_live + 1)
        hand.drawn[pk] = 0


@pytest.mark.django_db(transaction=True)
def test_campaign_without_the_locks_gives_images_too_many_votes(
    cast: Cast, images_in: ImagesIn, annotators_in: AnnotatorsIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the counter stays within its target, the rows do not."""
    monkeypatch.setattr(draw._Hand, "_take", careless_take)
    monkeypatch.setattr(draw, "transaction", SimpleNamespace(atomic=contextlib.nullcontext))
    monkeypatch.setattr(draw, "lock_share", lambda member: Share(annotator=member))
    workers = workers_in(cast, annotators_in, 12, 3)
    images_in(cast.project, 6)
    together(workers)
    per_image, _ = recount(cast.project)
    assert max(per_image.values()) > 3
    assert all(row.n_live <= row.target for row in Coverage.objects.all())


@pytest.mark.django_db
def test_draws_that_do_not_mind_the_need_pull_images_apart(
    cast: Cast, images_in: ImagesIn, annotators_in: AnnotatorsIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spread that is promised, and the negative control without levels."""

    def widest(n_images: int) -> int:
        images = images_in(cast.project, n_images)
        spreads = []
        for member in members:
            services.top_up(member, 4)
            spreads.append(spread(cast.project))
        services.close_images(images)
        return max(spreads)

    members = [w.membership for w in workers_in(cast, annotators_in, 30, 20)]
    assert widest(12) <= 1
    monkeypatch.setattr(draw._Hand, "take_evenly", lambda hand, n, first: hand._take(hand.free, n))
    assert widest(12) > 2


@pytest.mark.django_db
def test_nobody_draws_beyond_the_cap_and_without_it_somebody_does(
    cast: Cast, images_in: ImagesIn, annotators_in: AnnotatorsIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [w.membership for w in workers_in(cast, annotators_in, 5, 2)]
    images_in(cast.project, 10)
    greedy = members[0]
    assert len(services.top_up(greedy, 10)) == 4
    assert services.cap_of(cast.project) == 5
    monkeypatch.setattr(draw, "room_for", lambda project, n_live: (Rules(), Room(99, 99)))
    services.top_up(greedy, 10)
    assert greedy.assignments.count() > services.cap_of(cast.project)


@pytest.mark.django_db
def test_one_live_assignment_too_many_is_refused_by_the_database(
    cast: Cast, images_in: ImagesIn
) -> None:
    """The constraint holds where code does not: the negative control of the counter."""
    images_in(cast.project, 1)
    Coverage.objects.update(n_live=F("target"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Coverage.objects.update(n_live=F("n_live") + 1)


@pytest.mark.django_db
def test_same_seed_draws_the_same(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 20)
    me = cast.annotator(cast.alice)

    def drawn() -> list[int]:
        with transaction.atomic():
            ids = [a.image_id for a in services.top_up(me, 5, random.Random(7))]
            transaction.set_rollback(True)
        return ids

    assert drawn() == drawn()


@pytest.mark.parametrize(("n_images", "n_people", "target"), [(50, 9, 4), (30, 41, 40), (7, 3, 3)])
def test_whole_design_has_both_margins_exact(n_images: int, n_people: int, target: int) -> None:
    rows: Any = design(n_images, n_people, target, np.random.default_rng(0))
    assert rows.shape == (n_images, target)
    assert all(len(set(row)) == target for row in rows.tolist())
    load = np.bincount(rows.ravel(), minlength=n_people)
    assert load.max() - load.min() <= 1
