"""A take-down from the form to the last copy: everywhere, at once, and for good."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation.estimates.models import Estimate
from annotation.images.models import Image, Trace
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling import services as labelling
from annotation.labelling.models import Assignment
from annotation.people import services as people
from annotation.people.models import Project
from annotation.releases import queries as releases
from annotation.releases.models import Notice, Release, ReleasedImage
from annotation.runs.models import Run
from annotation.takedowns import removal, services, tasks
from annotation.takedowns.models import Match, Request
from tests.conftest import PASSWORD
from tests.images.conftest import run_import

from .conftest import Story, archive, copy_of

pytestmark = pytest.mark.django_db
ASK = "/api/v1/take-downs/"
FORM = "/take-down/"


def ask(**said: Any) -> Any:
    return Client().post(ASK, said, content_type="application/json")


def perform_next_job(kind: str) -> Job:
    job = Job.objects.get(kind=kind, state=Job.State.QUEUED)
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    return job


def test_face_is_gone_everywhere_and_stays_gone(
    story: Story, mailoutbox: list[Any], tmp_path: Path
) -> None:
    """Two releases, two downloaders, one stranger with a mirrored copy and no account."""
    cast, face = story.cast, story.face
    alice = cast.annotator(cast.alice)
    labelling.top_up(alice, 15)
    due = Assignment.objects.get(annotator=alice, image=face)
    training = Job.objects.create(project=cast.project, kind="train", state=Job.State.RUNNING)
    Run.objects.create(
        project=cast.project, number=1, release=story.releases[1], job=training,
        recipe="dlp", code_version="test", folder="faces/0001",
    )  # fmt: skip
    started = time.monotonic()

    mirrored = copy_of(face)
    sent = {"picture": SimpleUploadedFile("me.jpg", mirrored), "message": "This is me."}
    asked = Client().post(FORM, sent, follow=True)
    assert b"We have it" in asked.content
    match = Match.objects.get()
    assert (match.image, match.how, match.state) == (face, "alike", "waiting")
    page = cast.client(cast.carla).get("/p/faces/take-downs/").content.decode()
    assert "This is me." in page
    decide = f"/p/faces/take-downs/{match.pk}/decide/"
    cast.client(cast.carla).post(decide, {"deed": "taken_down"})

    # gone from the storage, the pages and the API
    assert not any(default_storage.exists(name) for name in story.files)
    base = f"/api/v1/projects/faces/images/{face.uid}/"
    for address in (
        base,
        f"{base}file/",
        f"{base}file/?size=thumb",
        f"/p/faces/images/{face.uid}/",
    ):
        assert cast.client(cast.carla).get(address).status_code == 404
    face.refresh_from_db()
    assert (face.state, face.provenance, face.landmarks) == ("taken_down", {}, None)

    # no longer labelled
    due.refresh_from_db()
    assert due.state == "withdrawn"
    vote = f"/api/v1/projects/faces/assignments/{due.pk}/vote/"
    answer = cast.client(cast.alice).put(vote, {"expression": "fear"}, "application/json")
    assert answer.status_code == 410

    # no release serves it, and none keeps it
    for release in story.releases:
        gone = cast.client(story.nina).get(archive(release.version))
        assert gone.status_code == 410
        assert "taken down" in gone.json()["detail"]
        name = ReleasedImage.objects.get(release=release, image=face).name
        address = (
            f"/api/v1/projects/faces/releases/{release.version}/files/basic/Image/original/{name}"
        )
        assert cast.client(story.nina).get(address).status_code == 410
        left = [p.name for p in releases.folder_of(release).rglob("*") if p.is_file()]
        assert set(left) <= removal.KEPT_OF_A_RELEASE
    assert not list((releases.folder_of(story.releases[0]).parent).glob("*.tar"))

    # what trains on it stops, what was trained is named
    training.refresh_from_db()
    assert training.cancel_requested
    assert (
        b"Run 1: dlp on release 1.1.0"
        in cast.client(cast.carla).get("/p/faces/take-downs/").content
    )

    run_page = cast.client(cast.rafik).get("/p/faces/runs/1/").content
    assert b"It was trained on 1.1.0, which was withdrawn" in run_page
    told_of_run = cast.client(cast.rafik).get("/api/v1/projects/faces/runs/1/").json()
    assert told_of_run["release_withdrawn"] == removal.REASON

    # the next version comes by itself, and the old ones point to it
    tasks.follow()
    coming = cast.client(story.nina).get(archive("1.0.0")).json()
    assert coming["successor"] == "1.1.1"
    perform_next_job("release")
    for version in ("1.0.0", "1.1.0"):
        told = cast.client(story.nina).get(archive(version)).json()
        assert told["successor"] == "1.1.1"
        assert told["successor_url"] == "/api/v1/projects/faces/releases/1.1.1/"
    patch = Release.objects.get(version="1.1.1")
    assert patch.images.count() == 14
    assert not patch.images.filter(image=face).exists()
    before = dict(story.releases[1].images.values_list("image_id", "split"))
    assert all(before[row.image_id] == row.split for row in patch.images.all())
    assert cast.client(story.nina).get(archive("latest")).status_code == 200

    # both who have it are told, on the site and by mail
    assert {n.person for n in Notice.objects.all()} == {story.nina, cast.rafik}
    assert sorted(mail.to[0] for mail in mailoutbox) == ["nina@example.org", "rafik@example.org"]
    home = cast.client(story.nina).get("/p/faces/").content.decode()
    assert "1.0.0 was withdrawn" in home
    notice = Notice.objects.get(person=story.nina)
    cast.client(story.nina).post(f"/notices/{notice.pk}/read/")
    assert "1.0.0 was withdrawn" not in cast.client(story.nina).get("/p/faces/").content.decode()

    # and it cannot come back
    back = tmp_path / "back"
    back.mkdir()
    (back / "mirrored.jpg").write_bytes(mirrored)
    _, record = run_import(cast, back)
    assert record is not None
    assert (record.n_imported, record.n_refused) == (0, 1)
    assert "may not come back" in record.report[0]["why"]
    assert time.monotonic() - started < 60

    # repeating it all changes nothing
    n_jobs = Job.objects.count()
    tasks.follow()
    assert (Job.objects.count(), len(mailoutbox), Notice.objects.count()) == (n_jobs, 2, 2)
    assert b"One picture was taken down" in Client().get(asked.request["PATH_INFO"]).content


@pytest.mark.parametrize("by", ["image", "source_url"])
def test_exact_matches_go_at_once_where_the_project_says_so(story: Story, by: str) -> None:
    said = {"image": str(story.face.uid), "source_url": story.face.provenance["source_url"]}[by]
    assert ask(**{by: said}).status_code == 202
    assert Match.objects.get().state == "waiting", "by default a curator decides"
    Project.objects.update(takedown_at_once=True)
    reference = ask(**{by: said}).json()["reference"]
    assert Client().get(f"{ASK}{reference}/").json() == {
        "is_answered": True, "n_taken_down": 1, "notes": [],
    }  # fmt: skip
    assert not default_storage.exists(story.files[0])
    assert Release.objects.filter(state="published").count() == 0


def test_picture_that_only_looks_alike_waits_for_a_curator(story: Story) -> None:
    Project.objects.update(takedown_at_once=True)
    picture = SimpleUploadedFile("me.jpg", copy_of(story.face))
    assert Client().post(ASK, {"picture": picture}).status_code == 202
    assert Match.objects.get().state == "waiting"
    assert default_storage.exists(story.files[0])


def test_exact_picture_is_known_by_its_pixels(story: Story, tmp_path: Path) -> None:
    """The importer's digests: as an imported image has them."""
    (tmp_path / "in").mkdir()
    data = copy_of(story.face, mirrored=False)
    (tmp_path / "in" / "a.jpg").write_bytes(data)
    _, record = run_import(story.cast, tmp_path / "in")
    assert record is not None
    image = record.images.get()
    Client().post(ASK, {"picture": SimpleUploadedFile("me.jpg", data)})
    found = {m.image: m.how for m in Match.objects.all()}
    assert found == {image: "same", story.face: "alike"}


def test_asking_reveals_nothing_of_what_is_here(story: Story) -> None:
    here, not_here = (
        ask(source_url=story.face.provenance["source_url"]),
        ask(source_url="https://photos.example/nobody.jpg"),
    )
    outcomes = [
        Client().get(f"{ASK}{answer.json()['reference']}/").json() for answer in (here, not_here)
    ]
    assert here.status_code == not_here.status_code == 202
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "non_field_errors"),
        ({"image": "7"}, "image"),
        ({"source_url": "nonsense"}, "source_url"),
        ({"contact": "nobody", "source_url": "https://a.example/1"}, "contact"),
        ({"pic": "x"}, "pic"),
    ],
)
def test_bad_request_is_refused_by_field(db: None, said: dict[str, Any], field: str) -> None:
    answer = ask(**said)
    assert answer.status_code == 400
    assert field in answer.json().get("errors", {"non_field_errors": ""})
    assert not Request.objects.exists()


def test_file_that_is_no_picture_is_refused(db: None) -> None:
    for address, status in ((ASK, 400), (FORM, 400)):
        file = SimpleUploadedFile("me.jpg", b"not a picture")
        answer = Client().post(address, {"picture": file})
        assert answer.status_code == status
        assert b"cannot be read" in answer.content


def test_one_sender_may_ask_ten_times_an_hour(db: None) -> None:
    statuses = [ask(source_url=f"https://a.example/{i}").status_code for i in range(11)]
    assert statuses == [202] * 10 + [429]
    other = Client(REMOTE_ADDR="203.0.113.9")
    said = {"source_url": "https://a.example/x"}
    assert other.post(ASK, said, content_type="application/json").status_code == 202
    form = Client().post(FORM, {"where": "https://a.example/12"})
    assert form.status_code == 429


def test_curator_keeps_a_picture_with_a_reason(story: Story) -> None:
    reference = ask(image=str(story.face.uid)).json()["reference"]
    carla, match = story.cast.client(story.cast.carla), Match.objects.get()
    address = f"/api/v1/projects/faces/take-downs/{match.pk}/decision/"
    kept = {"decision": "kept"}
    assert carla.post(address, kept, content_type="application/json").status_code == 400
    kept["note"] = "It shows a statue."
    assert carla.post(address, kept, content_type="application/json").status_code == 200
    gone = {"decision": "taken_down"}
    assert carla.post(address, gone, content_type="application/json").status_code == 400
    told = Client().get(f"{ASK}{reference}/").json()
    assert told == {"is_answered": True, "n_taken_down": 0, "notes": ["It shows a statue."]}
    assert Image.objects.get(pk=story.face.pk).state == "active"


def test_curator_takes_images_down_over_the_api(story: Story) -> None:
    carla = story.cast.client(story.cast.carla)
    body = {"images": [str(story.face.uid)], "reason": "Asked by letter."}
    address = "/api/v1/projects/faces/take-downs/"
    answer = carla.post(address, body, content_type="application/json")
    assert (answer.status_code, answer.json()[0]["state"]) == (201, "taken_down")
    again = carla.post(address, body, content_type="application/json")
    assert again.status_code == 400
    assert "images" in again.json()["errors"]


def test_what_was_cut_short_is_finished_by_the_task(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The web process dies right after the decision was committed."""
    with monkeypatch.context() as cut:
        cut.setattr(services, "enforce", lambda: None)
        services.take_down([story.face], story.cast.carla, "Asked by letter.")
    assert default_storage.exists(story.files[0])
    assert Release.objects.filter(state="published").count() == 2
    tasks.follow()
    assert not default_storage.exists(story.files[0])
    assert Release.objects.filter(state="published").count() == 0
    assert Job.objects.filter(kind="release", state="queued").count() == 1


def test_patch_that_cannot_be_built_is_not_asked_for_again_and_again(story: Story) -> None:
    """Everything was taken down: no image is left to release."""
    every = list(Image.objects.filter(project=story.cast.project))
    services.take_down(every, story.cast.carla, "The whole collection.")
    for _ in range(3):
        tasks.follow()
        for job in Job.objects.filter(kind="release", state="queued"):
            perform(job.pk, "test")
    assert Job.objects.filter(kind="release", state="failed").count() == 1


def test_release_withdrawn_for_another_reason_gets_no_patch(story: Story) -> None:
    from annotation.releases.services import withdraw_release

    for release in story.releases:
        withdraw_release(release, "wrong labels")
    services.take_down([story.face], story.cast.carla, "Asked by letter.")
    tasks.follow()
    assert not Job.objects.filter(kind="release", state="queued").exists()
    assert not list(releases.folder_of(story.releases[0]).glob("basic/**/*.jpg"))


def test_versions_with_like_numbers_keep_their_archives(story: Story) -> None:
    """1.1.1 goes, 1.1.10 stays: a name that begins alike is another one."""
    folder = releases.folder_of(story.releases[1])
    other = folder.with_name("1.1.0.parquet.tar")
    bystander = folder.with_name("1.1.00.tar")
    for file in (other, bystander):
        file.write_bytes(b"x")
    removal.empty(story.releases[1])
    assert bystander.exists()


def test_taken_down_picture_comes_back_to_no_other_project(story: Story, tmp_path: Path) -> None:
    olga = people.create_person("oskar", PASSWORD)
    elsewhere = people.create_project("Elsewhere", curator=olga)
    data = copy_of(story.face)
    services.take_down([story.face], story.cast.carla, "Asked by letter.")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(data)
    from dataclasses import replace

    _, record = run_import(replace(story.cast, project=elsewhere, carla=olga), tmp_path / "in")
    assert record is not None
    assert record.n_imported == 0


def test_other_faces_still_come_in_after_a_take_down(story: Story, tmp_path: Path) -> None:
    from tests.images.conftest import encoded, photograph

    services.take_down([story.face], story.cast.carla, "Asked by letter.")
    (tmp_path / "in").mkdir()
    for seed in range(100, 130):
        (tmp_path / "in" / f"{seed}.jpg").write_bytes(encoded(photograph(seed)))
    _, record = run_import(story.cast, tmp_path / "in")
    assert record is not None
    assert record.n_imported == 30


def test_request_that_matches_nothing_is_answered_by_the_staff(story: Story) -> None:
    reference = ask(source_url="https://elsewhere.example/1.jpg").json()["reference"]
    sam = people.create_person("sam", PASSWORD, is_staff=True)
    page = story.cast.client(sam).get("/take-down/unmatched/").content.decode()
    assert "https://elsewhere.example/1.jpg" in page
    number = Request.objects.get().pk
    story.cast.client(sam).post(f"/take-down/unmatched/{number}/", {"note": "It is not here."})
    told = Client().get(f"{ASK}{reference}/").json()
    assert told == {"is_answered": True, "n_taken_down": 0, "notes": ["It is not here."]}


def test_trace_holds_no_picture(story: Story) -> None:
    services.take_down([story.face], story.cast.carla, "Asked by letter.")
    trace = Trace.objects.get()
    assert (len(trace.plain), len(trace.mirrored)) == (32, 32)
    assert trace.erased_at is not None


def test_estimates_stay_as_they_were(story: Story) -> None:
    """Nothing downstream writes upstream: the estimate still counts the image it was made with."""
    n = Estimate.objects.get().items.count()
    services.take_down([story.face], story.cast.carla, "Asked by letter.")
    assert Estimate.objects.get().items.count() == n
