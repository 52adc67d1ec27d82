"""A bucket as a door: a local server speaks as much of S3 as the importer needs."""

import io
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from annotation.images.models import Image, Import
from annotation.images.pictures import MAX_BYTES
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from tests.conftest import Cast

from .conftest import encoded, photograph
from .conftest import storage as storage

pytestmark = pytest.mark.django_db
Objects = dict[str, bytes]


class _S3(BaseHTTPRequestHandler):
    """ListObjectsV2, two keys a page, and GetObject."""

    protocol_version = "HTTP/1.1"
    objects: Objects

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, bucket, *key = unquote(parts.path).split("/", 2)
        if bucket != "photos" or "AWS4-HMAC-SHA256" not in self.headers.get("Authorization", ""):
            self._answer(403, _error("AccessDenied"))
        elif key and key[0]:
            body = self.objects.get(key[0])
            self._answer(*((404, _error("NoSuchKey")) if body is None else (200, body)))
        else:
            self._answer(200, self._page(parse_qs(parts.query)))

    def _page(self, asked: dict[str, list[str]]) -> bytes:
        prefix, after = (asked.get(n, [""])[0] for n in ("prefix", "continuation-token"))
        keys = sorted(k for k in self.objects if k.startswith(prefix) and k > after)
        rows = "".join(
            f"<Contents><Key>{escape(k)}</Key><Size>{_size(k, self.objects[k])}</Size></Contents>"
            for k in keys[:2]
        )
        more = len(keys) > 2
        token = f"<NextContinuationToken>{escape(keys[1])}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}"
            "</ListBucketResult>"
        ).encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""


def _size(key: str, body: bytes) -> int:
    return MAX_BYTES + 1 if "huge" in key else len(body)


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@pytest.fixture
def bucket(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, storage: object
) -> Iterator[Objects]:
    """What lies in the bucket ``photos``; curators may import below ``faces/``."""
    objects: Objects = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("S3", (_S3,), {"objects": objects}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.IMPORT_BUCKET = "photos/faces"
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{server.server_address[1]}"
    for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield objects
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(cast: Cast) -> Callable[[str], Job]:
    """Ask over the API for an import of a prefix, and do it; the ended job."""

    def run(prefix: str) -> Job:
        answer = cast.client(cast.carla).post(
            f"/api/v1/projects/{cast.project.slug}/imports/",
            {"bucket": prefix},
            content_type="application/json",
        )
        assert answer.status_code == 202, answer.json()
        perform(answer.json()["job"], "test")
        return Job.objects.get(pk=answer.json()["job"])

    return run


def test_bucket_comes_in_page_by_page_with_what_is_known_and_one_report(
    bucket: Objects, ask: Callable[[str], Job]
) -> None:
    for i in range(4):
        bucket[f"faces/2017/a & b {i}.jpg"] = encoded(photograph(i))
    bucket["faces/2017/huge.jpg"] = b"announced as too large"
    bucket["faces/2017/.DS_Store"] = bucket["faces/other/x.jpg"] = bucket["secret.jpg"] = b"x"
    bucket["faces/2017/metadata.csv"] = b"file_name,owner\na & b 1.jpg,Ana\n"
    job = ask("2017/")
    assert job.state == "succeeded", job.error
    record = Import.objects.get()
    assert (record.source, record.n_seen, record.n_imported) == ("photos/faces/2017", 5, 4)
    (told,) = record.report
    assert (told["file"], told["what"]) == ("huge.jpg", "refused")
    assert Image.objects.get(file_name="a & b 1.jpg").provenance["owner"] == "Ana"


def test_bucket_that_refuses_or_holds_nothing_says_so(
    bucket: Objects, ask: Callable[[str], Job], settings: LazySettings
) -> None:
    assert "no files in it" in ask("nothing/").error
    settings.IMPORT_BUCKET = "locked"
    assert "cannot be read" in ask("2017/").error


def test_what_is_asked_must_be_right(bucket: Objects, cast: Cast, settings: LazySettings) -> None:
    address = f"/api/v1/projects/{cast.project.slug}/imports/"
    client = cast.client(cast.carla)
    for body in ({"bucket": "../secret"}, {"bucket": "a\nb"}, {"bucket": "a", "path": "b"}, {}):
        assert client.post(address, body, content_type="application/json").status_code == 400
    with pytest.raises(CommandError, match="either a path or --bucket"):
        call_command("import_images", cast.project.slug, stdout=io.StringIO())
    settings.IMPORT_BUCKET = ""
    refused = client.post(address, {"bucket": "a"}, content_type="application/json")
    assert "no IMPORT_BUCKET" in str(refused.json())
