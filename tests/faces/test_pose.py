"""Pose from five points: known heads are read back, and a smile is no nod."""

import cv2
import numpy as np
import pytest

from annotation.faces import pose
from annotation.study.faces import specify
from annotation.study.portrait import marks


def head(
    pitch: float = 0, yaw: float = 0, roll: float = 0, lift: float = 0, wider: float = 0
) -> np.ndarray:
    """(5, 2) pixels of the mean face, turned, with the mouth's corners lifted and drawn apart."""
    shapes = [0, lift, wider, 0, 0, 0]
    at = np.concatenate([np.deg2rad([pitch, yaw, roll]), [1.0, 0, 0], shapes])
    return pose._projected(at) * 60 + (200, 180)


@pytest.mark.parametrize("pitch", [-15, 0, 15])
@pytest.mark.parametrize("yaw", [-40, -15, 0, 25])
@pytest.mark.parametrize("roll", [-20, 0, 35])
def test_turned_head_is_read_back(pitch: float, yaw: float, roll: float) -> None:
    found = pose.estimate(head(pitch, yaw, roll))
    assert found.roll == pytest.approx(roll, abs=3)
    assert found.yaw == pytest.approx(yaw, abs=8)
    assert found.pitch == pytest.approx(pitch, abs=2 * found.pitch_sd)
    assert found.pitch * pitch >= 0.25 * pitch**2  # drawn towards 0, never beyond it
    assert found.residual < 0.03


def test_smile_is_not_read_as_a_nod() -> None:
    """Control: without a term for the mouth, OpenCV's fit turns the head by tens of degrees."""
    smiling = head(lift=0.13, wider=0.1)
    found = pose.estimate(smiling)
    assert abs(found.pitch) < 9
    assert found.pitch_sd > 3  # it says that it is not sure
    lens = np.array([[5000.0, 0, 200], [0, 5000.0, 180], [0, 0, 1]])
    model = (pose.FACE * (1, 1, -1)).astype(float)
    guess = np.zeros((3, 1)), np.array([[0.0], [0.0], [83.0]])
    _, turned, _ = cv2.solvePnP(model, smiling, lens, None, *guess, True, cv2.SOLVEPNP_ITERATIVE)
    bare = np.rad2deg(np.abs(turned.ravel()[0]))
    assert bare > 2 * abs(found.pitch)
    assert bare > 15


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 3) pitch, yaw, roll of drawn faces as estimated, their deviations, and the truth.

    Other people than those on whom the model's numbers were chosen (study 100).
    """
    found, true = [], []
    for index in range(120):
        spec = specify(index, seed=5)
        points, _ = marks(spec)
        found.append(pose.estimate(points)[:6])
        true.append([spec.pose.pitch, spec.pose.yaw, spec.pose.roll])
    both = np.array(found)
    return both[:, :3], both[:, 3:], np.array(true)


def test_uncertainty_covers_the_error_on_drawn_faces(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Their proportions are not those of the model's face: what the shape terms are for."""
    found, sd, true = drawn
    far = np.abs(found - true) / sd
    assert (far < 4).all()
    assert ((far > 2).mean(0) < 0.12).all()  # 0.046 of a normal distribution


def test_estimate_is_nearer_than_a_constant_on_people_it_was_not_tuned_on(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    found, _, true = drawn
    error, constant = np.abs(found - true).mean(0), np.abs(true - np.median(true, 0)).mean(0)
    assert (error < (0.8 * constant[0], 0.25 * constant[1], 0.3 * constant[2])).all()


def test_size_and_place_do_not_matter_and_coinciding_points_are_refused() -> None:
    small = pose.estimate(head(5, 20, 10))
    large = pose.estimate(head(5, 20, 10) * 7 + 1000)
    assert large == pytest.approx(small, abs=0.01)
    with pytest.raises(ValueError, match="coincide"):
        pose.estimate([[5, 5]] * 5)
