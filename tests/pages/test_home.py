"""A project's home: what it says while there is little, and the one next thing to do."""

from typing import Any

import pytest

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
