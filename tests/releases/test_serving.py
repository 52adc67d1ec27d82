"""Downloads resume, say what they are, and are only for those who may have them."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from annotation.releases.models import Download, Release
from annotation.releases.services import withdraw_release
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
RELEASES = "/api/v1/projects/faces/releases/"
ARCHIVE = f"{RELEASES}latest/archive/"


def body(response: Any) -> bytes:
    return b"".join(response)


def test_archive_is_what_its_digest_says_and_resumes(cast: Cast, release: Release) -> None:
    client, size = cast.client(cast.rafik), release.archive_size
    whole = body(client.get(ARCHIVE))
    assert hashlib.sha256(whole).hexdigest() == release.archive_digest
    part = client.get(ARCHIVE, headers={"range": "bytes=5-9"})
    assert (part.status_code, body(part)) == (206, whole[5:10])
    assert part["Content-Range"] == f"bytes 5-9/{size}"
    assert body(client.get(ARCHIVE, headers={"range": "bytes=-3"})) == whole[-3:]
    beyond = client.get(ARCHIVE, headers={"range": f"bytes={size}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{size}")
    etag = f'"{release.archive_digest}"'
    assert client.get(ARCHIVE, headers={"if-none-match": etag}).status_code == 304
    changed = {"range": "bytes=1-", "if-range": '"other"'}
    assert client.get(ARCHIVE, headers=changed).status_code == 200
    assert int(client.head(ARCHIVE)["Content-Length"]) == size


def test_parts_of_a_chosen_size_make_the_archive_and_resume(cast: Cast, release: Release) -> None:
    client, size = cast.client(cast.rafik), 100_000
    parts = client.get(f"{ARCHIVE}parts/?size={size}").json()
    assert len(parts) == -(-release.archive_size // size) > 1
    answers = [client.get(part["url"]) for part in parts]
    assert len({answer["ETag"] for answer in answers}) == len(parts)
    pieces = [body(answer) for answer in answers]
    assert [len(piece) for piece in pieces] == [part["length"] for part in parts]
    assert hashlib.sha256(b"".join(pieces)).hexdigest() == release.archive_digest
    rest = client.get(parts[1]["url"], headers={"range": "bytes=7-"})
    assert (rest.status_code, body(rest)) == (206, pieces[1][7:])
    last = parts[-1]["length"]
    beyond = client.get(parts[-1]["url"], headers={"range": f"bytes={last}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{last}")


@pytest.mark.parametrize("query", ["size=0", "size=x", "size=1", "layout=zip", "sise=100000"])
def test_parts_that_cannot_be_are_refused_by_field(
    cast: Cast, release: Release, query: str
) -> None:
    answer = cast.client(cast.rafik).get(f"{ARCHIVE}parts/?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_part_beyond_the_last_is_not_found(cast: Cast, release: Release) -> None:
    assert cast.client(cast.rafik).get(f"{ARCHIVE}parts/100000/999/").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("basic/EmoLabel/list_patition_label.txt", 200),
        ("SHA256SUMS", 200),
        ("../secret", 404),
        ("%2e%2e/%2e%2e/rafter.sqlite3", 404),
        ("nope", 404),
    ],
)
def test_only_listed_files_are_served(cast: Cast, release: Release, path: str, status: int) -> None:
    address = f"{RELEASES}{release.version}/files/{path}"
    assert cast.client(cast.rafik).get(address).status_code == status


def test_outsiders_annotators_and_narrow_tokens_see_no_release(
    cast: Cast, release: Release
) -> None:
    assert Client().get(ARCHIVE).status_code == 401
    for person in (cast.olga, cast.alice):
        assert cast.client(person).get(ARCHIVE).status_code == 404
    as_annotator = cast.token(cast.rafik, "annotator")
    assert Client().get(ARCHIVE, headers=as_annotator).status_code == 404


def test_download_is_recorded_once_however_often_it_resumes(cast: Cast, release: Release) -> None:
    client = cast.client(cast.rafik)
    for start in (0, 100, 200):
        body(client.get(ARCHIVE, headers={"range": f"bytes={start}-"}))
    assert Download.objects.get().n_requests == 3


def test_withdrawn_release_is_gone_with_its_reason(cast: Cast, release: Release) -> None:
    withdraw_release(release, "a face was taken down")
    address = f"{RELEASES}{release.version}/archive/"
    answer = cast.client(cast.rafik).get(address)
    assert answer.status_code == 410
    assert "taken down" in answer.json()["detail"]
    assert cast.client(cast.rafik).get(ARCHIVE).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(shutil.which("curl") is None, reason="*** SKIPPED: no curl ***")
def test_curl_resumes_from_ten_cuts(
    cast: Cast, release: Release, live_server: Any, tmp_path: Path
) -> None:
    file = tmp_path / "archive.tar"
    auth = f"Authorization: {cast.token(cast.rafik, 'researcher')['authorization']}"
    command = ["curl", "-sSf", "-C", "-", "-H", auth, "-o", str(file), live_server.url + ARCHIVE]
    for k in range(10):
        if file.exists():
            file.write_bytes(file.read_bytes()[: release.archive_size * k // 11])
        subprocess.run(command, check=True)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == release.archive_digest
