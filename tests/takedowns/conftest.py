"""A project with two releases that hold one face, and two researchers who have them."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from annotation.agreements import services as agreements
from annotation.images.copies import hashes
from annotation.images.models import Image, Size
from annotation.labelling import services as labelling
from annotation.people import services as people
from annotation.people.models import Person, Role
from annotation.releases.models import Release
from reliability import Subset
from tests.conftest import PASSWORD, Cast
from tests.images.conftest import encoded, photograph
from tests.releases.conftest import Collection, built
from tests.releases.conftest import collection as collection


@dataclass
class Story:
    """``face`` is in both releases; ``nina`` had the first, ``rafik`` the second."""

    cast: Cast
    nina: Person
    face: Image
    releases: list[Release]

    @property
    def files(self) -> list[str]:
        return [self.face.stored_as(size) for size in Size]


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Path:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "media", "base_url": None},
        },
    }
    settings.UPLOADS_ROOT = tmp_path / "uploads"
    settings.RUNS_ROOT = tmp_path / "runs"
    return tmp_path / "media"


@pytest.fixture
def story(cast: Cast, collection: Collection, storage: Path) -> Story:
    nina = people.create_person("nina", PASSWORD, email="nina@example.org")
    Person.objects.filter(pk=cast.rafik.pk).update(email="rafik@example.org")
    people.join(cast.project, nina, Role.RESEARCHER)
    agreements.accept(agreements.agreement_of(cast.project), nina, "Institute", "A study.")
    faces = [photographed(image, seed) for seed, image in enumerate(collection.add(15))]
    labelling.open_images(cast.project, [image.pk for image in faces])
    collection.estimate({i: (Subset.SINGLE_LABEL, i % 7) for i in range(15)})
    for version in ("1.0.0", "1.1.0"):
        assert built(cast, version=version).state == "succeeded"
    for client, version in ((cast.client(nina), "1.0.0"), (cast.client(cast.rafik), "1.1.0")):
        b"".join(client.get(archive(version)))
    return Story(cast, nina, faces[3], list(Release.objects.order_by("pk")))


def archive(version: str) -> str:
    return f"/api/v1/projects/faces/releases/{version}/archive/"


def photographed(image: Image, seed: int) -> Image:
    """The image with a picture of its own, as the importer would have stored it."""
    picture = photograph(seed)
    data = encoded(picture)
    for size in Size:
        default_storage.delete(image.stored_as(size))
        default_storage.save(image.stored_as(size), ContentFile(data))
    image.phash, image.mirrored_phash = hashes(picture)
    image.width, image.height = picture.size
    image.provenance = {"source_url": f"https://photos.example/{seed}.jpg", "owner": "Ann"}
    image.save()
    return image


def copy_of(image: Image, mirrored: bool = True) -> bytes:
    """The stored picture again, smaller, compressed anew, and mirrored."""
    from PIL import Image as Pillow

    with default_storage.open(image.stored_as()) as file:
        picture = Pillow.open(io.BytesIO(file.read())).convert("RGB")
    smaller = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
    if mirrored:
        smaller = smaller.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
    return encoded(smaller, quality=70)
