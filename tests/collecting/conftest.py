"""A project that collects from the local server, with files where the test's end removes them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from annotation.collecting import outside
from annotation.collecting.models import Collection
from annotation.collecting.orders import checked
from annotation.collecting.services import request_collection
from annotation.jobs.services import perform
from tests.conftest import Cast
from tests.images.conftest import storage as storage

from .flickr import Flickr, served, way_to

Collect = Callable[..., Collection]


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, settings: LazySettings) -> None:
    settings.COLLECTIONS_ROOT = tmp_path / "collections"
    settings.FLICKR_API_KEY = "a" * 32
    settings.COLLECT_HOSTS = [".staticflickr.com"]


@pytest.fixture
def flickr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flickr]:
    """Two words with six photographs each."""
    with served(Flickr(("smile", "rage"), n=6)) as server:
        monkeypatch.setattr(outside, "way", way_to(server.port))
        yield server


@pytest.fixture
def collect(cast: Cast, flickr: Flickr) -> Collect:
    """Ask for a collection and do it; what came of it."""

    def run(limit: int = 100, **order: object) -> Collection:
        words = {"happiness": ["smile"], "anger": ["rage"]}
        asked = checked(words, limit=limit, licences=list(range(8)), **order)  # type: ignore[arg-type]
        job, is_new = request_collection(cast.project, asked, cast.carla)
        assert is_new
        perform(job.pk, "test")
        return Collection.objects.select_related("job").get(job=job)

    return run
