"""A small project whose crowd is simulated: 60 images, 21 people, two of them at random."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from annotation.estimates.models import Estimate
from annotation.estimates.services import request_estimate
from annotation.images.models import Image, Import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling import services as labelling
from annotation.people import services as people
from annotation.people.models import Membership, Role
from reliability import Votes, simulate
from tests.conftest import PASSWORD, Cast

Record = Callable[[Votes], list[Membership]]


@pytest.fixture(scope="session")
def crowd() -> simulate.Crowd:
    return simulate.crowd(60, 21, 10, np.random.default_rng(3), random=2)


@pytest.fixture
def record(cast: Cast, settings: Any, tmp_path: Any) -> Record:
    """Stores votes in the project; the people of the votes, in their order."""
    settings.ESTIMATES_ROOT = tmp_path / "estimates"

    def stored(votes: Votes) -> list[Membership]:
        project = cast.project
        project.target_votes = int(votes.votes_per_item.max())
        project.save()
        images = _images(cast, votes.n_items)
        labelling.open_images(project, images)
        who = [people.create_person(f"voter-{i}", PASSWORD) for i in range(votes.n_annotators)]
        members = [people.join(project, person, Role.ANNOTATOR) for person in who]
        labelling.record_votes_bulk(
            project,
            image_ids=np.array(images)[votes.item],
            annotator_ids=np.array([m.pk for m in members])[votes.annotator],
            expressions=votes.expression,
            response_ms=np.full(len(votes), 1200),
        )
        return members

    return stored


@pytest.fixture
def estimate_now(cast: Cast) -> Callable[..., Estimate]:
    def made(**asked: Any) -> Estimate:
        job, _ = request_estimate(cast.project, cast.carla, **asked)
        perform(job.pk, "test")
        job.refresh_from_db()
        assert job.state == "succeeded", job.error
        return Estimate.objects.get(job=job)

    return made


def _images(cast: Cast, n: int) -> list[int]:
    job = Job.objects.create(project=cast.project, kind="import", state=Job.State.SUCCEEDED)
    arrival = Import.objects.create(job=job, project=cast.project, source="rows")
    Image.objects.bulk_create(
        Image(
            project=cast.project, imported_in=arrival, file_name=f"{i}.jpg", digest=f"{i:064x}",
            pixel_digest=f"{i:064x}", phash=i, mirrored_phash=i, format="jpeg", width=100,
            height=100,
        )
        for i in range(n)
    )  # fmt: skip
    return list(Image.objects.filter(project=cast.project).order_by("pk").values_list("pk", flat=1))
