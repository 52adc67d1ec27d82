"""The order in which people see images: random, of no source in a row, unrelated to others'."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db.models import F

from annotation.labelling import draw, services
from annotation.labelling.bulk import design
from annotation.labelling.models import Coverage, Rules
from annotation.labelling.sources import apart, source_of
from annotation.people.models import Membership, Project
from tests.conftest import Cast

from .order import gap_p, neighbours, overlap

pytestmark = pytest.mark.django_db
N_IMAGES, N_PEOPLE, TARGET, N_SOURCES = 240, 20, 5, 12
Orders = list[list[int]]


@pytest.fixture
def crowd(cast: Cast, images_in: Any, annotators_in: Any) -> list[Membership]:
    """Images of a dozen photographers, import after import, and people to look at them."""
    services.set_target(cast.project, TARGET)
    Membership.objects.filter(person__in=[cast.alice, cast.bob]).update(is_active=False)
    first = images_in(cast.project, N_IMAGES)[0]
    Coverage.objects.update(source=(F("pk") - first) / (N_IMAGES // N_SOURCES) + 1)
    people: list[Membership] = annotators_in(cast.project, N_PEOPLE)
    return people


def drawn(project: Project, people: list[Membership], at_once: int = 6) -> Orders:
    """Everybody draws in turns until nothing is left; import indices in the order shown."""
    first = Coverage.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)[0]
    orders: dict[int, list[int]] = {member.pk: [] for member in people}
    rng = random.Random(1)
    busy = list(people)
    while busy:
        member = rng.choice(busy)
        mine = orders[member.pk]
        new = services.top_up(member, len(mine) + at_once)
        mine += [one.image_id - first for one in new]
        if not new:
            busy.remove(member)
    return list(orders.values())


def sources() -> np.ndarray:
    return np.arange(N_IMAGES) // (N_IMAGES // N_SOURCES)


def test_orders_are_random_apart_in_source_and_unrelated(
    cast: Cast, crowd: list[Membership]
) -> None:
    orders = drawn(cast.project, crowd)
    assert sum(map(len, orders)) == N_IMAGES * TARGET
    assert neighbours(orders, sources()) < 0.5 / N_SOURCES
    # Six sigma of 190 pairs, and what keeping sources apart adds.
    assert 0.4 < overlap(orders, N_IMAGES) < 1.7


def test_without_spreading_neighbours_share_a_source_by_chance(
    cast: Cast, crowd: list[Membership]
) -> None:
    """The negative control of the spreading, and the steps of an order that nothing bends."""
    Rules.objects.create(project=cast.project, spread_sources=False)
    orders = drawn(cast.project, crowd)
    assert neighbours(orders, sources()) > 0.5 / N_SOURCES
    assert gap_p(orders, N_IMAGES) > 1e-4


Some = dict[int, tuple[int, int]]


def walk_in_order(hand: Any, rows: Any, n: int) -> Some:
    return dict.fromkeys(rows.order_by("pk").values_list("pk", flat=True)[:n], (0, 0))


def walk_one_sequence(hand: Any, rows: Any, n: int) -> Some:
    """A stored random number for each image, and everybody starts at its least."""
    every = sorted(rows.values_list("pk", flat=True), key=lambda pk: pk * 7919 % 1009)
    return dict.fromkeys(every[:n], (0, 0))


@pytest.mark.parametrize("walk", [walk_in_order, walk_one_sequence])
def test_an_order_that_is_stored_fails(
    cast: Cast,
    crowd: list[Membership],
    monkeypatch: pytest.MonkeyPatch,
    walk: Callable[..., Any],
) -> None:
    """The negative controls: batches of neighbours are seen as such, however they are shuffled."""
    Rules.objects.create(project=cast.project, spread_sources=False)
    monkeypatch.setattr(draw._Hand, "_some_of", walk)
    orders = drawn(cast.project, crowd, at_once=60)
    assert gap_p(orders, N_IMAGES) < 1e-6 or overlap(orders, N_IMAGES) > 2


def test_a_design_drawn_whole_is_as_random_as_its_measure_says() -> None:
    """The measures themselves, on sets that are random by construction and on sets that are not."""
    rows = design(400, 60, 10, np.random.default_rng(0))
    orders = [np.flatnonzero((rows == person).any(axis=1)) for person in range(60)]
    rng = np.random.default_rng(1)
    shuffled = [rng.permutation(order) for order in orders]
    assert gap_p(shuffled, 400) > 1e-3
    assert gap_p(orders, 400) < 1e-6  # in the order of import
    assert 0.85 < overlap(orders, 400) < 1.15
    assert overlap([*orders[:30], *orders[:30]], 400) > 2  # everybody has a double


def test_source_is_the_photographer_or_else_the_search() -> None:
    assert source_of({"owner": "Ada", "keyword": "joy"}) == source_of({"owner": " ada "})
    assert source_of({"keyword": "joy"}) not in (0, source_of({"owner": "joy"}))
    assert source_of({}) == source_of({"owner": ""}) == 0


def test_neighbours_of_one_source_are_parted_where_that_is_possible() -> None:
    of = {1: 7, 2: 7, 3: 8, 4: 0, 5: 7}
    ordered = apart([1, 2, 3, 4, 5], of, 0)
    assert sorted(ordered) == [1, 2, 3, 4, 5]
    assert [of[image] for image in ordered] == [7, 8, 7, 0, 7]
    assert apart([1, 2], of, 7) == [1, 2]
