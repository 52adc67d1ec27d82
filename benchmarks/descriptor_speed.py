"""How fast the descriptors are on one core: python -m benchmarks.descriptor_speed [--faces 1000]

Prints seconds per 1,000 faces for HOG, LBP and Gabor beside the same work by OpenCV's
HOGDescriptor, scikit-image's local_binary_pattern (where it is installed) and OpenCV's filter2D.
"""

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import product

import cv2
import numpy as np

from training import descriptors

LIMITS_S = {"hog": 0.1, "lbp": 0.3, "gabor": 6.0}


def pictures(n: int) -> np.ndarray:
    """Smooth noise with edges in it: (n, 3, 100, 100) uint8."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, 12, 12, 3), dtype=np.uint8)
    large = [cv2.resize(x, (100, 100), interpolation=cv2.INTER_CUBIC) for x in coarse]
    return np.stack(large).transpose(0, 3, 1, 2)


def their_hog(faces: np.ndarray) -> object:
    """OpenCV's, with the same blocks, cells and bins."""
    made = cv2.HOGDescriptor((100, 100), (10, 10), (10, 10), (5, 5), 10)
    return [made.compute(face) for face in faces]


def their_lbp(faces: np.ndarray) -> object:
    """scikit-image's patterns, then a histogram of each cell."""
    from skimage.feature import local_binary_pattern

    where = np.arange(100) // 10
    first = 59 * (where[:, None] * 10 + where)
    return [
        np.bincount(
            (first + local_binary_pattern(face, 8, 2, "nri_uniform").astype(int)).ravel(),
            minlength=5900,
        )
        for face in faces
    ]


def their_gabor(faces: np.ndarray) -> object:
    """OpenCV's filters, real and imaginary, then the means of 10×10 cells."""
    pairs = []
    for scale, turn in product(range(5), range(8)):
        wave = 4.0 * 2 ** (scale / 2)
        size, angle = 2 * round(3 * wave) + 1, np.pi * turn / 8
        pairs.append([cv2.getGaborKernel((size, size), wave, angle, wave, 1.0, phase, cv2.CV_32F)
                      for phase in (0.0, np.pi / 2)])  # fmt: skip
    return [
        cv2.resize(
            cv2.magnitude(*(cv2.filter2D(face, cv2.CV_32F, part) for part in pair)), (10, 10),
            interpolation=cv2.INTER_AREA,
        )
        for face in faces for pair in pairs
    ]  # fmt: skip


def seconds(work: Callable[[np.ndarray], object], faces: np.ndarray) -> float:
    """Processor seconds per 1,000 faces, the least of three; the first call does not count."""
    work(faces[:2])
    spent = []
    for _ in range(3):
        started = time.process_time()
        work(faces)
        spent.append(time.process_time() - started)
    return min(spent) * 1000 / len(faces)


def main(n: int) -> None:
    """Time ours and theirs on the same grey faces; ours with the conversion to grey."""
    cv2.setNumThreads(1)
    colour = pictures(n)
    faces = descriptors.grey(colour)
    ours = {"hog": descriptors.hog, "lbp": descriptors.lbp, "gabor": descriptors.gabor}
    theirs = {"hog": their_hog, "lbp": their_lbp, "gabor": their_gabor}
    for name, make in ours.items():
        mine = seconds(lambda x, make=make: make(descriptors.grey(x)), colour)
        line = f"{name:5} {mine:6.3f} s per 1,000 faces (limit {LIMITS_S[name]})"
        if name != "lbp" or find_spec("skimage"):
            other = seconds(theirs[name], faces[: max(n // 10, 3)])
            line += f", theirs {other:7.3f} s, {other / mine:5.1f} times ours"
        print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=1000, help="how many (1000)")
    main(parser.parse_args().faces)
