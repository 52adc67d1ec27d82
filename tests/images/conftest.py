"""Photographs made in tests, and an import of whatever lies in a folder."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from PIL import Image as Pillow

from annotation.images import services
from annotation.images.models import Import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from tests.conftest import Cast


def photograph(seed: int, size: tuple[int, int] = (120, 100)) -> Pillow.Image:
    """A smooth random picture: each seed another one."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (7, 8, 3), dtype=np.uint8)
    return Pillow.fromarray(coarse).resize(size, Pillow.Resampling.BICUBIC)


def encoded(image: Pillow.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def run_import(cast: Cast, path: Path) -> tuple[Job, Import | None]:
    """Import a path through the job machinery; the ended job and its record."""
    job, created = services.request_import(cast.project, path, cast.carla)
    assert created
    perform(job.pk, "test")
    job.refresh_from_db()
    return job, Import.objects.filter(job=job).first()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: LazySettings) -> Path:
    """Files of a test go where the test's end removes them."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media", "base_url": None},
        },
    }
    settings.UPLOADS_ROOT = tmp_path / "uploads"
    return tmp_path / "media"


@pytest.fixture
def imported(cast: Cast, photos: Path) -> Callable[..., Import]:
    """Import pictures given by file name; the record."""

    def put(**files: bytes) -> Import:
        for name, data in files.items():
            (photos / name.replace("__", ".")).write_bytes(data)
        job, record = run_import(cast, photos)
        assert job.state == "succeeded", job.error
        assert record is not None
        return record

    return put
