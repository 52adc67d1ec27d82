"""Which station of the line opens for whom; everybody else finds nothing there."""

import pytest
from django.test import Client
from django.urls import reverse

from annotation.pages.frame import LINE
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
PEOPLE = ("alice", "carla", "rafik", "olga")
OPENS_FOR = {
    "project": {"alice", "carla", "rafik"},
    "images": {"carla", "rafik"},
    "code": {"carla"},
    "label": {"alice"},
    "people": {"carla"},
    "estimates": {"carla", "rafik"},
    "releases": {"carla", "rafik"},
    "runs": {"carla", "rafik"},
    "jobs": {"carla"},
    "project-settings": {"carla"},
    "consent": {"alice"},
    "me": {"alice"},
    "learning": {"carla"},
    "edit-consent": {"carla"},
    "checks": {"carla"},
}


@pytest.mark.parametrize("name", OPENS_FOR)
def test_page_of_an_empty_project_opens_for_its_roles_only(cast: Cast, name: str) -> None:
    address = reverse(name, args=[cast.project.slug])
    opened = {
        who for who in PEOPLE if cast.client(getattr(cast, who)).get(address).status_code == 200
    }
    assert opened == OPENS_FOR[name]
    assert Client().get(address).status_code == 302


def test_every_station_of_the_line_has_its_row() -> None:
    assert {station.name for station in LINE} <= set(OPENS_FOR)
