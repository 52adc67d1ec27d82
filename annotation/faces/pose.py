"""How a head is turned, from five landmarks: pitch, yaw and roll with their uncertainty.

Five points do not tell everything: a smile lifts the corners of the mouth in the picture exactly
as a nod does, which reads as 30 to 50 degrees of pitch. So the fit has terms for what expressions
and persons do to a face, each with a prior that keeps it near what faces show, and a prior on
pitch. Weak perspective: a face in a photograph is small against its distance.

What little five points tell of pitch is weighed against what they do not: the answer is drawn
towards 0 as far as it is uncertain. ``benchmarks/find_faces.py`` prints the error beside that of
always answering 0.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

FACE = np.array(
    [
        [-0.50, 0.00, 0.00],
        [0.50, 0.00, 0.00],
        [0.00, 0.57, 0.42],
        [-0.40, 1.00, 0.08],
        [0.40, 1.00, 0.08],
    ]
)
"""Eyes, nose tip, mouth corners of a mean face: x right, y down, z towards the viewer, in
distances between the eyes (after anthropometric means: 62 mm between the pupils)."""


def _shape(nose: tuple[float, float], corner: tuple[float, float]) -> NDArray[np.float64]:
    """(5, 3) one way in which a face may differ: y and z of the nose tip, outward x and y of the
    mouth's corners."""
    (y, z), (out, down) = nose, corner
    return np.array([[0, 0, 0], [0, 0, 0], [0, y, z], [-out, down, 0], [out, down, 0]])


SHAPE_ROWS = (
    (_shape((0, 0), (0.75, -1)), 0.10),  # a smile draws the corners apart as it lifts them
    (_shape((0, 0), (0, -1)), 0.07),  # or they are lifted and lowered alone
    (_shape((0, 0), (1, 0)), 0.05),  # a wide mouth
    (_shape((0.65, 0), (0, 1)), 0.12),  # a long face; a child's is short
    (_shape((1, 0), (0, 0)), 0.04),  # a long nose
    (_shape((0, 1), (0, 0)), 0.10),  # one that stands out
)
"""How faces differ from the mean one, by expression and by person, and the standard deviation."""
SHAPES = np.stack([shape for shape, _ in SHAPE_ROWS])
SHAPE_SD = np.array([sd for _, sd in SHAPE_ROWS])
NOISE = (0.03,) * 5
PROPOSED_NOISE = (0.04, 0.04, 0.12, 0.20, 0.20)
"""The landmarks' own errors, in distances between the eyes: set by a coder, and as proposed."""
PITCH_SD, YAW_SD, ROLL_SD = 8.0, 30.0, 30.0
"""Priors in degrees: people nod little when they look at a camera."""
STEPS = 25


class Pose(NamedTuple):
    """Degrees: ``pitch`` up, ``yaw`` to the image's right, ``roll`` clockwise; 0 looks at us.

    ``*_sd`` are standard deviations; ``residual`` is the points' root mean square misfit, in
    distances between the eyes.
    """

    pitch: float
    yaw: float
    roll: float
    pitch_sd: float
    yaw_sd: float
    roll_sd: float
    residual: float


def estimate(landmarks: Sequence[Sequence[float]], noise: Sequence[float] = NOISE) -> Pose:
    """The most probable pose of five landmarks in pixels; a few milliseconds.

    ``noise`` are their standard deviations in distances between the eyes. Raises
    ``ValueError`` where the points coincide.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    unit = np.hypot(*(points - points.mean(0)).T).mean() / 0.72
    if not unit > 1e-6:
        raise ValueError("landmarks: all points coincide")
    seen = (points - points[:2].mean(0)) / unit
    at, spread = _fitted(seen, np.asarray(noise, dtype=np.float64)[:, None])
    pitch, yaw, roll = np.rad2deg(at[:3])
    sd = np.rad2deg(np.sqrt(np.diag(spread)[:3]))
    misfit = _projected(at) - seen
    residual = float(np.sqrt((misfit**2).sum(1).mean()))
    return Pose(*(float(v) for v in (pitch, yaw, roll, *sd)), residual)


def _start(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles from OpenCV's ``solvePnP`` with a long lens, kept within what a start may be."""
    lens = np.array([[100.0, 0, 0], [0, 100.0, 0], [0, 0, 1]])
    model = FACE * (1, 1, -1)  # OpenCV looks along z
    start = np.zeros(6 + len(SHAPES))
    start[3] = 1.0
    across = seen[1] - seen[0]
    start[2] = np.arctan2(across[1], across[0])
    guess = (np.array([[0.0], [0.0], [start[2]]]), np.array([[0.0], [0.0], [100.0]]))
    ok, turned, _ = cv2.solvePnP(
        model, seen, lens, None, *guess, useExtrinsicGuess=True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    if ok:
        matrix = cv2.Rodrigues(turned)[0]
        yaw = -np.arctan2(matrix[0, 2], np.hypot(matrix[0, 0], matrix[0, 1]))
        start[1] = np.clip(yaw, -1.2, 1.2)
    return start


def _fitted(
    seen: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mode and covariance: Gauss and Newton's steps with a little damping.

    Parameters: pitch, yaw, roll (radians), scale, x, y, then the shapes.
    """
    sds = np.concatenate(
        [np.deg2rad([PITCH_SD, YAW_SD, ROLL_SD]), [0.5, 1.0, 1.0], SHAPE_SD]
    )  # fmt: skip
    centre = np.zeros(len(sds))
    centre[3] = 1.0

    def errors(at: NDArray[np.float64]) -> NDArray[np.float64]:
        """(10 + n,) misfits of points and priors, each in its own standard deviation."""
        return np.concatenate([((_projected(at) - seen) / noise).ravel(), (at - centre) / sds])

    at, damping = _start(seen), 1e-3
    error = errors(at)
    for _ in range(STEPS):
        slopes = _slopes(errors, at)
        hessian = slopes.T @ slopes
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), slopes.T @ error)
        after = errors(at - step)
        if after @ after < error @ error:
            at, error, damping = at - step, after, damping / 5
            if np.abs(step).max() < 1e-7:
                break
        else:
            damping *= 8
    slopes = _slopes(errors, at)
    return at, np.linalg.inv(slopes.T @ slopes)


def _slopes(
    errors: Callable[[NDArray[np.float64]], NDArray[np.float64]], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The errors' derivatives by central differences."""
    step = 1e-5
    columns = [
        (errors(at + move) - errors(at - move)) / (2 * step) for move in np.eye(len(at)) * step
    ]
    return np.stack(columns, 1)


def _projected(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(5, 2) the model's points in the picture, in the order: turn by yaw, nod, roll, scale."""
    pitch, yaw, roll, scale, x, y = at[:6]
    face = FACE + np.tensordot(at[6:], SHAPES, 1)
    sin, cos = np.sin, np.cos
    turned_x = face[:, 0] * cos(yaw) + face[:, 2] * sin(yaw)
    depth = face[:, 2] * cos(yaw) - face[:, 0] * sin(yaw)
    turned_y = face[:, 1] * cos(pitch) - depth * sin(pitch)
    flat = np.stack(
        [turned_x * cos(roll) - turned_y * sin(roll), turned_x * sin(roll) + turned_y * cos(roll)],
        1,
    )
    return flat * scale + (x, y)
