"""Faces are found; what is in doubt waits for a person, and nothing is lost in between."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from django.core.exceptions import ValidationError

from annotation.faces import finding, pose, queries
from annotation.faces.detecting import Cascade
from annotation.faces.looking import look
from annotation.faces.models import Finding
from annotation.faces.services import decide, request_faces
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling.draw import top_up
from tests.conftest import Cast

from .conftest import SEEN, beside, drawn, noise

pytestmark = pytest.mark.django_db
Brought = Callable[..., dict[str, Image]]
Looked = Callable[..., Job]


def test_photograph_with_one_face_gets_box_and_proposals_and_joins_the_line(
    cast: Cast, brought: Brought, looked: Looked
) -> None:
    image = brought(one=drawn(0).picture)["one"]
    assert top_up(cast.annotator(cast.alice), 5) == []
    job = looked()
    assert job.message == "1 of 1 photographs have one face; 0 wait for a decision"
    image.refresh_from_db()
    truth = drawn(0)
    middle = np.array([(image.box[0] + image.box[2]) / 2, (image.box[1] + image.box[3]) / 2])
    side = image.box[2] - image.box[0]
    assert np.hypot(*(middle - truth.landmarks.mean(0))) < 0.2 * side
    eyes = np.hypot(*(truth.landmarks[1] - truth.landmarks[0]))
    gaps = np.hypot(*(np.array(image.proposed_landmarks) - truth.landmarks).T) / eyes
    assert gaps.mean() < 0.2
    assert image.landmarks is None  # a proposal is no manual annotation
    assert image.state == Image.State.ACTIVE
    assert len(top_up(cast.annotator(cast.alice), 5)) == 1


def test_photographs_that_were_imported_without_a_box_are_looked_at_too(
    brought: Brought, looked: Looked
) -> None:
    image = brought(one=drawn(0).picture)["one"]
    Image.objects.update(state=Image.State.ACTIVE)
    assert list(finding.waiting(image.project)) == [image]
    looked()
    image.refresh_from_db()
    assert image.box is not None


def test_several_faces_become_an_image_each(cast: Cast, brought: Brought, looked: Looked) -> None:
    image = brought(two=beside(0, 3))["two"]
    looked()
    image.refresh_from_db()
    assert image.state == Image.State.EXCLUDED
    assert image.state_reason == "shows 2 faces; each is an image of its own"
    parts = Image.objects.filter(provenance__face_of=str(image.uid))
    assert sorted(p.file_name for p in parts) == ["two.jpg · face 1", "two.jpg · face 2"]
    for part in parts:
        assert part.state == Image.State.ACTIVE
        assert 0 <= part.box[0] < part.box[2] <= part.width
    assert [f.kind for f in queries.doubtful(cast.project)] == ["several"]
    decide(Finding.objects.get(), "left_out", cast.carla)
    assert set(parts.values_list("state", flat=True)) == {"excluded"}


def test_small_blurred_and_missing_faces_wait_for_a_decision(
    cast: Cast, brought: Brought, looked: Looked
) -> None:
    small = np.full((400, 400, 3), 120, np.uint8)
    small[150:250, 150:240] = cv2.resize(drawn(1).picture, (90, 100))
    images = brought(
        none=noise(), small=small, blurred=cv2.GaussianBlur(drawn(0).picture, (0, 0), 7)
    )
    looked()
    kinds = {f.image.file_name[:-4]: f.kind for f in queries.doubtful(cast.project)}
    assert kinds == {"none": "none", "small": "small", "blurred": "blurred"}
    assert set(Image.objects.values_list("state", flat=True)) == {"held"}
    assert top_up(cast.annotator(cast.alice), 5) == []
    decide(images["small"].finding, "taken", cast.carla)
    decide(images["none"].finding, "left_out", cast.carla)
    states = {i.file_name[:-4]: (i.state, i.box is not None) for i in Image.objects.all()}
    assert states == {
        "none": ("excluded", False), "small": ("active", True), "blurred": ("held", False)
    }  # fmt: skip
    assert Image.objects.get(file_name="none.jpg").state_reason == "no face in it"
    with pytest.raises(ValidationError, match="already"):
        decide(images["small"].finding, "left_out", cast.carla)
    assert queries.doubtful(cast.project).count() == 1


def test_face_at_the_border_has_its_box_inside(brought: Brought, looked: Looked) -> None:
    truth = drawn(3)
    cut = truth.picture[int(truth.box[1]) + 12 :, int(truth.box[0]) + 4 :]
    image = brought(border=np.ascontiguousarray(cut))["border"]
    looked()
    for face in image.finding.faces:
        x_min, y_min, x_max, y_max = face["box"]
        assert 0 <= x_min < x_max <= image.width
        assert 0 <= y_min < y_max <= image.height
        for x, y in face["landmarks"] or []:
            assert 0 <= x <= image.width - 1
            assert 0 <= y <= image.height - 1


def test_search_that_died_goes_on_with_the_rest(
    brought: Brought, looked: Looked, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(**{f"face{i}": drawn(i).picture for i in SEEN})
    taken = finding._take
    seen: list[int] = []

    def dying(claim: object, image: Image, finder: object) -> str:
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(image.pk)
        return taken(claim, image, finder)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(finding, "_take", dying)
        job, _ = request_faces(cast.project, cast.carla)
        with pytest.raises(KeyboardInterrupt):
            perform(job.pk, "test")
    Job.objects.update(state="queued")
    assert Finding.objects.count() == 2
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.message.startswith("2 of 2 photographs")
    assert Finding.objects.count() == len(SEEN)


def test_nothing_waits_is_said_and_again_looks_where_it_was_in_doubt(
    cast: Cast, brought: Brought, looked: Looked
) -> None:
    brought(none=noise(), one=drawn(0).picture)
    looked()
    with pytest.raises(ValidationError, match="No image waits"):
        request_faces(cast.project, cast.carla)
    job = looked(again=True)
    assert job.result["none"] == 1
    assert job.result["face"] == 0
    assert Finding.objects.count() == 2


def test_page_lists_what_is_in_doubt_and_takes_decisions(
    cast: Cast, brought: Brought, looked: Looked
) -> None:
    brought(none=noise(), two=beside(0, 3))
    carla, address = cast.client(cast.carla), f"/p/{cast.project.slug}/faces/"
    assert "Look at 2 photographs" in carla.get(address).content.decode()
    looked()
    shown = carla.get(address).content.decode()
    assert "none.jpg" in shown
    assert "two.jpg" in shown
    assert "none.jpg" not in carla.get(address + "?kind=several").content.decode()
    none = Finding.objects.get(kind="none")
    carla.post(f"{address}{none.pk}/decide/", {"decision": "left_out", "kind": "none"})
    none.refresh_from_db()
    assert (none.decision, none.decided_by) == ("left_out", cast.carla)
    assert carla.post(f"{address}{none.pk}/decide/", {"decision": "eat"}).status_code == 404
    assert cast.client(cast.rafik).get(address).status_code == 404


def test_real_photograph_has_its_face_its_points_and_a_plausible_pose() -> None:
    """Eileen Collins (NASA, in the public domain) as scikit-image ships her; points set by hand."""
    from skimage import data

    kind, faces = look(data.astronaut(), Cascade())
    assert kind == Finding.Kind.FACE
    by_hand = np.array([[201, 101], [247, 103], [225, 126], [204, 141], [247, 143]])
    found = np.array(faces[0].landmarks)
    eyes = np.hypot(*(by_hand[1] - by_hand[0]))
    gaps = np.hypot(*(found - by_hand).T) / eyes
    assert (gaps < (0.08, 0.08, 0.15, 0.15, 0.15)).all(), gaps
    x_min, y_min, x_max, y_max = faces[0].box
    inside = (by_hand > (x_min, y_min)) & (by_hand < (x_max, y_max))
    assert inside.all()
    for points, sd in ((by_hand, pose.NOISE), (found, pose.PROPOSED_NOISE)):
        turned = pose.estimate(points.tolist(), sd)
        assert abs(turned.yaw) < 15  # she looks at us, her head a little inclined
        assert abs(turned.pitch) < 12
        assert 0 < turned.roll < 10
