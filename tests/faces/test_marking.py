"""37 automatic landmarks from a model file: in, out, and what a wrong file is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError

from annotation.faces import marking
from annotation.faces.services import request_faces
from annotation.images.models import Image
from annotation.jobs.models import Job
from tests.conftest import Cast

from .conftest import drawn, points_model

SQUARE = np.random.default_rng(0).uniform(0.1, 0.9, (68, 2))
BOX = (100.0, 50.0, 200.0, 150.0)


def test_points_are_shares_of_the_widened_box_and_68_become_37(tmp_path: Path) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    of_68 = marking.OnnxPoints(points_model(tmp_path / "68.onnx", SQUARE)).points(picture, BOX)
    of_37 = SQUARE[list(marking.OF_68)]
    assert len(of_37) == marking.N_POINTS
    same = marking.OnnxPoints(points_model(tmp_path / "37.onnx", of_37)).points(picture, BOX)
    assert of_68 == pytest.approx(same)
    assert of_68 == pytest.approx(of_37 * 120 + (90, 40), abs=1e-4)  # a tenth wider all around


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (np.zeros((5, 2)), "10 numbers, not 74"),
        (np.full((68, 2), 60.0), "no shares of the square"),
        (np.full((68, 2), np.nan), "no shares of the square"),
    ],
)
def test_model_of_another_kind_is_told_so(points: np.ndarray, why: str, tmp_path: Path) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    with pytest.raises(marking.Unusable, match=why):
        marking.OnnxPoints(points_model(tmp_path / "m.onnx", points)).points(picture, BOX)


def test_file_that_is_no_model_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    with pytest.raises(marking.Unusable, match=r"m\.onnx is no ONNX model"):
        marking.OnnxPoints(tmp_path / "m.onnx")


@pytest.mark.django_db
def test_faces_with_a_box_are_marked_once_and_coders_get_the_better_proposals(
    cast: Cast, brought: Callable[..., dict[str, Image]], looked: Callable[[], Job],
    tmp_path: Path, settings: LazySettings,
) -> None:  # fmt: skip
    image = brought(one=drawn(0).picture)["one"]
    looked()
    image.refresh_from_db()
    assert image.auto_landmarks is None
    with pytest.raises(ValidationError, match="No image waits"):
        request_faces(cast.project, cast.carla)
    x_min, y_min, x_max, y_max = image.box
    length = max(x_max - x_min, y_max - y_min) * 1.2
    corner = np.array([(x_min + x_max - length) / 2, (y_min + y_max - length) / 2])
    shares = (drawn(0).points - corner) / length
    settings.LANDMARK_MODEL = str(points_model(tmp_path / "m.onnx", shares))
    assert "1 faces marked" in looked().message
    image.refresh_from_db()
    assert np.array(image.auto_landmarks) == pytest.approx(drawn(0).points, abs=0.02)
    eyes = np.array(image.proposed_landmarks)[:2]
    assert eyes == pytest.approx(marking.five_of(drawn(0).points)[:2], abs=0.02)
    assert image.landmarks is None
    with pytest.raises(ValidationError, match="No image waits"):
        request_faces(cast.project, cast.carla)
