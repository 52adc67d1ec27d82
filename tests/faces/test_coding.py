"""Coders' work is stored, compared and concluded; who is too late is told and loses nothing."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from annotation.faces import coders, coding
from annotation.faces.models import Coding, Outcome, Plan, Sampled
from annotation.images.models import Image
from annotation.people import services as people
from annotation.people.models import Membership, Role
from reliability import Subset
from tests.conftest import PASSWORD, Cast
from tests.releases.conftest import Collection
from tests.releases.conftest import collection as collection

pytestmark = pytest.mark.django_db
POINTS = [[20.0, 25.5], [44.0, 25.0], [32.0, 40.0], [24.0, 50.0], [41.0, 49.25]]
SAID: dict[str, Any] = {"landmarks": POINTS, "box": [10.0, 12.0, 54.0, 60.0]}
MOVED: dict[str, Any] = {**SAID, "landmarks": [[x + 4, y] for x, y in POINTS]}
ATTRIBUTES = {"gender": 1, "age": 2, "race": 0}


@pytest.fixture
def coded_by(cast: Cast) -> list[Membership]:
    """Three coders: cody, cora and cleo."""
    names = ("cody", "cora", "cleo")
    return [
        people.join(cast.project, people.create_person(name, PASSWORD), Role.CODER)
        for name in names
    ]


def plan(cast: Cast, **fields: Any) -> None:
    coding.set_plan(Plan(project=cast.project, **fields))


def test_what_a_coder_says_is_stored_and_written_to_the_face(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    (image,) = collection.add(1, landmarks=None, gender=None, age=None, race=None)
    cody = coded_by[0]
    first = coding.save(image, cody, "points", SAID, revision=0, seconds=4.2)
    coding.save(image, cody, "attributes", ATTRIBUTES, revision=0)
    coding.save(image, cody, "units", {"units": ["L12", "1C"]}, revision=0)
    image.refresh_from_db()
    assert (image.landmarks, image.box) == (POINTS, SAID["box"])
    assert (image.gender, image.age, image.race) == (1, 2, 0)
    assert image.action_units == ["1C", "L12"]
    again = coding.save(image, cody, "points", MOVED, revision=first.revision)
    assert (again.revision, again.former) == (2, [SAID])
    image.refresh_from_db()
    assert image.landmarks == MOVED["landmarks"]


def test_two_coders_who_open_the_same_face_do_not_undo_each_other(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    (image,) = collection.add(1)
    coding.save(image, coded_by[0], "points", SAID, revision=0)
    with pytest.raises(coding.Stale, match="Another coder has coded this face meanwhile"):
        coding.save(image, coded_by[1], "points", MOVED, revision=0)
    assert Coding.objects.get().said == SAID
    coding.save(image, coded_by[1], "points", MOVED, revision=0, extra=True)
    assert Coding.objects.count() == 2


def test_save_from_an_older_window_is_refused_and_a_resend_is_not(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    (image,) = collection.add(1)
    cody = coded_by[0]
    coding.save(image, cody, "points", SAID, revision=0)
    assert coding.save(image, cody, "points", SAID, revision=0).revision == 1
    coding.save(image, cody, "points", MOVED, revision=1)
    with pytest.raises(coding.Stale, match="in another window") as told:
        coding.save(image, cody, "points", SAID, revision=1)
    assert told.value.coding.said == MOVED  # type: ignore[union-attr]
    with pytest.raises(coding.Stale, match="not coded this face before"):
        coding.save(image, coded_by[1], "points", SAID, revision=3)


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_one_of_twenty_coders_is_stored(
    cast: Cast, collection: Collection
) -> None:
    (image,) = collection.add(1)
    everybody = [
        people.join(cast.project, people.create_person(f"coder{i}", PASSWORD), Role.CODER)
        for i in range(20)
    ]
    start, told = threading.Barrier(20), []

    def save(coder: Membership) -> None:
        start.wait()
        try:
            coding.save(image, coder, "points", SAID, revision=0)
            told.append("stored")
        except coding.Stale:
            told.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(coder,)) for coder in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["stale"] * 19 + ["stored"]
    assert Coding.objects.count() == 1


@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "control"])
@pytest.mark.django_db(transaction=True)
def test_place_is_kept_by_the_database_even_without_the_lock(
    is_guarded: bool, cast: Cast, collection: Collection, coded_by: list[Membership],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both counted none before either wrote. Control: without the constraint both are stored."""
    (image,) = collection.add(1)
    constraint = next(c for c in Coding._meta.constraints if c.name == "one_coding_per_place")
    monkeypatch.setattr("django.db.models.query.QuerySet.count", lambda self: 0)
    monkeypatch.setattr(coding, "places", lambda image, part, plan: 1)
    if not is_guarded:
        kept = [c for c in Coding._meta.constraints if c is not constraint]
        monkeypatch.setattr(Coding._meta, "constraints", kept)
        with connection.schema_editor() as editor:
            editor.remove_constraint(Coding, constraint)
    try:
        coding.save(image, coded_by[0], "points", SAID, revision=0)
        if is_guarded:
            with pytest.raises(coding.Stale, match="at the same moment"):
                coding.save(image, coded_by[1], "points", MOVED, revision=0)
        else:
            coding.save(image, coded_by[1], "points", MOVED, revision=0)
        assert len(Coding.objects.all()) == (1 if is_guarded else 2)
    finally:
        if not is_guarded:
            Coding.objects.all().delete()
            monkeypatch.undo()
            with connection.schema_editor() as editor:
                editor.add_constraint(Coding, constraint)


def test_disagreement_goes_to_a_third_coder_first(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    plan(cast, coders_for_points=2)
    images = collection.add(3)
    cody, cora, cleo = coded_by
    disputed, agreed = images[2], images[1]
    for coder, said in ((cody, SAID), (cora, MOVED)):
        coding.save(disputed, coder, "points", said, revision=0)
        coding.save(agreed, coder, "points", SAID, revision=0)
    assert coders.progress(cast.project, "points") == {"faces": 3, "done": 1, "disputed": 1}
    assert coders.queue(cleo, "points") == [disputed, images[0]]
    assert coders.queue(cody, "points") == [images[0]]
    coding.save(disputed, cleo, "points", MOVED, revision=0)
    assert coders.queue(cleo, "points") == [images[0]]
    disputed.refresh_from_db()
    assert disputed.landmarks == MOVED["landmarks"]
    rows = {row.membership.pk: row for row in coders.coders(cast.project, "points")}
    assert rows[cora.pk].agreement == pytest.approx(2 / 3)
    assert rows[cleo.pk].agreement == 0.5


def test_plan_decides_what_is_asked_and_how_often(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    (image,) = collection.add(1, race=None)
    plan(cast, asks_race=False)
    cody, cora, _ = coded_by
    with pytest.raises(ValidationError, match="gender, age"):
        coding.save(image, cody, "attributes", ATTRIBUTES, revision=0)
    coding.save(image, cody, "attributes", {"gender": 1, "age": 2}, revision=0)
    image.refresh_from_db()
    assert image.race is None
    assert coders.queue(cora, "attributes") == []
    stored = coding.plan_of(cast.project)
    stored.coders_for_attributes = 2
    coding.set_plan(stored)
    assert coders.queue(cora, "attributes") == [image]
    stored.coders_for_attributes = 0
    coding.set_plan(stored)
    assert coders.queue(cora, "attributes") == []


def test_coders_seldom_open_the_same_face(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    collection.add(40)
    first = [{image.pk for image in coders.queue(coder, "points", 5)} for coder in coded_by]
    assert len(first[0] | first[1] | first[2]) >= 9  # one order for all would give 5


def test_sample_is_even_over_the_expressions_and_grows(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    with pytest.raises(ValidationError, match="no estimate yet"):
        coding.draw_sample(cast.project, 2)
    collection.add(30)
    collection.estimate({i: (Subset.SINGLE_LABEL, i % 3) for i in range(28)})
    assert coders.queue(coded_by[0], "units") == []
    assert coding.draw_sample(cast.project, 4, seed=1) == {0: 4, 1: 4, 2: 4}
    before = set(Sampled.objects.values_list("image_id", flat=True))
    assert coding.draw_sample(cast.project, 20) == {0: 10, 1: 9, 2: 9}
    assert before <= set(Sampled.objects.values_list("image_id", flat=True))
    assert len(coders.queue(coded_by[0], "units", 50)) == 28


def test_image_taken_out_meanwhile_is_told(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    (image,) = collection.add(1)
    Image.objects.update(state=Image.State.TAKEN_DOWN)
    with pytest.raises(coding.Stale, match="taken out"):
        coding.save(image, coded_by[0], "points", SAID, revision=0)
    assert not Outcome.objects.exists()


def test_api_gives_faces_takes_words_and_says_what_is_wrong(
    cast: Cast, collection: Collection, coded_by: list[Membership]
) -> None:
    (image,) = collection.add(1, landmarks=None, proposed_landmarks=POINTS)
    client: Client = cast.client(coded_by[0].person)
    base = f"/api/v1/projects/{cast.project.slug}/coding/"
    (face,) = client.get(f"{base}points/?n=5").json()
    assert (face["proposed"], face["revision"]) == (POINTS, 0)
    address = f"{base}points/{image.uid}/"
    options = {"content_type": "application/json"}
    body = {"revision": 0, "said": SAID, "seconds": 3.5}
    assert client.put(address, body, **options).json() == {"revision": 1, "said": SAID}
    other = cast.client(coded_by[1].person)
    late = other.put(address, body, **options)
    assert late.status_code == 409
    assert "Take the next one" in late.json()["detail"]
    wrong = {"revision": 0, "said": {"landmarks": POINTS, "box": [5, 5, 1, 1]}}
    refused = other.put(address, wrong, **options)
    assert refused.status_code == 400
    assert "box" in str(refused.json())
    assert client.get(f"{base}mood/").status_code == 404
    assert client.get(f"{base}points/?n=0").status_code == 400
    assert client.get(address).json()["said"] == SAID
    pose = client.get(f"/api/v1/projects/{cast.project.slug}/images/{image.uid}/pose/").json()
    assert pose["by"] == "coders"
    assert abs(pose["roll"]) < 6
    for stranger in (cast.alice, cast.carla, cast.rafik, cast.olga):
        assert cast.client(stranger).get(f"{base}points/").status_code == 404
