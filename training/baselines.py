"""The paper's handcrafted descriptors (§5): LBP, HOG and Gabor on faces of 100×100 pixels."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training import metrics
from training.classifiers import CLASSIFIERS
from training.data import Faces, Release

SIDE = 100
CELL_LBP, CELL_HOG, N_BINS = 10, 5, 10
Floats = NDArray[np.float32]
Grey = NDArray[np.float32]


def _uniform_codes() -> NDArray[np.int64]:
    """The bin of each of 256 patterns: 0–57 with two changes around the ring at most, else 58."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    codes = np.full(256, 58, dtype=np.int64)
    codes[changes <= 2] = np.arange((changes <= 2).sum())
    return codes


UNIFORM = _uniform_codes()


def lbp(grey: Grey) -> Floats:
    """Uniform LBP with 8 points at radius 2: 59 bins in each of 10×10 cells, (5900,)."""
    padded = cv2.copyMakeBorder(grey, 3, 3, 3, 3, cv2.BORDER_REFLECT)
    pattern = np.zeros((SIDE, SIDE), dtype=np.int64)
    for bit in range(8):
        angle = 2 * np.pi * bit / 8
        shift = np.array([[1, 0, 2 * np.cos(angle)], [0, 1, -2 * np.sin(angle)]])
        moved = cv2.warpAffine(
            padded, shift, padded.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        pattern |= (moved[3:-3, 3:-3] >= grey - 1e-3).astype(np.int64) << bit
    cells = np.arange(SIDE) // CELL_LBP
    where = cells[:, None] * (SIDE // CELL_LBP) + cells[None, :]
    counts = np.bincount((where * 59 + UNIFORM[pattern]).ravel(), minlength=5900)
    return (counts / CELL_LBP**2).astype(np.float32)


def hog(grey: Grey) -> Floats:
    """Ten unsigned orientations in each of 20×20 cells, blocks of 2×2 normalised: (4000,)."""
    across, down = (
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1),
        cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1),
    )
    strength, angle = cv2.cartToPolar(across, down)
    place = (angle % np.pi) / np.pi * N_BINS
    low = np.floor(place).astype(np.int64)
    share = place - low
    n = SIDE // CELL_HOG
    cells = np.arange(SIDE) // CELL_HOG
    base = (cells[:, None] * n + cells[None, :]) * N_BINS
    bins = np.concatenate([(base + low % N_BINS).ravel(), (base + (low + 1) % N_BINS).ravel()])
    weights = np.concatenate([(strength * (1 - share)).ravel(), (strength * share).ravel()])
    drawn = np.bincount(bins, weights, minlength=n * n * N_BINS).reshape(
        n // 2, 2, n // 2, 2, N_BINS
    )
    norm = np.sqrt(np.square(drawn).sum(axis=(1, 3, 4), keepdims=True) + 1.0)
    blocks: Floats = (drawn / norm).astype(np.float32).ravel()
    return blocks


def _gabor_bank() -> list[tuple[Any, Any]]:
    """Five scales by eight orientations, real and imaginary kernels of zero mean."""
    bank = []
    for scale in range(5):
        wave = 4.0 * 2 ** (scale / 2)
        for turn in range(8):
            size = 2 * round(wave) + 1
            pair = [
                cv2.getGaborKernel(
                    (size, size), 0.56 * wave, np.pi * turn / 8, wave, 1.0, psi, cv2.CV_32F
                )
                for psi in (0.0, np.pi / 2)
            ]
            bank.append((pair[0] - pair[0].mean(), pair[1]))
    return bank


GABOR_BANK = _gabor_bank()


def gabor(grey: Grey) -> Floats:
    """Magnitudes of 40 Gabor filters, each brought to 10×10: (4000,)."""
    maps = []
    for real, imaginary in GABOR_BANK:
        strength = cv2.magnitude(cv2.filter2D(grey, -1, real), cv2.filter2D(grey, -1, imaginary))
        maps.append(cv2.resize(strength, (10, 10), interpolation=cv2.INTER_AREA).ravel())
    return np.concatenate(maps).astype(np.float32)


DESCRIPTORS = {"lbp": lbp, "hog": hog, "gabor": gabor}


def describe(faces: Faces, descriptor: str) -> Floats:
    """The descriptor of every face, (n, d); faces must be 100×100."""
    make = DESCRIPTORS[descriptor]
    rgb = faces.pictures.numpy().transpose(0, 2, 3, 1)
    rows: Floats = np.stack(
        [make(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32)) for x in rgb]
    )
    return rows


def judge(release: Release, descriptor: str, classifier: str) -> dict[str, Any]:
    """The test split's metrics of a descriptor and a classifier trained on the training split."""
    train, test = (describe(part, descriptor) for part in (release.train, release.test))
    found, chosen = CLASSIFIERS[classifier](train, release.train.labels.numpy(), test)
    confusion = metrics.confusion_matrix(
        release.test.labels.numpy(), found, len(release.class_names)
    )
    return {
        "descriptor": descriptor,
        "classifier": classifier,
        "chosen": chosen,
        **metrics.summary(confusion, release.class_names),
    }
