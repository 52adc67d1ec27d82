"""Nobody downloads before they accepted the version that holds; each accepts it once."""

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from annotation.agreements import services
from annotation.agreements.models import Acceptance
from annotation.people import services as people
from annotation.people.models import Person, Role
from annotation.releases.models import Download, Release
from tests.conftest import PASSWORD, Cast
from tests.releases.conftest import collection as collection
from tests.releases.conftest import estimated as estimated
from tests.releases.conftest import release as release

pytestmark = pytest.mark.django_db
P = "/api/v1/projects/faces/"
ARCHIVE = f"{P}releases/latest/archive/"
YES = {"version": 1, "institution": "Institute", "purpose": "To compare losses."}


@pytest.fixture
def nina(cast: Cast) -> Person:
    """A researcher who has accepted nothing yet."""
    nina = people.create_person("nina", PASSWORD)
    people.join(cast.project, nina, Role.RESEARCHER)
    return nina


def accept(client: Client, **said: Any) -> Any:
    body = {**YES, **said}
    return client.put(f"{P}agreement/acceptance/", body, content_type="application/json")


def test_first_download_waits_for_the_agreement(cast: Cast, nina: Person, release: Release) -> None:
    client = cast.client(nina)
    answer = client.get(ARCHIVE)
    assert answer.status_code == 403
    told = answer.json()
    assert (told["agreement"], told["accept"]) == (f"{P}agreement/", f"{P}agreement/acceptance/")
    assert client.get(told["page"]).status_code == 200
    assert client.get(f"{P}releases/latest/files/SHA256SUMS").status_code == 403
    assert client.get(f"{P}releases/latest/archive/parts/").status_code == 403
    assert not Download.objects.exists()
    assert client.get(told["agreement"]).json()["accepted_at"] is None
    assert accept(client).json()["accepted_at"] is not None
    assert client.get(ARCHIVE).status_code == 200


def test_new_version_is_accepted_anew_and_the_old_one_no_more(
    cast: Cast, nina: Person, release: Release
) -> None:
    client = cast.client(nina)
    accept(client)
    carla = cast.client(cast.carla)
    text = {"text": "Cite us."}
    written = carla.post(f"{P}agreement/", text, content_type="application/json")
    assert (written.status_code, written.json()["version"]) == (201, 2)
    again = carla.post(f"{P}agreement/", text, content_type="application/json")
    assert again.json()["version"] == 2, "the same text is no new version"
    assert client.get(ARCHIVE).status_code == 403
    assert accept(client).status_code == 409
    assert accept(client, version=2).status_code == 200
    assert client.get(ARCHIVE).status_code == 200
    assert carla.get(ARCHIVE).status_code == 200, "who writes it need not accept it"


@pytest.mark.parametrize("field", ["institution", "purpose"])
def test_institution_and_purpose_are_asked_for(cast: Cast, nina: Person, field: str) -> None:
    answer = accept(cast.client(nina), **{field: "  "})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Acceptance.objects.filter(person=nina).exists()


def test_acceptances_are_read_by_curators_only(cast: Cast, nina: Person) -> None:
    accept(cast.client(nina))
    address = f"{P}agreement/acceptances/"
    rows = cast.client(cast.carla).get(address).json()["results"]
    assert [(r["person"], r["institution"]) for r in rows] == [
        ("nina", "Institute"),
        ("rafik", "Institute"),
    ]
    assert cast.client(nina).get(address).status_code == 404


def test_page_leads_from_the_release_over_the_agreement_back(
    cast: Cast, nina: Person, release: Release
) -> None:
    client = cast.client(nina)
    page = f"/p/faces/releases/{release.version}/"
    assert b"Accept the agreement to download" in client.get(page).content
    said = {**YES, "next": page}
    assert client.post("/p/faces/agreement/accept/", {**said, "purpose": ""}).status_code == 400
    assert client.post("/p/faces/agreement/accept/", said).headers["Location"] == page
    assert b"Accept the agreement to download" not in client.get(page).content
    elsewhere = {**said, "next": "https://elsewhere.example/"}
    there = client.post("/p/faces/agreement/accept/", elsewhere).headers["Location"]
    assert there == "/p/faces/releases/"


def test_curators_see_all_downloads_and_researchers_their_own(
    cast: Cast, nina: Person, release: Release
) -> None:
    accept(cast.client(nina))
    whole = b"".join(cast.client(nina).get(ARCHIVE))
    b"".join(cast.client(cast.rafik).get(ARCHIVE, headers={"range": "bytes=0-9"}))
    address = f"{P}releases/{release.version}/downloads/"
    rows = cast.client(cast.carla).get(address).json()["results"]
    assert {(r["person"], r["n_bytes"]) for r in rows} == {("nina", len(whole)), ("rafik", 10)}
    mine = cast.client(nina).get(address).json()["results"]
    assert [(r["person"], r["path"]) for r in mine] == [("nina", "faces-1.0.0.tar")]
    assert b"rafik" not in cast.client(nina).get("/p/faces/downloads/").content
    assert b"rafik" in cast.client(cast.carla).get("/p/faces/downloads/").content


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_acceptances_are_one(cast: Cast, nina: Person) -> None:
    agreement = services.agreement_of(cast.project)
    wrong: list[Exception] = []

    def say_yes() -> None:
        try:
            services.accept(agreement, nina, "Institute", "A study.")
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=say_yes) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert Acceptance.objects.filter(person=nina).count() == 1


def test_negative_control_the_database_refuses_a_second_yes(cast: Cast, nina: Person) -> None:
    agreement = services.agreement_of(cast.project)
    row = {"agreement": agreement, "person": nina, "institution": "I", "purpose": "p"}
    Acceptance.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        Acceptance.objects.create(**row)
