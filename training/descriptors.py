"""The paper's handcrafted descriptors (§5) of grey faces, compiled by numba.

    grey → lbp, hog, gabor: (n, 100, 100) uint8 → (n, d) float32

The first call compiles (seconds), later ones find the machine code in numba's cache.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from reliability.compiled import njit

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 100
N_PATTERNS, CELL_LBP = 59, 10
N_BINS, CELL_HOG = 10, 5
N_SCALES, N_TURNS, N_CELLS = 5, 8, 10
_BORDER = 50  # pixels around the face, mirrored: three σ of the widest wavelet see no edge
_WHOLE = SIDE + 2 * _BORDER
_AHEAD = 64  # faces at a time: their spectra stay in the cache


def grey(pictures: Bytes) -> Bytes:
    """Luma of RGB pictures (n, 3, side, side): 0.299 R + 0.587 G + 0.114 B, rounded, (n, …)."""
    found = np.empty((len(pictures), *pictures.shape[2:]), dtype=np.uint8)
    _luma(np.ascontiguousarray(pictures), found)
    return found


@njit()
def _luma(pictures: Bytes, found: Bytes) -> None:
    n, height, width = found.shape
    for i in range(n):
        for y in range(height):
            for x in range(width):
                red, green = np.int32(pictures[i, 0, y, x]), np.int32(pictures[i, 1, y, x])
                blue = np.int32(pictures[i, 2, y, x])
                found[i, y, x] = (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14


def lbp(faces: Bytes) -> Floats:
    """Uniform LBP with 8 points at radius 2: 59 bins in each of 10×10 cells, (n, 5900).

    Points between pixels are interpolated bilinearly; beyond the edge the face is mirrored.
    """
    n_cells = SIDE // CELL_LBP
    found = np.zeros((len(faces), n_cells * n_cells * N_PATTERNS), dtype=np.float32)
    codes = np.empty(SIDE, dtype=np.int32)
    for face, row in zip(faces, found, strict=True):
        wide = cv2.copyMakeBorder(face, 2, 2, 2, 2, cv2.BORDER_REFLECT)
        _count_patterns(wide.astype(np.float32), UNIFORM, codes, row)
    return found


def _uniform_codes() -> NDArray[np.int64]:
    """The bin of each of 256 patterns: 0–57 with two changes around the ring at most, else 58."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    codes = np.full(256, N_PATTERNS - 1, dtype=np.int64)
    codes[changes <= 2] = np.arange((changes <= 2).sum())
    return codes


UNIFORM = _uniform_codes()


@njit(fastmath=True)
def _count_patterns(
    wide: Floats, uniform: NDArray[np.int64], codes: NDArray[np.int32], found: Floats
) -> None:
    """``wide`` has a border of two pixels; ``codes`` is room for the patterns of a line.

    Bit b is the point at b eighths of a turn, from 3 h.
    """
    side = wide.shape[0] - 4
    far = np.float32(np.sqrt(2.0) - 1.0)  # the diagonal points lie at √2, between 1 and 2
    near = np.float32(1.0) - far
    corner, edge, inner = far * far, far * near, near * near
    n_cells, one = side // CELL_LBP, np.float32(1.0 / CELL_LBP**2)
    for y in range(2, side + 2):
        for x in range(2, side + 2):
            least = wide[y, x] - np.float32(1e-3)  # equal is "not darker", however it was rounded
            ne = (corner * wide[y - 2, x + 2] + edge * (wide[y - 1, x + 2] + wide[y - 2, x + 1])
                  + inner * wide[y - 1, x + 1])  # fmt: skip
            nw = (corner * wide[y - 2, x - 2] + edge * (wide[y - 1, x - 2] + wide[y - 2, x - 1])
                  + inner * wide[y - 1, x - 1])  # fmt: skip
            sw = (corner * wide[y + 2, x - 2] + edge * (wide[y + 1, x - 2] + wide[y + 2, x - 1])
                  + inner * wide[y + 1, x - 1])  # fmt: skip
            se = (corner * wide[y + 2, x + 2] + edge * (wide[y + 1, x + 2] + wide[y + 2, x + 1])
                  + inner * wide[y + 1, x + 1])  # fmt: skip
            codes[x - 2] = (
                np.int32(wide[y, x + 2] >= least) | np.int32(ne >= least) << 1
                | np.int32(wide[y - 2, x] >= least) << 2 | np.int32(nw >= least) << 3
                | np.int32(wide[y, x - 2] >= least) << 4 | np.int32(sw >= least) << 5
                | np.int32(wide[y + 2, x] >= least) << 6 | np.int32(se >= least) << 7
            )  # fmt: skip
        row = (y - 2) // CELL_LBP * n_cells
        for x in range(side):
            found[(row + x // CELL_LBP) * N_PATTERNS + uniform[codes[x]]] += one


def hog(faces: Bytes) -> Floats:
    """Ten unsigned orientations in each of 20×20 cells, blocks of 2×2 normalised: (n, 4000).

    A gradient's strength is shared between the two nearest orientations. Blocks do not overlap.
    """
    found = np.zeros((len(faces), (SIDE // CELL_HOG) ** 2 * N_BINS), dtype=np.float32)
    _add_gradients(np.ascontiguousarray(faces), *_orientations(), found)
    return found


@lru_cache(maxsize=1)
def _orientations() -> tuple[Bytes, Floats]:
    """For every gradient of bytes (down, across: −255 … 255) its lower bin, and what falls there
    and into the next bin: (511, 511) and (511, 511, 2). No angle is computed twice."""
    steps = np.arange(-255, 256, dtype=np.float64)
    down, across = steps[:, None], steps[None, :]
    place = np.arctan2(down, across) % np.pi / np.pi * N_BINS
    low = np.floor(place)
    strength = np.hypot(down, across)
    shares = np.stack([strength * (1 - (place - low)), strength * (place - low)], axis=2)
    return (low % N_BINS).astype(np.uint8), shares.astype(np.float32)


@njit()
def _add_gradients(faces: Bytes, low: Bytes, shares: Floats, found: Floats) -> None:
    n, height, width = faces.shape
    n_cells = width // CELL_HOG
    for i in range(n):
        face, row = faces[i], found[i]
        for y in range(height):
            for x in range(width):
                across = down = np.int64(0)
                if 0 < x < width - 1:
                    across = np.int64(face[y, x + 1]) - np.int64(face[y, x - 1])
                if 0 < y < height - 1:
                    down = np.int64(face[y + 1, x]) - np.int64(face[y - 1, x])
                first = np.int64(low[down + 255, across + 255])
                second = first + 1 if first + 1 < N_BINS else 0
                block = (y // CELL_HOG // 2 * (n_cells // 2) + x // CELL_HOG // 2) * 4
                cell = block + y // CELL_HOG % 2 * 2 + x // CELL_HOG % 2
                row[cell * N_BINS + first] += shares[down + 255, across + 255, 0]
                row[cell * N_BINS + second] += shares[down + 255, across + 255, 1]
        size = 4 * N_BINS
        for b in range(len(row) // size):
            energy = np.float32(1.0)
            for k in range(b * size, (b + 1) * size):
                energy += row[k] * row[k]
            for k in range(b * size, (b + 1) * size):
                row[k] /= np.sqrt(energy)


def gabor(faces: Bytes) -> Floats:
    """Magnitudes of 40 Gabor wavelets, each averaged to 10×10: (n, 4000).

    Five wavelengths from 4 to 16 pixels by eight orientations, a Gaussian of σ = 2π around each
    frequency (Liu and Wechsler 2002, equation 1). A magnitude does not change when the spectrum is
    moved to the middle, and what is left there is narrow: it is brought back on a coarse grid of 2
    to 4 points a side in each cell, by a small transformation instead of a whole one.
    """
    rows = [_magnitudes(faces[i : i + _AHEAD]) for i in range(0, len(faces), _AHEAD)]
    return np.concatenate(rows) if rows else np.zeros((0, 4000), dtype=np.float32)


def _magnitudes(faces: Bytes) -> Floats:
    border = ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER))
    wide = np.pad(faces, border, mode="reflect").astype(np.float32)
    spectrum = fft.fft2(wide, overwrite_x=True)  # (n, 160, 160) complex64
    found = np.empty((len(faces), len(gabor_bank()), N_CELLS, N_CELLS), dtype=np.float32)
    for i, (down, across, window) in enumerate(gabor_bank()):
        size = len(window)
        n_points = size * SIDE // (_WHOLE * N_CELLS)  # a side, in each cell
        points = np.abs(fft.ifft2(spectrum[:, down[:, None], across] * window, overwrite_x=True))
        inside = slice(size * _BORDER // _WHOLE, size * (_BORDER + SIDE) // _WHOLE)
        cells = points[:, inside, inside].reshape(len(faces), N_CELLS, n_points, N_CELLS, -1)
        found[:, i] = cells.mean(axis=(2, 4))
    return found.reshape(len(faces), -1)


@lru_cache(maxsize=1)
def gabor_bank() -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.complex64]]]:
    """Of each wavelet the rows and columns of the spectrum that it lets through, and its weights.

    The weights hold the inverse transformations' difference in size, and move the coarse grid so
    that its points lie in the middle of what they stand for.
    """
    bank = []
    for scale in range(N_SCALES):
        wave, size = 4.0 * 2 ** (scale / 2), (80, 60, 40, 40, 40)[scale]
        steps = np.arange(size) - size // 2
        for turn in range(N_TURNS):
            angle = np.pi * turn / N_TURNS
            at = _WHOLE / wave * np.array([np.sin(angle), np.cos(angle)])  # down, across
            down, across = (np.rint(a).astype(np.int64) + steps for a in at)
            spread = _WHOLE / wave / (2 * np.pi)  # in steps of the spectrum
            square = (down[:, None] - at[0]) ** 2 + (across[None, :] - at[1]) ** 2
            moved = np.exp(1j * np.pi * (1 / size - 1 / _WHOLE) * steps)
            weights = np.exp(-0.5 * square / spread**2) * (size / _WHOLE) ** 2
            weights = weights * moved[:, None] * moved
            bank.append((down % _WHOLE, across % _WHOLE, weights.astype(np.complex64)))
    return bank
