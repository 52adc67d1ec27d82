"""The pages of a release and of an image: what they say, and to whom."""

import re
from typing import Any

import pytest
from django.db.models.functions import Now

from annotation.labelling.models import Assignment, Vote
from annotation.people import services as people
from annotation.people.models import Role
from annotation.releases.cited import bibtex
from annotation.releases.models import Release
from tests.conftest import PASSWORD, Cast

from .conftest import Collection

pytestmark = pytest.mark.django_db
PAGE = "/p/faces/releases/1.0.0/"


def words(page: bytes) -> str:
    """The text of a page, its white space made single."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.decode()).split())


def test_release_page_shows_every_class_with_faces_counts_and_balance(
    cast: Cast, release: Release
) -> None:
    answer = cast.client(cast.rafik).get(PAGE)
    basic, compound = answer.context["gallery"]
    assert [c["title"] for c in basic["classes"]][:2] == ["Surprise", "Fear"]
    assert {(c["train"], c["test"], len(c["faces"])) for c in basic["classes"]} == {(4, 1, 5)}
    happily = compound["classes"][0]
    assert (happily["title"], happily["n"]) == ("Happily Surprised", 5)
    assert happily["train_width"] + happily["test_width"] == 100
    text = words(answer.content)
    for told in (
        "41", "4 train, 1 test", "Cronbach's α of the whole crowd", "0.966",
        "2 of 3 annotators kept",
        "41 face photographs", "Faces, release 1.0.0", release.manifest_digest, "@misc{faces-1-0-0",
        "Left out: with neutral 1",
    ):  # fmt: skip
        assert told in text, told


def test_address_in_the_snippets_is_the_readers_own(cast: Cast, release: Release) -> None:
    page = cast.client(cast.rafik).get(PAGE, headers={"host": "testserver"})
    address = "http://testserver/api/v1/projects/faces/releases/1.0.0/archive/"
    for name in ("snippet", "script"):
        assert address in page.context[name]
        assert "rafter_…" in page.context[name]
    assert "rafik makes one" in page.context["script"]


def test_withdrawn_release_shows_what_it_was_and_gives_nothing_out(
    cast: Cast, release: Release
) -> None:
    from annotation.releases.services import withdraw_release

    withdraw_release(release, "wrong labels")
    text = words(cast.client(cast.rafik).get(PAGE).content)
    assert "Withdrawn: wrong labels" in text
    assert "This version is no longer given out." in text
    assert "curl" not in text


def test_name_with_signs_of_latex_stays_whole_in_bibtex(release: Release) -> None:
    release.project.name = "R&D 100% {faces}"
    assert r"R\&D 100\% \{faces\}" in bibtex(release, "https://faces.example/")


def seen_by(cast: Cast, person: Any, collection: Collection, i: int) -> Any:
    return cast.client(person).get(f"/p/faces/images/{collection.images[i].uid}/")


def test_image_page_says_what_people_see_in_it_and_why_it_is_where_it_is(
    cast: Cast, collection: Collection, release: Release
) -> None:
    text = words(seen_by(cast, cast.rafik, collection, 35).content)
    for told in (
        "What people see in it", "50.0 %", "Two-tab Happily Surprised", "Two labels are valid",
        "Valid here: Surprise, Happiness.", "Releases that hold it", "compound/",
        "Licence CC BY 4.0",
    ):  # fmt: skip
        assert told in text, told


def test_votes_are_for_curators_and_coders_see_for_themselves(
    cast: Cast, collection: Collection, release: Release
) -> None:
    image = collection.images[0]
    assignment = Assignment.objects.create(
        image=image, annotator=cast.annotator(cast.alice), state="answered", expires_at=Now()
    )
    Vote.objects.create(assignment=assignment, expression=2)
    cody = people.create_person("cody", PASSWORD)
    people.join(cast.project, cody, Role.CODER)
    seen = {
        who: seen_by(cast, person, collection, 0).context["seen"]
        for who, person in (("curator", cast.carla), ("researcher", cast.rafik), ("coder", cody))
    }
    assert seen["coder"] is None
    assert [row["votes"] for row in seen["curator"]["rows"]] == [0, 0, 1, 0, 0, 0, 0]
    assert [row["votes"] for row in seen["researcher"]["rows"]] == [None] * 7
    assert seen["researcher"]["n_votes"] is None
    assert seen["researcher"]["rows"][0]["share"] == 1.0
