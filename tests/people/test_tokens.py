"""A token can do no more through other tokens than by itself."""

import pytest
from django.test import Client

from annotation.people import services
from annotation.people.models import Token
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"


def test_narrow_token_neither_sees_nor_revokes_a_wider_one(cast: Cast) -> None:
    wide, _ = services.create_token(cast.carla, "wide", "curator")
    narrow = cast.token(cast.carla, "researcher")
    assert [t["scope"] for t in Client().get(TOKENS, headers=narrow).json()] == ["researcher"]
    assert Client().delete(f"{TOKENS}{wide.pk}/", headers=narrow).status_code == 404
    wider = cast.token(cast.carla, "curator")
    assert Client().delete(f"{TOKENS}{wide.pk}/", headers=wider).status_code == 204


@pytest.mark.parametrize("days", [{}, {"days": 300}])
def test_token_of_a_token_does_not_outlive_it(cast: Cast, days: dict[str, int]) -> None:
    by, secret = services.create_token(cast.carla, "for a day", "curator", 1)
    answer = Client().post(
        TOKENS,
        {"name": "heir", "scope": "researcher", **days},
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}"},
    )
    assert answer.status_code == 201
    assert Token.objects.get(name="heir").expires_at == by.expires_at


def test_narrow_token_makes_no_wider_one(cast: Cast) -> None:
    answer = Client().post(
        TOKENS,
        {"name": "more", "scope": "curator"},
        content_type="application/json",
        headers=cast.token(cast.carla, "annotator"),
    )
    assert answer.status_code == 400
    assert "scope" in answer.json()["errors"]
