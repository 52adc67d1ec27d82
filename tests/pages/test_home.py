"""A project's home: what it says while there is little, and the one next thing to do."""

from typing import Any

import pytest

from annotation.labelling import flags
from annotation.labelling import services as labelling
from annotation.people import services as people
from tests.conftest import Cast
from tests.labelling.conftest import images_in as images_in

pytestmark = pytest.mark.django_db


def words(cast: Cast) -> str:
    page = cast.client(cast.carla).get("/p/faces/").content.decode()
    return " ".join(page.split())


def test_empty_project_says_what_to_do_first(cast: Cast) -> None:
    page = words(cast)
    for sentence in ("Import photographs", "No photographs yet", "No votes yet"):
        assert sentence in page
    for sentence in ("Not estimated yet", "Not published yet", "Not trained yet"):
        assert sentence in page
    assert "2 annotators" in page


def test_one_annotator_is_not_called_annotators(cast: Cast) -> None:
    people.leave(cast.annotator(cast.bob))
    page = words(cast)
    assert "1 annotator" in page
    assert "1 annotators" not in page


def test_project_with_images_asks_for_more_annotators(cast: Cast, images_in: Any) -> None:
    images_in(cast.project, 3)
    page = words(cast)
    assert "3 images" in page
    assert "nobody has voted yet" in page


def step(cast: Cast) -> Any:
    return cast.client(cast.carla).get("/p/faces/").context["step"]


def test_flags_come_before_an_estimate_and_an_estimate_before_a_release(
    cast: Cast, images_in: Any
) -> None:
    images_in(cast.project, 3)
    alice = cast.annotator(cast.alice)
    first, second, _ = labelling.top_up(alice, 3)
    labelling.record_vote(first.pk, alice, labelling.Answer(3))
    assert step(cast)[0] == "estimates"
    labelling.flag_assignment(second.pk, alice, "no_face")
    assert step(cast)[0] == "flags"
    assert "1 image could not be labelled." in words(cast)
    flags.decide(second.image, "keep", cast.carla)
    assert step(cast)[0] == "estimates"


def test_home_says_where_the_annotators_stand(cast: Cast, images_in: Any) -> None:
    images_in(cast.project, 3)
    alice = cast.annotator(cast.alice)
    for assignment in labelling.top_up(alice, 2):
        labelling.record_vote(assignment.pk, alice, labelling.Answer(3))
    stands = cast.client(cast.carla).get("/p/faces/").context["stands"]
    assert {name: n for name, _, n in stands} == {"active": 1, "waiting": 1}


def test_researchers_are_told_nothing_of_people(cast: Cast) -> None:
    context = cast.client(cast.rafik).get("/p/faces/").context
    assert "stands" not in context
    assert "todo" not in context
