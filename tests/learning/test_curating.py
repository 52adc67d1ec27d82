"""Curators vouch for faces and set the rules; nobody else does."""

from collections.abc import Callable
from typing import Any

import pytest

from annotation.images.models import Image
from annotation.learning.models import Gold
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ImagesIn = Callable[[Any, int], list[int]]
API = "/api/v1/projects/faces"
JSON = "application/json"


@pytest.fixture
def image(cast: Cast, images_in: ImagesIn) -> Image:
    return Image.objects.get(pk=images_in(cast.project, 1)[0])


def test_curator_vouches_for_a_face_changes_it_and_takes_it_back(cast: Cast, image: Image) -> None:
    client = cast.client(cast.carla)
    address = f"{API}/gold/{image.uid}/"
    assert client.put(address, {"expression": "fear"}, JSON).json()["expression"] == "fear"
    told = client.put(address, {"expression": 7, "why": "nothing moves"}, JSON).json()
    assert (told["expression"], told["why"], told["n_answers"]) == ("neutral", "nothing moves", 0)
    assert Gold.objects.count() == 1
    assert client.put(address, {"expression": 9}, JSON).status_code == 400
    assert client.delete(address).status_code == 204
    assert client.get(f"{API}/gold/").json() == []


def test_face_is_vouched_for_on_its_page(cast: Cast, image: Image) -> None:
    client = cast.client(cast.carla)
    form = {"expression": "anger", "why": "pressed lips", "back": "image"}
    told = client.post(f"/p/faces/checks/{image.uid}/", form, follow=True).content.decode()
    assert "Marked: Anger." in told
    assert 'value="anger" selected' in told
    client.post(f"/p/faces/checks/{image.uid}/", {"deed": "unmark"})
    assert not Gold.objects.get().is_active


def test_only_curators_vouch_and_see_results(cast: Cast, image: Image) -> None:
    for person in (cast.alice, cast.rafik, cast.olga):
        client = cast.client(person)
        assert client.put(f"{API}/gold/{image.uid}/", {"expression": 1}, JSON).status_code == 404
        assert client.post(f"/p/faces/checks/{image.uid}/", {}).status_code == 404
        for address in ("gold", "gold/suggestions", "checks", "learning"):
            assert client.get(f"{API}/{address}/").status_code == 404
    assert not Gold.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"gold_every": -1}, "gold_every"),
        ({"repeat_distance": 0}, "project_repeats_lie_apart"),
        ({"qualification_pass_percent": 101}, "project_qualification_can_be_passed"),
        ({"qualification_faces": 3}, "Only 0 faces"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_rule_is_refused_with_its_name(cast: Cast, body: dict[str, Any], field: str) -> None:
    told = cast.client(cast.carla).patch(f"{API}/learning/", body, JSON)
    assert told.status_code == 400, told.content
    assert field in told.content.decode()


def test_rules_are_set_by_api_and_by_page(cast: Cast) -> None:
    client = cast.client(cast.carla)
    told = client.patch(f"{API}/learning/", {"gold_every": 20, "repeat_every": 40}, JSON)
    assert told.json()["gold_every"] == 20
    client.post("/p/faces/checks/", {"gold_every": 0, "repeat_every": 30, "repeat_distance": 10})
    assert client.get(f"{API}/learning/").json()["repeat_every"] == 30
    assert client.get(f"{API}/learning/").json()["gold_every"] == 0
