"""Who is asked to qualify labels nothing before; tries are limited, fair and told at the end."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from annotation.images.models import Image
from annotation.labelling.models import Assignment, Vote
from annotation.learning import gold, qualification
from annotation.learning.models import Attempt, AttemptFace
from annotation.people.models import Membership
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
API = "/api/v1/projects/faces"
JSON = "application/json"


@pytest.fixture
def asked(cast: Cast, images_in: Any) -> Membership:
    """Fourteen known faces, two of each expression; seven are asked, 70 % right passes."""
    for i, image in enumerate(Image.objects.filter(pk__in=images_in(cast.project, 14))):
        gold.mark(image, i % 7, cast.carla, "It shows.")
    rules = {"qualification_faces": 7, "qualification_tries": 2}
    told = cast.client(cast.carla).patch(f"{API}/learning/", rules, JSON)
    assert told.status_code == 200, told.content
    return cast.annotator(cast.alice)


def take(me: Membership, n_right: int) -> Attempt:
    """One whole try with so many right answers."""
    attempt = qualification.begin(me)
    for face in attempt.faces.all():
        wrong = (face.expected + 1) % 7
        ended = qualification.answer(
            me, face.position, face.expected if face.position <= n_right else wrong
        )
    me.refresh_from_db()
    return ended


def pass_time(me: Membership, hours: int) -> None:
    me.attempts.update(ended_at=F("ended_at") - timedelta(hours=hours))


def test_pass_mark_is_exact_and_opens_the_faces(cast: Cast, asked: Membership) -> None:
    client = cast.client(cast.alice)
    assert client.get(f"{API}/assignments/").json()["step"] == "qualification"
    assert take(asked, 4).is_passed is False  # 57 %
    assert asked.qualified_at is None
    pass_time(asked, 24)
    assert take(asked, 5).is_passed is True  # 71 %
    assert client.get(f"{API}/assignments/").status_code == 200
    assert not Vote.objects.exists()
    assert Assignment.objects.filter(annotator=asked, state="answered").count() == 0


def test_tries_are_limited_and_lie_apart(cast: Cast, asked: Membership) -> None:
    take(asked, 0)
    with pytest.raises(ValidationError, match="No further try"):
        qualification.begin(asked)
    pass_time(asked, 25)
    take(asked, 0)
    pass_time(asked, 25)
    with pytest.raises(ValidationError, match="No further try"):
        qualification.begin(asked)
    page = cast.client(cast.alice).get("/p/faces/qualification/").content.decode()
    assert "All tries are used" in page
    change = f"/p/faces/people/{asked.code}/change/"
    cast.client(cast.carla).post(change, {"deed": "give-try"})
    asked.refresh_from_db()
    assert qualification.standing(asked).may_begin
    cast.client(cast.carla).post(change, {"deed": "let-pass"})
    asked.refresh_from_db()
    assert asked.qualified_at


def test_faces_are_of_every_expression_and_new_ones_first(asked: Membership) -> None:
    first = qualification.begin(asked, random.Random(1))
    assert Counter(first.faces.values_list("expected", flat=True)) == dict.fromkeys(range(7), 1)
    assert qualification.begin(asked) == first, "the open try goes on"
    take(asked, 0)
    pass_time(asked, 25)
    second = qualification.begin(asked)
    both = {*first.faces.values_list("image", flat=True)} & {
        *second.faces.values_list("image", flat=True)
    }
    assert not both


def test_answers_are_told_at_the_end_and_not_before(cast: Cast, asked: Membership) -> None:
    client = cast.client(cast.alice)
    faces = client.post(f"{API}/qualification/").json()["faces"]
    assert {face["expected"] for face in faces} == {None}
    for face in faces[:-1]:
        body = {"expression": "fear"}
        told = client.put(f"{API}/qualification/{face['position']}/", body, JSON).json()
        assert told["is_open"]
        assert told["n_right"] is None
    ended = client.put(f"{API}/qualification/7/", {"expression": "fear"}, JSON).json()
    assert (ended["is_open"], ended["n_right"]) == (False, 1)
    assert None not in {face["expected"] for face in ended["faces"]}
    again = client.put(f"{API}/qualification/7/", {"expression": "anger"}, JSON)
    assert again.status_code == 404
    page = client.get("/p/faces/qualification/1/").content.decode()
    assert "1 of 7 were as the curators see them" in page
    assert "It shows." in page


def test_try_is_taken_face_by_face_on_the_page(cast: Cast, asked: Membership) -> None:
    client = cast.client(cast.alice)
    client.post("/p/faces/qualification/")
    for k in range(1, 8):
        assert f"Face {k} of 7" in client.get("/p/faces/qualification/").content.decode()
        expected = AttemptFace.objects.get(position=k).expected
        word = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"][expected]
        form = {"position": k, "expression": word}
        answer = client.post("/p/faces/qualification/", form, follow=True)
    assert "You passed" in answer.content.decode()


def test_one_open_try_and_no_face_twice_are_constraints(asked: Membership) -> None:
    attempt = qualification.begin(asked)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(membership=asked, number=2)
    face = attempt.faces.first()
    assert face is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        AttemptFace.objects.create(attempt=attempt, position=99, image_id=face.image_id, expected=1)
