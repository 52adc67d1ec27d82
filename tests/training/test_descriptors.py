"""The descriptors against slow references that follow their sources pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.signal import fftconvolve

from training import baselines, descriptors
from training.data import read_release


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """One grey picture with smooth parts, edges and noise."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:100, :100]
    picture = (
        120 + 60 * np.sin(x / 7) * np.cos(y / 11) + 40 * (x > y) + rng.normal(0, 4, (100, 100))
    )
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_hog_tells_the_patterns(release: Path) -> None:
    found = read_release(release, descriptors.SIDE)
    assert baselines.judge(found, "hog", "lda")["mean_diagonal"] > 0.5  # one in seven by chance


def test_grey_is_the_usual_luma() -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [9, 9, 9]])
    pictures = colours.astype(np.uint8).reshape(5, 3, 1, 1)
    assert descriptors.grey(pictures).ravel().tolist() == [76, 150, 29, 255, 9]


def test_hog_is_the_histogram_of_orientations_in_each_cell(face: np.ndarray) -> None:
    wide = np.pad(face.astype(float), 1, mode="reflect")
    across, down = wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]
    place = np.arctan2(down, across) % np.pi / np.pi * 10
    cells = np.zeros((20, 20, 10))
    for y, x in np.ndindex(100, 100):
        low, share = int(place[y, x]) % 10, place[y, x] % 1
        strength = np.hypot(across[y, x], down[y, x])
        cells[y // 5, x // 5, low] += strength * (1 - share)
        cells[y // 5, x // 5, (low + 1) % 10] += strength * share
    blocks = cells.reshape(10, 2, 10, 2, 10).transpose(0, 2, 1, 3, 4).reshape(100, 40)
    blocks /= np.sqrt(np.square(blocks).sum(axis=1, keepdims=True) + 1)
    np.testing.assert_allclose(descriptors.hog(face[None])[0], blocks.ravel(), atol=1e-5)


def test_lbp_counts_uniform_patterns_at_radius_two(face: np.ndarray) -> None:
    y, x = np.mgrid[:100, :100].astype(float)
    pattern = np.zeros((100, 100), dtype=int)
    for bit in range(8):
        angle = 2 * np.pi * bit / 8
        at = np.stack([y - 2 * np.sin(angle), x + 2 * np.cos(angle)])
        around = map_coordinates(face.astype(float), at, order=1, mode="reflect")
        pattern |= (around >= face - 1e-3).astype(int) << bit
    expected = np.zeros((10, 10, 59))
    for row, column in np.ndindex(100, 100):
        bin_ = descriptors.UNIFORM[pattern[row, column]]
        expected[row // 10, column // 10, bin_] += 0.01
    found = descriptors.lbp(face[None])[0].reshape(10, 10, 59)
    assert np.abs(found - expected).sum() <= 0.02 * 4  # four pixels may tie differently


def test_gabor_is_the_magnitude_of_a_plain_convolution(face: np.ndarray) -> None:
    found = descriptors.gabor(face[None])[0].reshape(40, 10, 10)
    wide = np.pad(face.astype(float), 90, mode="reflect")  # beyond 5 σ of the widest
    y, x = np.mgrid[-90:91, -90:91]
    for scale, turn in ((0, 1), (1, 6), (2, 3), (4, 0)):
        k, angle = 2 * np.pi / (4 * 2 ** (scale / 2)), np.pi * turn / 8
        bell = np.exp(-(k**2) * (x**2 + y**2) / (2 * (2 * np.pi) ** 2))
        wavelet = bell / bell.sum() * np.exp(1j * k * (x * np.cos(angle) + y * np.sin(angle)))
        plain = np.abs(fftconvolve(wide, wavelet, mode="same"))[90:-90, 90:-90]
        means = plain.reshape(10, 10, 10, 10).mean(axis=(1, 3))
        away = found[8 * scale + turn] - means
        assert np.linalg.norm(away) < 0.03 * np.linalg.norm(means)
