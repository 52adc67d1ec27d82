"""Images without pictures, open for labelling: what draws and votes need of them."""

import secrets
from collections.abc import Callable

import pytest

from annotation.images.models import Image, Import
from annotation.jobs.models import Job
from annotation.labelling.services import open_images
from annotation.people import services as people
from annotation.people.models import Membership, Project, Role


@pytest.fixture
def images_in() -> Callable[[Project, int], list[int]]:
    def make(project: Project, n: int) -> list[int]:
        job = Job.objects.create(project=project, kind="import", state="succeeded")
        arrival = Import.objects.create(project=project, source="test", job=job)
        made = Image.objects.bulk_create(
            Image(
                project=project,
                imported_in=arrival,
                file_name=f"{i}.jpg",
                digest=secrets.token_hex(32),
                pixel_digest=secrets.token_hex(32),
                phash=i,
                mirrored_phash=i,
                width=100,
                height=100,
            )
            for i in range(n)
        )
        ids = [image.pk for image in made]
        open_images(project, ids)
        return ids

    return make


@pytest.fixture
def annotators_in() -> Callable[[Project, int], list[Membership]]:
    def make(project: Project, n: int) -> list[Membership]:
        return [
            people.join(project, people.create_person(f"p{i}", None), Role.ANNOTATOR)
            for i in range(n)
        ]

    return make
