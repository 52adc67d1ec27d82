"""Near copies: a 64-bit hash of how a picture looks, and a quick search among many of them.

The hash is the sign of the 64 lowest frequencies against their median ("pHash"), which survives
scaling, recompression and small retouching. A mirrored picture's hash follows from the same
transform, so each picture is looked up both ways. The hash only finds candidates; whether two
pictures are near copies is decided by correlating them.
"""

from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

NEAR = 6
"""Two pictures whose hashes differ in at most so many bits are looked at more closely."""
ALIKE = 0.93
"""Correlation of two small grey pictures from which they are near copies. Measured on 400 drawn
faces: scaled, mirrored and recompressed copies 0.968 and more, different faces whose hashes are
near (22 of 400, for all faces have the same lowest frequencies) 0.77 and less."""
CANDIDATES = 8
CLOSE_SIDE = 64
SIDE = 32
FREQUENCIES = 8


class Hashes(NamedTuple):
    """Of a picture and of its mirror image, each a signed 64-bit integer, as databases hold."""

    plain: int
    mirrored: int


SAME_BITS = 40
"""Fingerprints that differ in at most so many of 256 bits are of one picture. Measured on 600
drawn faces: halved, mirrored, brightened and strongly compressed copies 32 and less, the 179,700
pairs of different faces 46 and more."""
FINE_FREQUENCIES = 16


def _cosines(n_frequencies: int, side: int) -> NDArray[np.float64]:
    """The first rows of the discrete cosine transform of ``side`` points."""
    k = np.arange(n_frequencies)[:, None]
    x = np.arange(side)[None, :]
    return np.cos(np.pi * k * (2 * x + 1) / (2 * side))


COSINES = _cosines(FREQUENCIES, SIDE)
FINE_COSINES = _cosines(FINE_FREQUENCIES, CLOSE_SIDE)
MIRROR = (-1.0) ** np.arange(FREQUENCIES)
FINE_MIRROR = (-1.0) ** np.arange(FINE_FREQUENCIES)
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

    def near(self, wanted: Hashes) -> list[Found]:
        """The nearest pictures within ``NEAR`` bits, best first, at most ``CANDIDATES``."""
        known = self._hashes[: self._n]
        found = []
        for is_mirrored, value in enumerate(wanted):
            distances = np.bitwise_count(known ^ np.int64(value).view(np.uint64))
            found += [
                Found(self._keys[i], int(distances[i]), bool(is_mirrored))
                for i in np.flatnonzero(distances <= NEAR)
            ]
        return sorted(found, key=lambda f: (f.distance, f.is_mirrored, f.key))[:CANDIDATES]


class Prints(NamedTuple):
    """A picture's 256-bit fingerprint and its mirror image's, 32 bytes each.

    Four times as fine as ``Hashes``, so that it can stand alone where the other picture is gone.
    """

    plain: bytes
    mirrored: bytes


def fingerprint(file: IO[bytes]) -> Prints:
    """Both fingerprints of a whole picture: signs of its 16 × 16 lowest frequencies."""
    with Pillow.open(file, formats=("JPEG", "PNG", "WEBP")) as picture:
        grey = picture.convert("L").resize((CLOSE_SIDE, CLOSE_SIDE), Pillow.Resampling.BOX)
    waves = FINE_COSINES @ np.asarray(grey, dtype=np.float64) @ FINE_COSINES.T
    return Prints(_signs(waves).tobytes(), _signs(waves * FINE_MIRROR).tobytes())


def is_same_face(one: Prints, other: Prints) -> bool:
    """Whether two pictures are near copies, by their fingerprints alone; mirrored ones too."""
    a, b, c = (np.frombuffer(p, dtype=np.uint8) for p in (one.plain, other.plain, other.mirrored))
    if not len(a) == len(b) == len(c) == 32:
        return False
    return min(int(np.bitwise_count(a ^ x).sum()) for x in (b, c)) <= SAME_BITS


def small_grey(file: IO[bytes], mirrored: bool = False) -> NDArray[np.float64]:
    """A picture as (64, 64) grey values with mean 0 and length 1, so that a product correlates."""
    with Pillow.open(file, formats=("JPEG", "PNG", "WEBP")) as picture:
        picture.draft("L", (CLOSE_SIDE, CLOSE_SIDE))
        grey = picture.convert("L").resize((CLOSE_SIDE, CLOSE_SIDE), Pillow.Resampling.BOX)
    values = np.asarray(grey, dtype=np.float64)
    values = (values[:, ::-1] if mirrored else values) - values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def are_alike(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two pictures from ``small_grey`` are near copies; two blank ones are."""
    if not a.any() or not b.any():
        return not a.any() and not b.any()
    return float((a * b).sum()) >= ALIKE


def distance(a: int, b: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return ((a ^ b) & (2**64 - 1)).bit_count()


def _bits(waves: NDArray[np.float64]) -> int:
    """64 signs as a signed integer."""
    return int(_signs(waves).view(">i8")[0])


def _signs(waves: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Signs against the median of all but the mean brightness, eight to a byte."""
    flat = waves.ravel()
    return np.packbits(flat > np.median(flat[1:]))
