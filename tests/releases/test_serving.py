"""Downloads resume, say what they are, and are only for those who may have them."""

import hashlib
import random
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from annotation.releases.models import Download, Release
from annotation.releases.services import withdraw_release
from annotation.releases.serving import Slice
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


def test_server_may_send_a_piece_by_sendfile(tmp_path: Path) -> None:
    """As gunicorn does; it must not end in an error after the last byte."""
    (tmp_path / "file").write_bytes(bytes(range(100)))
    file = (tmp_path / "file").open("rb", buffering=0)
    file.seek(7)
    here, there = socket.socketpair()
    with Slice(file, 20) as piece, here, there:
        assert here.sendfile(piece, offset=7, count=20) == 20  # type: ignore[arg-type]
        assert there.recv(100) == bytes(range(7, 27))


class BadLine:
    """A way to the site that breaks off after a random number of bytes, so many times."""

    def __init__(self, address: str, n_breaks: int, seed: int = 1) -> None:
        self.goal = urlsplit(address)
        self.n_breaks = self.n_left = n_breaks
        self._random = random.Random(seed)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://localhost:{self._door.getsockname()[1]}"
        threading.Thread(target=self._answer, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _answer(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            with (
                caller,
                socket.create_connection((self.goal.hostname, self.goal.port)) as site,
            ):
                request = b""
                while b"\r\n\r\n" not in request:
                    request += caller.recv(65536)
                site.sendall(request)
                self._pass_on(site, caller)

    def _pass_on(self, site: socket.socket, caller: socket.socket) -> None:
        left = self._random.randint(1_500, 9_000) if self.n_left else 2**40
        self.n_left = max(0, self.n_left - 1)
        while left and (data := site.recv(min(left, 65536))):
            caller.sendall(data)
            left -= len(data)


CURL = ["curl", "-sSf", "-C", "-", "-H", "{auth}", "-o", "{file}", "{url}"]
WGET = ["wget", "-q", "-c", "--tries=1", "--header={auth}", "-O", "{file}", "{url}"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", [CURL, WGET], ids=["curl", "wget"])
def test_download_broken_off_ten_times_resumes_to_the_right_digest(
    cast: Cast, release: Release, live_server: Any, tmp_path: Path, command: list[str]
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"*** SKIPPED: no {command[0]} found ***")
    line, file = BadLine(live_server.url, 10), tmp_path / "release.tar"
    auth = f"Authorization: {cast.token(cast.rafik, 'researcher')['authorization']}"
    words = {"auth": auth, "file": file, "url": line.address + ARCHIVE}
    asked = [word.format(**words) for word in command]
    statuses = []
    while not statuses or (statuses[-1] and len(statuses) < 20):
        statuses.append(subprocess.run(asked, check=False, capture_output=True).returncode)
    line.close()
    assert len(statuses) == line.n_breaks + 1, "each break ended one attempt"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == release.archive_digest
    assert Download.objects.get().n_requests == len(statuses)


@pytest.mark.django_db(transaction=True)
def test_script_of_the_page_brings_it_home_over_a_bad_line(
    cast: Cast, release: Release, live_server: Any, tmp_path: Path
) -> None:
    """The snippet as the page shows it, with a token where its placeholder stands."""
    line = BadLine(live_server.url, 5)
    page = cast.client(cast.rafik).get("/p/faces/releases/1.0.0/")
    script = page.context["script"].replace("http://testserver", line.address)
    token = cast.token(cast.rafik, "researcher")["authorization"].removeprefix("Bearer ")
    for key, outcome in ((token, 0), ("rafter_wrong", 1)):
        text = script.replace("rafter_…", key).replace("sleep(5)", "sleep(0)")
        ran = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True)
        assert ran.returncode == outcome, ran.stderr.decode()
        assert (
            hashlib.sha256((tmp_path / "faces-1.0.0.tar").read_bytes()).hexdigest()
            == release.archive_digest
        )
    assert b'"status":401' in ran.stderr
    assert len(script.splitlines()) < 26
    line.close()
