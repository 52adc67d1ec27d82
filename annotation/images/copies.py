"""Near copies: a 64-bit hash of how a picture looks, and a quick search among many of them.

The hash is the sign of the 64 lowest frequencies against their median ("pHash"), which survives
scaling, recompression and small retouching. A mirrored picture's hash follows from the same
transform, so each picture is looked up both ways.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

NEAR = 6
"""Two hashes with at most so many differing bits are near copies; unrelated photographs differ in
about 32 ± 4. ``tests/images/test_copies.py`` holds both sides."""
SIDE = 32
FREQUENCIES = 8


class Hashes(NamedTuple):
    """Of a picture and of its mirror image, each a signed 64-bit integer, as databases hold."""

    plain: int
    mirrored: int


def _cosines() -> NDArray[np.float64]:
    """The first rows of the discrete cosine transform of ``SIDE`` points: (8, 32)."""
    k = np.arange(FREQUENCIES)[:, None]
    x = np.arange(SIDE)[None, :]
    return np.cos(np.pi * k * (2 * x + 1) / (2 * SIDE))


COSINES = _cosines()
MIRROR = (-1.0) ** np.arange(FREQUENCIES)
"""Mirroring a picture changes the sign of its odd horizontal frequencies."""


def hashes(picture: Pillow.Image) -> Hashes:
    """Both hashes of a picture; ~0.1 ms for a thumbnail."""
    grey = picture.convert("L").resize((SIDE, SIDE), Pillow.Resampling.BOX)
    waves = COSINES @ np.asarray(grey, dtype=np.float64) @ COSINES.T
    return Hashes(_bits(waves), _bits(waves * MIRROR))


class Found(NamedTuple):
    """The nearest known picture: its key, in how many bits it differs, whether mirrored."""

    key: int
    distance: int
    is_mirrored: bool


class Index:
    """The hashes of a project's pictures, to be asked which is nearest.

    A scan over a flat array: 30,000 entries take about 60 µs, less than a tree's first levels in
    Python, and nothing has to be kept balanced.
    """

    def __init__(self, keys: list[int], plain: list[int]) -> None:
        self._keys = keys
        self._hashes = np.array(plain, dtype=np.int64).view(np.uint64)
        self._n = len(plain)

    def add(self, key: int, plain: int) -> None:
        if self._n == len(self._hashes):
            self._hashes = np.resize(self._hashes, max(1024, 2 * self._n))
        self._hashes[self._n] = np.int64(plain).view(np.uint64)
        self._keys.append(key)
        self._n += 1

    def nearest(self, wanted: Hashes, within: int = NEAR) -> Found | None:
        """The nearest picture; None where nothing is near enough."""
        if not self._n:
            return None
        known = self._hashes[: self._n]
        found = []
        for is_mirrored, value in enumerate(wanted):
            distances = np.bitwise_count(known ^ np.int64(value).view(np.uint64))
            best = int(distances.argmin())
            found.append(Found(self._keys[best], int(distances[best]), bool(is_mirrored)))
        nearest = min(found, key=lambda f: (f.distance, f.is_mirrored))
        return nearest if nearest.distance <= within else None


def distance(a: int, b: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return ((a ^ b) & (2**64 - 1)).bit_count()


def _bits(waves: NDArray[np.float64]) -> int:
    """64 signs against the median of all but the mean brightness, as a signed integer."""
    flat = waves.ravel()
    signs = flat > np.median(flat[1:])
    return int(np.packbits(signs).view(">i8")[0])
