"""Whole campaigns by concurrent people, recounted row by row."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from annotation.labelling import services
from annotation.labelling.bulk import design
from annotation.labelling.models import Assignment, Coverage, Vote
from annotation.people.models import Membership, Project
from tests.conftest import Cast

ImagesIn = Callable[[Project, int], list[int]]
AnnotatorsIn = Callable[[Project, int], list[Membership]]


def label_everything(member: Membership, failures: list[BaseException]) -> None:
    try:
        member = Membership.objects.select_related("project").get(pk=member.pk)
        while waiting := services.top_up(member, 4) or list(
            member.assignments.filter(state="open")[:4]
        ):
            for one in waiting:
                services.record_vote(one.pk, member, services.Answer(one.image_id % 7))
    except BaseException as error:
        failures.append(error)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("n_people", "target"), [(12, 5), (6, 5)])
def test_every_image_ends_with_its_target_from_distinct_people(
    cast: Cast, images_in: ImagesIn, annotators_in: AnnotatorsIn, n_people: int, target: int
) -> None:
    project = cast.project
    services.set_target(project, target)
    for person in (cast.alice, cast.bob):
        Membership.objects.filter(person=person).update(is_active=False)
    images = images_in(project, 24)
    people = annotators_in(project, n_people)
    failures: list[BaseException] = []
    threads = [threading.Thread(target=label_everything, args=(m, failures)) for m in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for member in people:  # whoever stopped while others still held places comes back once
        label_everything(member, failures)
    per_image = Counter(Vote.objects.values_list("assignment__image", flat=True))
    assert set(per_image.values()) == {target}
    assert set(per_image) == set(images)
    pairs = Assignment.objects.values_list("image", "annotator")
    assert len(set(pairs)) == len(pairs)
    load = Counter(Vote.objects.values_list("assignment__annotator", flat=True))
    assert max(load.values()) <= -(-24 * target // n_people) + 1


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
def test_order_is_drawn_anew_for_each_person(cast: Cast, images_in: ImagesIn) -> None:
    images = images_in(cast.project, 60)
    orders = [
        [a.image_id for a in services.top_up(cast.annotator(p), 60, random.Random(seed))]
        for seed, p in enumerate((cast.alice, cast.bob))
    ]
    assert [sorted(order) for order in orders] == [images, images]
    ranks = [np.argsort(order) for order in orders]
    assert abs(np.corrcoef(*ranks)[0, 1]) < 0.5
    assert abs(np.corrcoef(ranks[0], np.arange(60))[0, 1]) < 0.5


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
