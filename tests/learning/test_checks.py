"""Known faces and repeats look like work, answer like votes, and count for nothing else."""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from annotation.images.models import Image
from annotation.labelling import queries as labelling
from annotation.labelling import services
from annotation.labelling.models import Assignment, Coverage, Vote
from annotation.learning import checks, gold, queries
from annotation.learning.measures import Score, score
from annotation.learning.models import Check, CheckAnswer
from annotation.people.models import Membership
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ImagesIn = Callable[[Any, int], list[int]]
API = "/api/v1/projects/faces/assignments/"
JSON = "application/json"


@pytest.fixture
def known(cast: Cast, images_in: ImagesIn) -> list[int]:
    """Twelve faces; six of them known to be happy. Checks are mixed in often."""
    ids = images_in(cast.project, 12)
    for image in Image.objects.filter(pk__in=ids[:6]):
        gold.mark(image, 3, cast.carla, "The cheeks are raised.")
    rates = {"gold_every": 2, "repeat_every": 2, "repeat_distance": 3, "target_votes": 1}
    type(cast.project).objects.filter(pk=cast.project.pk).update(**rates)
    cast.project.refresh_from_db()
    services.set_target(cast.project, 1)
    return ids


@pytest.fixture
def check(cast: Cast, known: list[int]) -> Check:
    """One known face, open for alice."""
    me = cast.annotator(cast.alice)
    drawn = services.top_up(me, 1)
    (made,) = [c for c in checks.mix_in(me, drawn * 2) if c.kind == Check.Kind.GOLD]
    return made


def put(cast: Cast, number: int, body: Any, person: Any = None, deed: str = "vote") -> Any:
    return cast.client(person or cast.alice).put(f"{API}{number}/{deed}/", body, JSON)


def label_everything(cast: Cast, person: Any) -> list[dict[str, Any]]:
    """The person answers whatever the API hands out until nothing is left; every row handed."""
    client, handed, seen = cast.client(person), [], set()
    while True:
        rows = [r for r in client.get(API).json()["results"] if r["id"] not in seen]
        if not rows:
            return handed
        while rows:
            row = rows.pop(0)
            if row["id"] in seen:
                continue
            seen.add(row["id"])
            handed.append(row)
            answer = client.put(f"{API}{row['id']}/vote/", {"expression": 4}, JSON)
            assert answer.status_code == 200, answer.content
            rows += answer.json()["next"]


def test_campaign_with_checks_ends_as_one_without(cast: Cast, known: list[int]) -> None:
    handed = label_everything(cast, cast.alice) + label_everything(cast, cast.bob)
    n_checks = Check.objects.count()
    assert n_checks > 0
    assert len(handed) == 12 + n_checks
    assert Vote.objects.count() == 12
    assert [len(column) for column in labelling.votes_of(cast.project)] == [12, 12, 12]
    assert set(Coverage.objects.values_list("n_live", "target")) == {(1, 1)}
    assert sum(labelling.live_counts(cast.project).values()) == 12
    assert labelling.progress(cast.project).n_votes == 12
    lines = cast.client(cast.carla).get("/api/v1/projects/faces/votes/").streaming_content
    assert len(b"".join(lines).splitlines()) == 1 + 12


def test_nothing_handed_out_tells_a_check_from_an_assignment(cast: Cast, known: list[int]) -> None:
    handed = label_everything(cast, cast.alice)
    numbers = [row["id"] for row in handed]
    of_checks = set(Check.objects.values_list("pk", flat=True))
    assert of_checks
    assert not of_checks & set(Assignment.objects.values_list("pk", flat=True))
    assert len({tuple(row) for row in handed}) == 1, "the same fields in the same order"
    assert max(numbers) - min(numbers) + 1 == len(numbers), "one run of numbers for both"
    vote = cast.client(cast.bob).get(API).json()["results"][0]
    assert list(put(cast, vote["id"], {"expression": 4}, cast.bob).json()) == ["stored", "next"]


def test_check_is_answered_once_however_often_and_corrected_like_a_vote(
    cast: Cast, check: Check
) -> None:
    for _ in range(10):
        told = put(cast, check.pk, {"expression": 4, "revision": 1, "response_ms": 900})
        assert told.json()["stored"]["assignment"] == check.pk
    assert put(cast, check.pk, {"expression": 5, "revision": 1}).status_code == 409
    assert put(cast, check.pk, {"expression": 5, "revision": 3}).status_code == 409
    assert put(cast, check.pk, {"expression": "5", "revision": 2}).status_code == 400
    assert put(cast, check.pk, {"expression": 5, "revision": 2}).status_code == 200
    rows = CheckAnswer.objects.order_by("revision").values_list("expression", "is_current")
    assert list(rows) == [(3, False), (4, True)]
    assert not Vote.objects.exists()
    for stranger in (cast.bob, cast.carla, cast.olga):
        assert put(cast, check.pk, {"expression": 4}, stranger).status_code == 404


def test_flagged_check_is_no_answer_and_tells_of_a_doubtful_face(cast: Cast, check: Check) -> None:
    put(cast, check.pk, {"expression": 4})
    told = put(cast, check.pk, {"reason": "no_face"}, deed="flag")
    assert told.json()["flagged"] == "no_face"
    assert queries.scores_of(check.annotator).gold.n == 0
    assert queries.gold_of(cast.project).get(image=check.image).n_flagged == 1


def test_check_of_an_image_taken_out_is_gone(cast: Cast, check: Check) -> None:
    Image.objects.filter(pk=check.image_id).update(state=Image.State.EXCLUDED)
    assert put(cast, check.pk, {"expression": 4}).status_code == 410
    assert check.pk not in [c.pk for c in queries.open_checks(check.annotator)]


def test_repeat_keeps_its_distance_and_never_comes_twice(cast: Cast, known: list[int]) -> None:
    me = cast.annotator(cast.alice)
    answered = []
    for _ in range(6):
        (one,) = services.top_up(me, 1)
        services.record_vote(one.pk, me, services.Answer(2))
        answered.append(one.image_id)
        for made in checks.mix_in(me, [one] * 40, random.Random(1)):
            if made.kind == Check.Kind.REPEAT:
                assert made.image_id in answered[:-3]
                assert made.expected == 2
    repeated = Check.objects.filter(kind=Check.Kind.REPEAT).values_list("image", flat=True)
    assert len(repeated) == len(set(repeated)) == 3


def test_known_face_never_comes_to_whom_it_was_assigned(cast: Cast, known: list[int]) -> None:
    label_everything(cast, cast.alice)
    shown = Check.objects.filter(kind=Check.Kind.GOLD)
    assert shown
    for one in shown:  # a later draw is not told of checks: it must stay as it would be
        assert not one.annotator.assignments.filter(image=one.image, pk__lt=one.pk)


def test_checks_come_at_the_set_rate(cast: Cast, known: list[int], monkeypatch: Any) -> None:
    monkeypatch.setattr(checks, "_gold_for", lambda me: (known[0], 3))
    monkeypatch.setattr(checks, "_repeat_for", lambda me, rng: None)
    monkeypatch.setattr(checks, "_draw", lambda *args, **kwargs: Check(kind="gold"))
    me = Membership(project=cast.project)
    me.project.gold_every = 20
    rng = random.Random(7)
    n = sum(len(checks.mix_in(me, [Assignment()], rng)) for _ in range(20_000))
    assert 900 < n < 1100


def test_no_check_is_looked_for_where_none_is_wanted(
    cast: Cast, images_in: ImagesIn, django_assert_num_queries: Any
) -> None:
    images_in(cast.project, 3)
    me = cast.annotator(cast.alice)
    drawn = services.top_up(me, 3)
    with django_assert_num_queries(0):
        assert checks.mix_in(me, drawn) == []


def test_feedback_is_given_only_where_the_project_says_so(cast: Cast, check: Check) -> None:
    assert "feedback" not in put(cast, check.pk, {"expression": 5}).json()
    type(cast.project).objects.update(gives_feedback=True)
    told = put(cast, check.pk, {"expression": 5}).json()["feedback"]
    assert told == {"is_right": False, "expected": "happiness", "why": "The cheeks are raised."}
    vote = Assignment.objects.filter(annotator=check.annotator)[0]
    assert "feedback" not in put(cast, vote.pk, {"expression": 5}).json()


def test_what_a_check_must_be_is_a_constraint(cast: Cast, check: Check) -> None:
    CheckAnswer.objects.create(check_row=check, expression=1)
    for wrong in ({"expression": 2, "revision": 2}, {"expression": 7, "is_current": False}):
        with pytest.raises(IntegrityError), transaction.atomic():
            CheckAnswer.objects.create(check_row=check, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Check.objects.create(
            pk=check.pk + 1000,
            annotator=check.annotator,
            image=check.image,
            kind="gold",
            expected=3,
            drawn_at=check.drawn_at,
            expires_at=check.expires_at,
        )


@pytest.mark.django_db(transaction=True)
def test_many_identical_answers_at_once_make_one_row(cast: Cast, check: Check) -> None:
    barrier, failures = threading.Barrier(16), []

    def answer() -> None:
        barrier.wait()
        try:
            checks.record_answer(check.pk, check.annotator, services.Answer(3))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=answer) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert CheckAnswer.objects.count() == 1


def test_score_is_held_against_what_the_same_keys_would_get_by_chance() -> None:
    careful = score([(k, k, 5) for k in range(7)])
    assert careful == Score(35, 35, pytest.approx(1 / 7))
    assert careful.beats_chance
    one_key = score([(3, 3, 20), (4, 3, 5), (5, 3, 5)])
    assert (one_key.share, one_key.chance) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert not one_key.beats_chance
    assert Score(8, 10, 1 / 7).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert score([]).interval == (0.0, 1.0)
