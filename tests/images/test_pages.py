"""Pages about images open for those who may see them, and tell what happened."""

from collections.abc import Callable

import pytest

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
    assert "keep both" in page
    carla.post(base + f"images/{copy.uid}/decide/", {"deed": "keep"})
    copy.refresh_from_db()
    assert copy.near_copy_of is None
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
