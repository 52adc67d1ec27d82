"""Manifests: what is read, what is refused with its line, and where it ends."""

import json

import pytest
from django.core.exceptions import ValidationError

from annotation.collecting import manifest
from annotation.collecting.models import Collection
from annotation.collecting.services import request_manifest
from annotation.images.models import Image
from annotation.jobs.services import perform
from tests.conftest import Cast

from .flickr import Flickr

HOSTS = (".staticflickr.com",)
URL = "https://live.staticflickr.com/1/{}_x.jpg"


def table(*rows: str, header: str = "url,owner,licence") -> bytes:
    return "\n".join([header, *rows]).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no column url"),
        (b"address,owner\nx,y", "no column url; it has address, owner"),
        (table("x,y,z,1", header="url,owner,licence,au"), "unknown column 'au'; known are url"),
        (table(header="url,url"), "column url stands twice"),
        (table(), "no line in it"),
        (table(URL.format(1)), "line 2: 1 cells, but 3 columns"),
        (table("https://evil.org/x.jpg,,"), r"line 2: url: host evil\.org is not on the list"),
        (table("http://live.staticflickr.com/x.jpg,,"), "line 2: url: only https"),
        (table(f"{URL.format(1)},9", header="url,gender"), "line 2: gender: '9' is not among"),
        (b"\xff\xfe" + "url\n".encode("utf-16-le"), "no line in it"),
        (b"url\n\xff\xff", "not UTF-8"),
        (b"url\n\x00", "zero bytes"),
        (b'{"url": "x"', "line 1: not JSON"),
        (b'{"url": {}}', "line 1: url is neither text nor a number"),
        (b'{"link": "x"}', "line 1: there is no column url"),
        (b"{" * 100_000, "line 1: not JSON"),
    ],
)
def test_manifest_that_cannot_be_right_is_refused_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(manifest.BadManifest, match=why):
        manifest.read(data, HOSTS)


def test_doubled_addresses_count_once_and_names_stay_apart() -> None:
    lines = manifest.read(
        table(f"{URL.format(1)},a,", f"{URL.format(1)},b,", f"{URL.format(1)}?v=2,c,"), HOSTS
    )
    assert [line.described["owner"] for line in lines] == ["a", "c"]
    assert len({line.file_name for line in lines}) == 2


@pytest.mark.django_db
def test_manifest_is_fetched_and_imported_with_what_it_says(cast: Cast, flickr: Flickr) -> None:
    rows = [
        {"url": URL.format(7), "owner": "=Ana", "licence": "CC BY 4.0", "age": 2,
         "x_min": 10, "y_min": 10, "x_max": 80, "y_max": 90},
        {"url": URL.format(8), "keyword": "smile"},
    ]  # fmt: skip
    data = "\n".join(map(json.dumps, rows)).encode()
    job, _ = request_manifest(cast.project, data, "list.jsonl", cast.carla)
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    first, second = Image.objects.order_by("file_name")
    assert (first.provenance["owner"], first.age, first.box) == ("=Ana", 2, [10, 10, 80, 90])
    assert first.provenance["source_url"] == URL.format(7)
    assert (first.state, second.state) == ("active", "held")
    again, _ = request_manifest(cast.project, data, "list.jsonl", cast.carla)
    perform(again.pk, "test")
    again.refresh_from_db()
    assert again.error == "Nothing new: the project has all 2 photographs that were found."
    assert sum(flickr.asked.values()) == 2


@pytest.mark.django_db
def test_bad_manifest_leaves_nothing(cast: Cast) -> None:
    with pytest.raises(ValidationError, match=r"list\.csv: there is no column url"):
        request_manifest(cast.project, b"a,b", "list.csv", cast.carla)
    assert not Collection.objects.exists()
