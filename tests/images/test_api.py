"""Images are served only to those who may see them; uploads go on where they broke off."""

import io
import json
import zipfile
from collections.abc import Callable

import pytest
from django.test import Client

from annotation.images.models import Image, Import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.people import services as people
from annotation.people.models import Role
from tests.conftest import Cast

from .conftest import encoded, photograph

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(imported: Callable[..., Import]) -> Image:
    return imported(a__jpg=encoded(photograph(1, (700, 500)))).images.get()


def of(cast: Cast, path: str) -> str:
    return f"/api/v1/projects/{cast.project.slug}/{path}"


def sent(client: Client, url: str, offset: int, data: bytes) -> int:
    return client.patch(
        url,
        data,
        content_type="application/offset+octet-stream",
        headers={"Upload-Offset": str(offset)},
    ).status_code


def test_outsider_sees_no_image(cast: Cast, image: Image) -> None:
    for path in ("images/", f"images/{image.uid}/", f"images/{image.uid}/file/?size=thumb"):
        assert cast.client(cast.olga).get(of(cast, path)).status_code == 404
        assert Client().get(of(cast, path)).status_code in (401, 403)


def test_annotator_sees_display_and_thumbnail_but_not_the_original(
    cast: Cast, image: Image
) -> None:
    alice = cast.client(cast.alice)
    url = of(cast, f"images/{image.uid}/file/")
    assert alice.get(url, {"size": "display"}).status_code == 200
    assert alice.get(url, {"size": "thumb"}).status_code == 200
    assert alice.get(url).status_code == 404
    assert alice.get(of(cast, f"images/{image.uid}/")).status_code == 404
    original = cast.client(cast.rafik).get(url)
    assert original["Content-Type"] == "image/jpeg"
    assert b"".join(original.streaming_content)[:2] == b"\xff\xd8"


def test_image_of_another_project_is_not_found(cast: Cast, image: Image) -> None:
    other = people.create_project("Other", curator=cast.olga)
    people.join(other, cast.carla, Role.CURATOR)
    url = f"/api/v1/projects/{other.slug}/images/{image.uid}/file/"
    assert cast.client(cast.carla).get(url).status_code == 404


def test_browser_keeps_images_and_asks_no_second_time(cast: Cast, image: Image) -> None:
    client = cast.client(cast.alice)
    url = of(cast, f"images/{image.uid}/file/?size=display")
    first = client.get(url)
    assert "immutable" in first["Cache-Control"]
    assert "private" in first["Cache-Control"]
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_nginx_sends_the_file_where_it_stands_in_front(
    cast: Cast, image: Image, settings: object
) -> None:
    settings.BEHIND_NGINX = True  # type: ignore[attr-defined]
    answer = cast.client(cast.alice).get(of(cast, f"images/{image.uid}/file/?size=thumb"))
    assert answer["X-Accel-Redirect"] == f"/protected/media/{image.stored_as('thumb')}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "query", ["size=giant", "sise=thumb", "state=deleted", "near_copies=1", "project=1"]
)
def test_unknown_or_impossible_parameters_are_refused(cast: Cast, image: Image, query: str) -> None:
    path = f"images/{image.uid}/file/" if query.startswith("si") else "images/"
    assert cast.client(cast.carla).get(of(cast, f"{path}?{query}")).status_code == 400


def test_curator_excludes_with_a_reason_and_restores(cast: Cast, image: Image) -> None:
    url = of(cast, f"images/{image.uid}/")
    carla, rafik = cast.client(cast.carla), cast.client(cast.rafik)
    body = {"state": "excluded", "reason": "two faces"}
    assert rafik.patch(url, body, content_type="application/json").status_code == 404
    no_reason = carla.patch(url, {"state": "excluded"}, content_type="application/json")
    assert no_reason.status_code == 400
    told = carla.patch(url, body, content_type="application/json").json()
    assert (told["state"], told["state_reason"]) == ("excluded", "two faces")
    image.coverage.refresh_from_db()
    assert not image.coverage.is_open
    carla.patch(url, {"state": "active"}, content_type="application/json")
    image.coverage.refresh_from_db()
    assert image.coverage.is_open


def test_upload_that_breaks_off_goes_on_and_is_imported(cast: Cast) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.jpg", encoded(photograph(1)))
    data = out.getvalue()
    carla = cast.client(cast.carla)
    asked = {"name": "photos.zip", "size": len(data)}
    made = carla.post(of(cast, "imports/uploads/"), asked, content_type="application/json").json()
    url = of(cast, f"imports/uploads/{made['id']}/")
    assert sent(carla, url, 0, data[:100]) == 200
    assert sent(carla, url, 0, data[:100]) == 409
    start = {"upload": made["id"]}
    early = carla.post(of(cast, "imports/"), start, content_type="application/json")
    assert early.status_code == 409
    assert carla.get(url)["Upload-Offset"] == "100"
    assert sent(carla, url, 100, data[100:] + b"more") == 409
    offset = carla.get(url).json()["offset"]
    assert sent(carla, url, offset, data[offset:]) == 200
    queued = carla.post(of(cast, "imports/"), start, content_type="application/json")
    assert queued.status_code == 202, queued.content
    again = carla.post(of(cast, "imports/"), start, content_type="application/json")
    assert again.status_code == 409
    perform(queued.json()["job"], "test")
    job = Job.objects.get(pk=queued.json()["job"])
    assert job.state == "succeeded", job.error
    assert carla.get(of(cast, "imports/uploads/")).json() == []
    detail = carla.get(of(cast, f"imports/{job.result['import']}/")).json()
    assert (detail["source"], detail["n_imported"]) == ("photos.zip", 1)


def test_upload_belongs_to_its_project_and_to_curators(cast: Cast) -> None:
    body = json.dumps({"name": "a.zip", "size": 10})
    url = of(cast, "imports/uploads/")
    post = {"content_type": "application/json"}
    for person in (cast.alice, cast.rafik, cast.olga):
        assert cast.client(person).post(url, body, **post).status_code == 404
    made = cast.client(cast.carla).post(url, body, **post).json()
    other = people.create_project("Other", curator=cast.carla)
    elsewhere = f"/api/v1/projects/{other.slug}/imports/uploads/{made['id']}/"
    assert cast.client(cast.carla).get(elsewhere).status_code == 404


def test_upload_larger_than_allowed_does_not_begin(cast: Cast, settings: object) -> None:
    settings.UPLOAD_MAX_BYTES = 1000  # type: ignore[attr-defined]
    url = of(cast, "imports/uploads/")
    answer = cast.client(cast.carla).post(
        url, {"name": "a.zip", "size": 1001}, content_type="application/json"
    )
    assert answer.status_code == 400
    assert "at most 1,000" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["../../etc", "/etc", "missing"])
def test_server_paths_stay_below_the_import_root(
    cast: Cast, settings: object, tmp_path: object, path: str
) -> None:
    settings.IMPORT_ROOT = tmp_path  # type: ignore[attr-defined]
    answer = cast.client(cast.carla).post(
        of(cast, "imports/"), {"path": path}, content_type="application/json"
    )
    assert answer.status_code == 400
    assert Job.objects.count() == 0
