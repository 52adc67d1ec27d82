"""The face that is meant is told where the photograph holds several."""

from typing import Any

import pytest

from annotation.images.models import Image
from annotation.images.queries import mark_of
from tests.conftest import Cast


def test_mark_is_the_box_within_what_is_shown() -> None:
    image = Image(width=1000, height=800, box=[400, 300, 600, 500], provenance={"face_of": "x"})
    # shown is the box with half its sides around: 300–700, 200–600
    assert mark_of(image) == pytest.approx([0.25, 0.25, 0.5, 0.5], abs=1e-4)
    image.box = [0, 300, 200, 500]  # at the edge: 0–300, 200–600
    assert mark_of(image) == pytest.approx([0, 0.25, 0.6667, 0.5], abs=1e-4)


def test_lone_face_is_not_marked(cast: Cast, images_in: Any) -> None:
    several, lone, nowhere = images_in(cast.project, 3)
    Image.objects.filter(pk__in=[several, lone]).update(box=[20, 20, 80, 80])
    Image.objects.filter(pk__in=[several, nowhere]).update(provenance={"face_of": "x"})
    client = cast.client(cast.alice)
    rows = client.get("/api/v1/projects/faces/assignments/").json()["results"]
    uids = dict(Image.objects.values_list("uid", "pk"))
    marks = {uids[Image._meta.get_field("uid").to_python(r["image"])]: r["mark"] for r in rows}
    assert marks == {several: [0.2, 0.2, 0.6, 0.6], lone: None, nowhere: None}
