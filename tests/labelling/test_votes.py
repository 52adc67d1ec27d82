"""A vote is stored once, with its label, whatever is sent and however often."""

import io
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import Client

from annotation.labelling import queries, services
from annotation.labelling.errors import VotesRefused
from annotation.labelling.models import Assignment, Coverage, Vote
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ImagesIn = Callable[[Any, int], list[int]]


@pytest.fixture
def assignment(cast: Cast, images_in: ImagesIn) -> Assignment:
    images_in(cast.project, 3)
    return services.top_up(cast.annotator(cast.alice), 3)[0]


def url(assignment: Assignment, deed: str = "vote") -> str:
    return f"/api/v1/projects/faces/assignments/{assignment.pk}/{deed}/"


def put(cast: Cast, assignment: Assignment, body: Any, person: Any = None) -> Any:
    client = cast.client(person or cast.alice)
    text = body if isinstance(body, str) else json.dumps(body)
    return client.put(url(assignment), text, content_type="application/json")


@pytest.mark.parametrize("sent", ["happiness", 4])
def test_vote_is_stored_by_name_or_number(cast: Cast, assignment: Assignment, sent: Any) -> None:
    answer = put(cast, assignment, {"expression": sent, "response_ms": 700})
    assert answer.status_code == 200, answer.content
    assert answer.json()["stored"] == {
        "assignment": assignment.pk,
        "expression": "happiness",
        "revision": 1,
    }
    assert Vote.objects.get().expression == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expression": 0}, "expression"),
        ({"expression": 8}, "expression"),
        ({"expression": "3"}, "expression"),
        ({"expression": 3.0}, "expression"),
        ({"expression": True}, "expression"),
        ({"expression": None}, "expression"),
        ({"expression": [3]}, "expression"),
        ({}, "expression"),
        ({"expression": 3, "revision": "1"}, "revision"),
        ({"expression": 3, "revision": True}, "revision"),
        ({"expression": 3, "revision": 0}, "revision"),
        ({"expression": 3, "response_ms": -1}, "response_ms"),
        ({"expression": 3, "position": 7}, "position"),
        ({"expression": 3, "colour": "red"}, "colour"),
        ('{"expression": 3, "expression": 4}', "expression"),
        ('{"expression": NaN}', "NaN"),
        ("[" * 100_000, "JSON"),
        ("", "expression"),
    ],
)
def test_bad_body_is_refused_with_its_field_named(
    cast: Cast, assignment: Assignment, body: Any, field: str
) -> None:
    answer = put(cast, assignment, body)
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.content.decode()
    assert not Vote.objects.exists()


def test_resend_changes_nothing_and_a_second_vote_is_a_conflict(
    cast: Cast, assignment: Assignment
) -> None:
    for _ in range(100):
        assert put(cast, assignment, {"expression": 4, "revision": 1}).status_code == 200
    answer = put(cast, assignment, {"expression": 5, "revision": 1})
    assert answer.status_code == 409
    assert "happiness" in answer.json()["detail"]
    assert Vote.objects.count() == 1


def test_correction_supersedes_and_keeps_the_old_vote(cast: Cast, assignment: Assignment) -> None:
    put(cast, assignment, {"expression": 4, "revision": 1})
    assert put(cast, assignment, {"expression": 5, "revision": 2}).status_code == 200
    assert put(cast, assignment, {"expression": 4, "revision": 1}).status_code == 409
    rows = list(Vote.objects.order_by("revision").values_list("expression", "is_current"))
    assert rows == [(3, False), (4, True)]


def test_other_peoples_assignments_are_not_there(cast: Cast, assignment: Assignment) -> None:
    for stranger in (cast.bob, cast.carla, cast.olga):
        assert put(cast, assignment, {"expression": 4}, stranger).status_code == 404
    assert not Vote.objects.exists()


def test_lapsed_assignment_counts_while_its_place_is_free_and_is_gone_after(
    cast: Cast, assignment: Assignment
) -> None:
    Assignment.objects.update(expires_at=Now() - timedelta(hours=1))
    assert services.lapse() == 3
    assert Coverage.objects.get(pk=assignment.image_id).n_live == 0
    me = cast.annotator(cast.alice)
    services.record_vote(assignment.pk, me, services.Answer(3))
    late = Assignment.objects.filter(state="lapsed").first()
    assert late is not None
    Coverage.objects.filter(pk=late.image_id).update(n_live=2)
    answer = put(cast, late, {"expression": 4})
    assert answer.status_code == 410
    assert "lapsed" in answer.json()["detail"]


def test_flag_frees_the_place_and_is_no_vote(cast: Cast, assignment: Assignment) -> None:
    client = cast.client(cast.alice)
    body = {"reason": "no_face", "note": "a wall"}
    answer = client.put(url(assignment, "flag"), body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert Coverage.objects.get(pk=assignment.image_id).n_live == 0
    assert queries.open_flags(cast.project).count() == 1
    assert len(queries.votes_of(cast.project)[0]) == 0


def test_two_current_votes_on_an_assignment_are_impossible(
    cast: Cast, assignment: Assignment
) -> None:
    Vote.objects.create(assignment=assignment, expression=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.create(assignment=assignment, expression=2, revision=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.create(assignment=assignment, expression=7, revision=2, is_current=False)


@pytest.mark.django_db(transaction=True)
def test_sixty_four_identical_votes_at_once_make_one_row(
    cast: Cast, assignment: Assignment
) -> None:
    headers = cast.token(cast.alice, "annotator")
    other = Assignment.objects.exclude(pk=assignment.pk).first()
    assert other is not None
    body = json.dumps({"expression": 4})
    first = Client(headers=headers).put(url(other), body, content_type="application/json")
    assert first.status_code == 200, "the token was used: from now on plain votes go the short way"
    barrier = threading.Barrier(64)
    failures: list[object] = []

    def vote() -> None:
        client = Client(headers=headers)
        barrier.wait()
        try:
            answer = client.put(url(assignment), body, content_type="application/json")
            if answer.status_code != 200:
                failures.append(answer.content)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=vote) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert Vote.objects.filter(assignment=assignment).count() == 1


def test_annotator_exports_nothing_and_the_curator_all(cast: Cast, assignment: Assignment) -> None:
    put(cast, assignment, {"expression": "fear"})
    address = "/api/v1/projects/faces/votes/"
    assert cast.client(cast.alice).get(address).status_code == 404
    answer = cast.client(cast.carla).get(address)
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    assert lines[1].startswith(f"{assignment.image.uid},A001,fear,")


def test_bulk_votes_keep_every_constraint(cast: Cast, images_in: ImagesIn) -> None:
    images = np.array(images_in(cast.project, 4))
    alice, bob = (cast.annotator(p).pk for p in (cast.alice, cast.bob))
    who = np.repeat([alice, bob], 4)
    both = np.tile(images, 2)
    votes = np.arange(8) % 7
    store = services.record_votes_bulk
    assert store(cast.project, image_ids=both, annotator_ids=who, expressions=votes) == 8
    assert store(cast.project, image_ids=both, annotator_ids=who, expressions=votes) == 0
    assert set(Coverage.objects.values_list("n_live", flat=True)) == {2}
    read = queries.votes_of(cast.project)
    assert [len(column) for column in read] == [8, 8, 8]
    with pytest.raises(VotesRefused, match="different vote"):
        store(cast.project, image_ids=both, annotator_ids=who, expressions=(votes + 1) % 7)
    with pytest.raises(VotesRefused, match="between 0 and 6"):
        store(cast.project, image_ids=both, annotator_ids=who, expressions=votes + 1)


def test_bulk_votes_beyond_the_target_are_refused_whole(
    cast: Cast, images_in: ImagesIn, annotators_in: Any
) -> None:
    (image,) = images_in(cast.project, 1)
    people = [m.pk for m in annotators_in(cast.project, 3)]
    with pytest.raises(VotesRefused, match="more votes than its target"):
        services.record_votes_bulk(
            cast.project,
            image_ids=np.full(3, image),
            annotator_ids=np.array(people),
            expressions=np.zeros(3, dtype=int),
        )
    assert not Vote.objects.exists()
    assert Coverage.objects.get().n_live == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "columns must be"),
        ("item,annotator\n", "columns must be"),
        ("item,annotator,expression,mood\n", "mood"),
        ("item,annotator,expression\n", "no vote"),
        ("item,annotator,expression\nnope,A001,fear\n", "line 2: item 'nope'"),
        ("item,annotator,expression\n0.jpg,A009,fear\n", "line 2: annotator 'A009'"),
        ("item,annotator,expression\n0.jpg,A001,0\n", "line 2: expression '0'"),
        ("item,annotator,expression\n0.jpg,A001,fear\n0.jpg,A001,fear\n", "line 3: .*twice"),
        ("item,annotator,expression\n0.jpg,A001\n", "line 2: 2 cells"),
    ],
)
def test_bad_table_of_votes_is_refused_with_its_line(
    cast: Cast, images_in: ImagesIn, text: str, told: str
) -> None:
    images_in(cast.project, 1)
    with pytest.raises(VotesRefused, match=told):
        services.import_votes(cast.project, io.BytesIO(text.encode()))


def test_table_of_votes_comes_in_by_name_and_number(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 2)
    text = "\ufeffitem,annotator,expression,voted_at\r\n0.jpg,A001,fear,2026-01-02T03:04:05Z\r\n1.jpg,A002,7,2026-01-02\r\n"  # noqa: E501
    assert services.import_votes(cast.project, io.BytesIO(text.encode())) == 2
    assert sorted(Vote.objects.values_list("expression", flat=True)) == [1, 6]
    assert Vote.objects.get(expression=1).voted_at.isoformat() == "2026-01-02T03:04:05+00:00"
