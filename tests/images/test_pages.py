"""Pages about images open for those who may see them, and tell what happened."""

from collections.abc import Callable

import pytest
from PIL import Image as Pillow

from annotation.images.models import Import
from tests.conftest import Cast

from .conftest import encoded, photograph

pytestmark = pytest.mark.django_db


def test_grid_image_and_report_show_what_came_in(
    cast: Cast, imported: Callable[..., Import]
) -> None:
    face = photograph(1, (240, 200))
    small = face.resize((180, 150))
    record = imported(a__jpg=encoded(face), b__jpg=encoded(small), c__jpg=b"no image")
    carla = cast.client(cast.carla)
    base = f"/p/{cast.project.slug}/"
    assert carla.get(base + "images/").content.count(b"size=thumb") == 2
    assert carla.get(base + "images/?near_copies=1").content.count(b"size=thumb") == 1
    report = carla.get(base + f"imports/{record.pk}/").content.decode()
    assert "not a JPEG, PNG or WebP image" in report
    assert "looks like a.jpg" in report
    assert carla.get(base + "import/").status_code == 200
    copy = record.images.get(file_name="b.jpg")
    page = carla.get(base + f"images/{copy.uid}/").content.decode()
    assert "Decide on near copies" in page
    carla.post(base + f"images/{copy.uid}/decide/", {"deed": "exclude", "reason": "blurred"})
    copy.refresh_from_db()
    assert (copy.state, copy.state_reason) == ("excluded", "blurred")


def test_only_curators_import_and_annotators_see_no_grid(
    cast: Cast, imported: Callable[..., Import]
) -> None:
    image = imported(a__jpg=encoded(photograph(1))).images.get()
    base = f"/p/{cast.project.slug}/"
    for path in ("images/", f"images/{image.uid}/", "import/"):
        assert cast.client(cast.alice).get(base + path).status_code == 404
    rafik = cast.client(cast.rafik)
    assert rafik.get(base + "images/").status_code == 200
    assert rafik.get(base + "import/").status_code == 404
    decide = base + f"images/{image.uid}/decide/"
    assert rafik.post(decide, {"deed": "exclude", "reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("decision", "states", "named"),
    [
        ("different", ("active", "active"), False),
        ("same_person", ("active", "active"), True),
        ("drop_later", ("active", "excluded"), False),
        ("drop_earlier", ("excluded", "active"), False),
    ],
)
def test_two_that_look_alike_are_decided_on_side_by_side_and_once(
    decision: str, states: tuple[str, str], named: bool, cast: Cast,
    imported: Callable[..., Import],
) -> None:  # fmt: skip
    face = photograph(1, (240, 200))
    mirrored = face.resize((180, 150)).transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
    record = imported(a__jpg=encoded(face), b__jpg=encoded(mirrored))
    carla, page = cast.client(cast.carla), f"/p/{cast.project.slug}/images/near-copies/"
    shown = carla.get(page).content.decode()
    assert shown.count("?size=display") == 2
    assert "mirrored" in shown
    later = record.images.get(file_name="b.jpg")
    sent = {"image": str(later.uid), "decision": decision}
    assert carla.post(page, {**sent, "decision": "both"}).status_code == 404
    assert carla.post(page, sent).status_code == 302
    a, b = record.images.order_by("file_name")
    assert (a.state, b.state) == states
    assert b.near_copy_of is None
    assert (a.provenance.get("subject", "") == b.provenance.get("subject")) is named
    assert "No two images wait" in carla.get(page).content.decode()
    assert "decided on these two already" in carla.post(page, sent, follow=True).content.decode()
