"""How a project gets on is told without counting its votes, and is what counting them would say."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.images.models import Image
from annotation.images.services import exclude
from annotation.labelling import pulse, queries, services
from annotation.labelling.models import Pulse
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ImagesIn = Callable[[Any, int], list[int]]


@pytest.fixture
def busy(cast: Cast, images_in: ImagesIn) -> Cast:
    """Two people who voted, corrected, flagged and left faces open."""
    images_in(cast.project, 8)
    for person in (cast.alice, cast.bob):
        me = cast.annotator(person)
        drawn = services.top_up(me, 8)
        for assignment in drawn[:5]:
            services.record_vote(assignment.pk, me, services.Answer(expression=3))
        services.record_vote(drawn[0].pk, me, services.Answer(expression=1, revision=2))
        services.flag_assignment(drawn[1].pk, me, "no_face")
    return cast


def recount(cast: Cast) -> Counter[int]:
    return Counter(queries.votes_in(cast.project).values_list("assignment__annotator", flat=True))


def test_counts_are_those_of_a_recount(busy: Cast) -> None:
    counted = {pk: at["n_votes"] for pk, at in queries.people_at_work(busy.project).items()}
    assert counted == recount(busy)
    assert queries.progress(busy.project).n_votes == sum(counted.values()) == 8


def test_counts_follow_those_who_leave_and_images_that_go(busy: Cast) -> None:
    services.withdraw(busy.annotator(busy.alice), votes_too=True)
    assert pulse.counted_votes(busy.project)[busy.annotator(busy.alice).pk] == 0
    voted_on = queries.votes_in(busy.project).values_list("assignment__image", flat=True)
    exclude(Image.objects.get(pk=voted_on[0]), "test")
    n = queries.votes_in(busy.project).count()
    assert queries.progress(busy.project).n_votes == n == 3


def test_pages_ask_no_vote_for_their_counts(busy: Cast) -> None:
    services.take_pulse(busy.project)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        queries.progress(busy.project)
        queries.people_at_work(busy.project)
        queries.moved_since(busy.project, timezone.now())
    assert not [q["sql"] for q in asked if '"labelling_vote"' in q["sql"]]


def test_pulse_writes_only_what_changed_and_sums_to_the_counts(busy: Cast) -> None:
    assert services.take_pulse(busy.project) == 2
    assert services.take_pulse(busy.project) == 0
    services.withdraw(busy.annotator(busy.bob), votes_too=True)
    assert services.take_pulse(busy.project) == 1
    sums: Counter[int] = Counter()
    for row in Pulse.objects.all():
        sums[row.annotator_id] += row.n_votes
    assert sums == pulse.counted_votes(busy.project)


def test_votes_after_a_frozen_pulse_are_new_and_those_before_are_not(busy: Cast) -> None:
    frozen_at = timezone.now()
    services.take_pulse(busy.project, frozen_at)
    assert queries.moved_since(busy.project, frozen_at) == 0
    assert queries.moved_since(busy.project) == 8
    me = busy.annotator(busy.alice)
    waiting = me.assignments.filter(state="open").first()
    services.record_vote(waiting.pk, me, services.Answer(expression=5))
    assert queries.moved_since(busy.project, frozen_at) == 1, "before the clock wrote it down"
    services.take_pulse(busy.project)
    assert queries.moved_since(busy.project, frozen_at) == 1, "and after"


def test_pace_is_that_of_the_last_seven_days(busy: Cast) -> None:
    now = timezone.now()
    services.take_pulse(busy.project, now - timedelta(days=10))
    assert pulse.votes_per_day(busy.project, now) == 0
    Pulse.objects.update(at=now - timedelta(days=2))
    assert pulse.votes_per_day(busy.project, now) == pytest.approx(8 / 2)
