"""Each step of the line on a disk that is really too small: a clear word, nothing half written."""

import io
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from annotation.estimates.models import Estimate
from annotation.estimates.services import request_estimate
from annotation.images import importing
from annotation.images.models import Image
from annotation.images.services import request_import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling.services import plan, record_votes_bulk, set_target
from annotation.people import services as people
from annotation.people.models import Project, Role
from annotation.releases.models import Release
from annotation.releases.services import request_release
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
Disk = Callable[[str], Path]
N_IMAGES, N_PEOPLE = 70, 12


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounts memory disks of a given size (``"96k"``) and takes them away again."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk-{size}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("*** SKIPPED: mounting a small disk needs root ***")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photographs of noise, about 9 kB each, that no hash takes for copies."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(N_IMAGES):
        noise = np.random.default_rng(i).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        sink = io.BytesIO()
        Pillow.fromarray(noise).resize((128, 128)).save(sink, "JPEG", quality=90)
        (folder / f"{i:03d}.jpg").write_bytes(sink.getvalue())
    return folder


def done(job: Job) -> Job:
    perform(job.pk, "test")
    job.refresh_from_db()
    return job


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def store_in(settings: Any, folder: Path) -> None:
    """Pictures go here."""
    default = {**settings.STORAGES["default"], "OPTIONS": {"location": folder, "base_url": None}}
    settings.STORAGES = {**settings.STORAGES, "default": default}


def imported(cast: Cast, photos: Path) -> Job:
    return done(request_import(cast.project, photos, cast.carla)[0])


def voted(project: Project) -> None:
    """Twelve people who agree on the seven classes in turn."""
    members = [
        people.join(project, people.create_person(f"voter-{i}", None), Role.ANNOTATOR)
        for i in range(N_PEOPLE)
    ]
    set_target(project, N_PEOPLE)
    images, annotators = plan(project, members, np.random.default_rng(1))
    record_votes_bulk(project, image_ids=images, annotator_ids=annotators, expressions=images % 7)


def test_import_keeps_whole_images_only_and_goes_on_when_there_is_room(
    cast: Cast, photos: Path, disk: Disk, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 16)
    small = disk("480k")
    store_in(settings, small)
    job = imported(cast, photos)
    assert job.state == "failed"
    rows = list(Image.objects.all())
    assert len(rows) in (16, 32, 48)
    assert job.error.startswith(f"The disk is full. {len(rows)} images are imported whole")
    named = {small / row.stored_as(size) for row in rows for size in ("original", "thumb")}
    assert set(files(small)) == named
    subprocess.run(["mount", "-o", "remount,size=4m", str(small)], check=True)
    assert imported(cast, photos).state == "succeeded"
    assert Image.objects.count() == N_IMAGES


def test_estimate_and_release_leave_nothing_behind(
    cast: Cast, photos: Path, disk: Disk, settings: Any, tmp_path: Path
) -> None:
    store_in(settings, tmp_path / "media")
    assert imported(cast, photos).state == "succeeded"
    voted(cast.project)
    settings.ESTIMATES_ROOT = disk("48k")
    job = done(request_estimate(cast.project, cast.carla)[0])
    assert (job.state, job.error[:17]) == ("failed", "The disk is full.")
    assert not Estimate.objects.exists()
    assert files(settings.ESTIMATES_ROOT) == []
    settings.ESTIMATES_ROOT = tmp_path / "estimates"
    assert done(request_estimate(cast.project, cast.carla)[0]).state == "succeeded"
    settings.RELEASES_ROOT = disk("400k")
    job = done(request_release(cast.project, cast.carla)[0])
    assert (job.state, job.error[:17]) == ("failed", "The disk is full.")
    assert not Release.objects.exists()
    assert files(settings.RELEASES_ROOT) == []
