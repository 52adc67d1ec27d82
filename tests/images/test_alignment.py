"""Aligned faces stand where RAF-DB's do."""

import cv2
import numpy as np
import pytest

from annotation.images.alignment import TEMPLATE, align, similarity

UPRIGHT = [(110.0, 120.0), (190.0, 120.0), (150.0, 160.0), (120.0, 204.0), (180.0, 204.0)]
"""Twice the template's distances, so that the fit is exact."""


def dotted(points: list[tuple[float, float]]) -> np.ndarray:
    """A grey picture with a bright spot at each point."""
    picture = np.full((320, 300, 3), 60, np.uint8)
    for x, y in points:
        cv2.circle(picture, (round(x), round(y)), 5, (255, 255, 255), -1, cv2.LINE_AA)
    return picture


def turned(points: list[tuple[float, float]], degrees: float) -> list[tuple[float, float]]:
    angle = np.deg2rad(degrees)
    z = (np.array(points) @ (1, 1j) - (150 + 160j)) * np.exp(1j * angle) + (150 + 160j)
    return [(p.real, p.imag) for p in z]


def centre_of_light(pixels: np.ndarray, x: float, y: float) -> tuple[float, float]:
    patch = pixels[int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7, 0].astype(float) - 60
    rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]]
    total = patch.sum()
    return (
        (columns * patch).sum() / total + int(x) - 6,
        (rows * patch).sum() / total + int(y) - 6,
    )


@pytest.mark.parametrize("degrees", [0, 25, -40, 180])
def test_eyes_and_mouth_land_on_the_template(degrees: float) -> None:
    points = turned(UPRIGHT, degrees)
    eyes_and_mouth = [points[0], points[1]]
    mouth = tuple(np.mean(points[3:], axis=0))
    aligned = align(dotted([*eyes_and_mouth, mouth]), landmarks=points)
    assert aligned.by == "landmarks"
    assert aligned.pixels.shape == (100, 100, 3)
    for x, y in TEMPLATE:
        assert centre_of_light(aligned.pixels, x, y) == pytest.approx((x, y), abs=0.5)


def test_fit_keeps_angles_even_where_the_face_is_not_the_templates() -> None:
    long_face = [(p[0], p[1] * 1.3) for p in UPRIGHT]
    matrix = similarity(long_face)[:, :2]
    assert matrix @ matrix.T == pytest.approx(np.eye(2) * np.linalg.det(matrix), abs=1e-9)


def test_without_landmarks_the_box_decides_and_without_a_box_the_centre() -> None:
    picture = dotted([(60.0, 250.0)])
    by_box = align(picture, box=[40, 230, 80, 270])
    assert by_box.by == "box"
    assert centre_of_light(by_box.pixels, 50, 50) == pytest.approx((50, 50), abs=1.5)
    assert align(picture).by == "centre"
    assert align(picture).pixels.mean() < by_box.pixels.mean()


def test_fine_stripes_are_averaged_not_sampled() -> None:
    picture = np.zeros((1000, 1000, 3), np.uint8)
    picture[:, ::2] = 255
    assert align(picture).pixels.std() < 2.0


def test_points_that_coincide_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity([(5, 5)] * 5)
