"""A project with stored faces and an estimate, made small and without a crowd."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from PIL import Image as Pillow

from annotation.estimates.models import AnnotatorEstimate, Estimate, ItemEstimate
from annotation.images.models import Image, Import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.people import services as people
from annotation.people.models import Membership, Role
from annotation.releases.models import Release
from annotation.releases.services import request_release
from reliability import Subset
from reliability.expressions import COMPOUNDS
from tests.conftest import PASSWORD, Cast

LANDMARKS = [[20.0, 25.5], [44.0, 25.0], [32.0, 40.0], [24.0, 50.0], [41.0, 49.25]]


@dataclass
class Collection:
    """Faces of a project as an importer would store them, and estimates of them."""

    cast: Cast
    arrival: Import
    images: list[Image] = field(default_factory=list)

    def add(self, n: int = 1, image_format: str = "jpeg", **fields: Any) -> list[Image]:
        """Store ``n`` more faces, each with pixels of its own."""
        added = [self._store(len(self.images) + i, image_format, fields) for i in range(n)]
        self.images += added
        return added

    def _store(self, i: int, image_format: str, fields: dict[str, Any]) -> Image:
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        sink = io.BytesIO()
        Pillow.fromarray(pixels).resize((64, 72)).save(sink, image_format)
        image = Image.objects.create(
            **{
                "project": self.cast.project,
                "imported_in": self.arrival,
                "file_name": f"face {i}.jpg",
                "digest": f"{i:064x}",
                "pixel_digest": f"{i:064x}",
                "phash": i,
                "mirrored_phash": -i,
                "width": 64,
                "height": 72,
                "format": image_format,
                "landmarks": LANDMARKS,
                "box": [10, 12.5, 54, 60],
                "gender": 1,
                "race": 2,
                "age": 3,
                "provenance": {"licence": "CC BY 4.0", "owner": "=somebody"},
                **fields,
            }
        )
        default_storage.save(image.stored_as(), ContentFile(sink.getvalue()))
        return image

    def estimate(self, places: dict[int, tuple[Subset, int]]) -> Estimate:
        """An estimate that puts images (by position) into subsets with a class."""
        number = Estimate.objects.count() + 1
        estimate = Estimate.objects.create(
            project=self.cast.project,
            number=number,
            job=ended_job(self.cast, "estimate"),
            method="glad",
            code_version="test",
            votes_digest="ab" * 32,
            n_items=len(places),
            n_annotators=3,
            n_votes=120,
            n_kept=2,
            converged=True,
            report={"cronbach_alpha": 0.966, "fleiss_kappa": None},
            folder="none",
        )
        ItemEstimate.objects.bulk_create(
            _item(estimate, self.images[i], *place) for i, place in places.items()
        )
        return estimate


def _item(estimate: Estimate, image: Image, subset: Subset, label: int) -> ItemEstimate:
    is_pair = subset == Subset.TWO_TAB
    shares = [0.0] * 7
    for expression in COMPOUNDS[label][1:] if is_pair else (label,):
        shares[int(expression)] = 0.5 if is_pair else 1.0  # type: ignore[call-overload]
    return ItemEstimate(
        estimate=estimate,
        image=image,
        n_votes=40,
        consensus=shares.index(max(shares)),
        confidence=0.9,
        easiness=1.0,
        entropy=0.3,
        subset=subset,
        compound=label if is_pair else None,
        posterior=shares,
        distribution=shares,
    )


def ended_job(cast: Cast, kind: str) -> Job:
    return Job.objects.create(
        project=cast.project, kind=kind, state=Job.State.SUCCEEDED, started_at=Now()
    )


@pytest.fixture
def collection(cast: Cast, settings: Any, tmp_path: Path) -> Collection:
    settings.RELEASES_ROOT = tmp_path / "releases"
    settings.ESTIMATES_ROOT = tmp_path / "estimates"
    return make_collection(cast)


def make_collection(cast: Cast) -> Collection:
    arrival = Import.objects.create(
        project=cast.project, source="test", job=ended_job(cast, "import")
    )
    return Collection(cast, arrival)


@pytest.fixture
def estimated(collection: Collection) -> Estimate:
    """Seven classes of five faces, a compound of five, one of one, and three left out."""
    collection.add(44)
    places = {i: (Subset.SINGLE_LABEL, i % 7) for i in range(35)}
    places |= dict.fromkeys(range(35, 40), (Subset.TWO_TAB, 0))
    places |= {40: (Subset.TWO_TAB, 3), 41: (Subset.TWO_TAB, 11)}
    places |= {42: (Subset.WITH_NEUTRAL, 6), 43: (Subset.NONE, 0)}
    return collection.estimate(places)


def freeze(estimate: Estimate, root: Path, n_people: int = 6) -> None:
    """Votes as an estimate freezes them: all choose the consensus but the first person."""
    items = list(estimate.items.order_by("image_id").values_list("image_id", "consensus"))
    item, annotator = np.indices((len(items), n_people)).reshape(2, -1)
    truth = np.array([consensus for _, consensus in items])[item]
    crowd = [_member(estimate, p).pk for p in range(n_people)]
    estimate.folder, estimate.n_annotators = f"faces/{estimate.number:04d}", n_people
    estimate.n_kept = n_people
    estimate.save()
    (root / estimate.folder).mkdir(parents=True)
    np.savez_compressed(
        root / estimate.folder / "votes.npz",
        item=item,
        annotator=annotator,
        expression=np.where(annotator == 0, (truth + 1) % 7, truth),
        image_ids=np.array([image_id for image_id, _ in items]),
        annotator_ids=np.array(crowd),
    )
    AnnotatorEstimate.objects.bulk_create(
        AnnotatorEstimate(
            estimate=estimate,
            annotator_id=pk,
            reliability=p / 4,
            std_error=0.1,
            accuracy=0.9,
            n_votes=len(items),
            kept=True,
        )
        for p, pk in enumerate(crowd)
    )


def _member(estimate: Estimate, p: int) -> Membership:
    person = people.create_person(f"crowd-{estimate.number}-{p}", PASSWORD)
    return people.join(estimate.project, person, Role.ANNOTATOR)


def built(cast: Cast, **asked: Any) -> Job:
    """A release job, asked for and performed here."""
    job, created = request_release(cast.project, cast.carla, **asked)
    assert created
    perform(job.pk, "test")
    job.refresh_from_db()
    return job


@pytest.fixture
def release(estimated: Estimate, cast: Cast) -> Release:
    job = built(cast)
    assert job.state == "succeeded", job.error
    return Release.objects.get(job=job)
