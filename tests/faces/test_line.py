"""The paper's first half as one line: collected, located, coded, voted, released, read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings

from annotation.collecting import outside
from annotation.collecting.orders import checked
from annotation.collecting.services import request_collection
from annotation.estimates.services import request_estimate
from annotation.faces import coders, coding
from annotation.faces.services import request_faces
from annotation.faces.table_one import rows_of
from annotation.images.models import Image
from annotation.images.official import read_auto
from annotation.images.services import request_import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling.bulk import record_votes_bulk
from annotation.people import services as people
from annotation.people.models import Role
from annotation.releases import queries
from annotation.releases.layouts import LayoutName
from annotation.releases.models import Release
from annotation.releases.services import request_release
from annotation.study.faces import DrawnFace, draw
from tests.collecting.flickr import Flickr, served, way_to
from tests.conftest import PASSWORD, Cast
from tests.images.conftest import storage as storage
from tests.releases.test_build import read_rafdb

from .conftest import jpeg, points_model

pytestmark = pytest.mark.django_db
N, N_ANNOTATORS = 8, 6
UNITS = {"units": ["1C", "L12B", "25"]}


def done(job: Job) -> Job:
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    return job


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, settings: LazySettings, tmp_path: Path) -> Any:
    """Drawn faces by photograph id, on a server that speaks Flickr's API."""
    faces = {1000 + i: draw(i, seed=5) for i in range(N)}
    settings.COLLECTIONS_ROOT = tmp_path / "collections"
    settings.RELEASES_ROOT = tmp_path / "releases"
    settings.ESTIMATES_ROOT = tmp_path / "estimates"
    settings.FLICKR_API_KEY = "a" * 32
    mean = np.random.default_rng(1).uniform(0.2, 0.8, (68, 2))
    settings.LANDMARK_MODEL = str(points_model(tmp_path / "points.onnx", mean))
    server = Flickr(("smile",), n=N, picture_of=lambda i: jpeg(faces[i].picture))
    with served(server):
        monkeypatch.setattr(outside, "way", way_to(server.port))
        yield faces


def test_from_a_search_on_flickr_to_a_release_that_readers_open(
    cast: Cast, shown: dict[int, DrawnFace]
) -> None:
    cast.project.target_votes = N_ANNOTATORS
    cast.project.save()
    words = checked({"happiness": ["smile"]}, N, [0, 3, 4, 5])
    done(request_collection(cast.project, words, cast.carla)[0])
    assert Image.objects.filter(state="held").count() == N
    done(request_faces(cast.project, cast.carla)[0])
    faces = list(Image.objects.filter(state="active").order_by("pk"))
    assert len(faces) >= N - 2  # the cascades miss a turned face now and then
    truth = {image.pk: shown[int(image.provenance["photo_id"])] for image in faces}
    vote(cast, {pk: int(face.spec.expression) for pk, face in truth.items()})
    done(request_estimate(cast.project, cast.carla)[0])
    code(cast, truth)
    asked = {"layouts": [LayoutName.RAFDB, LayoutName.IMAGEFOLDER], "any_licence": True}
    release = Release.objects.get(job=done(request_release(cast.project, cast.carla, **asked)[0]))

    basic = queries.folder_of(release) / "basic"
    read = read_rafdb(basic)
    assert len(read) == len(faces)
    by_points = {tuple(map(tuple, np.round(f.landmarks, 1))): f for f in truth.values()}
    for face in read:
        drawn = by_points[tuple(face["points"])]
        assert face["label"] == int(drawn.spec.expression) + 1
        assert face["attributes"] == [1, 0, 2]
        assert face["box"] == pytest.approx(np.round(drawn.box, 1), abs=0.01)
        stem = face["name"].split(".")[0]
        auto = read_auto((basic / f"Annotation/auto/{stem}_auto_attri.txt").read_text())
        assert len(auto) == 37
    coded = (basic / "EmoLabel/RAFAU_label.txt").read_text().splitlines()
    assert [line.split(" ")[1] for line in coded] == ["1+L12+25"] * len(faces)
    assert len(rows_of(cast.project)) == len(faces)

    other = people.create_project("Read again", curator=cast.carla)
    again = done(request_import(other, basic.parent, cast.carla)[0])
    assert again.result["imported"] == len(faces)
    came = Image.objects.filter(project=other)
    assert {tuple(map(tuple, image.landmarks)) for image in came} == set(by_points)
    assert all(image.auto_landmarks and image.box and image.given for image in came)


def vote(cast: Cast, expressions: dict[int, int]) -> None:
    """Six people vote what was drawn; one of them sees anger in the first face."""
    crowd = [
        people.join(cast.project, people.create_person(f"crowd{i}", PASSWORD), Role.ANNOTATOR).pk
        for i in range(N_ANNOTATORS)
    ]
    ids = list(expressions)
    votes = [(pk, who, expressions[pk]) for pk in ids for who in crowd]
    votes[0] = (*votes[0][:2], 5)
    images, annotators, told = (np.array(column) for column in zip(*votes, strict=True))
    n = record_votes_bulk(
        cast.project, image_ids=images, annotator_ids=annotators, expressions=told
    )
    assert n == len(votes)


def code(cast: Cast, truth: dict[int, DrawnFace]) -> None:
    """Two coders work through their queues, as the tools do, until nothing is left."""
    coding.draw_sample(cast.project, 100)
    both = [
        people.join(cast.project, people.create_person(name, PASSWORD), Role.CODER)
        for name in ("cody", "cora")
    ]
    for part in ("points", "attributes", "units"):
        for coder in both:
            while queue := coders.queue(coder, part):
                for image in queue:
                    said = saying(part, truth[image.pk])
                    coding.save(image, coder, part, said, revision=0, seconds=4.0)
        progress = coders.progress(cast.project, part)
        assert progress["done"] == progress["faces"] == len(truth)


def saying(part: str, face: DrawnFace) -> dict[str, Any]:
    box = np.round(face.box, 1).tolist()
    points = {"landmarks": np.round(face.landmarks, 1).tolist(), "box": box}
    return {
        "points": points, "attributes": {"gender": 1, "age": 2, "race": 0}, "units": UNITS,
    }[part]  # fmt: skip
