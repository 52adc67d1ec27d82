"""How fast photographs come in, against Pillow's own decoding and resizing in the same run.

``python benchmarks/import_speed.py [COUNT]`` cleans COUNT drawn photographs (default 400) with the
importer's ``take_in`` on one thread and on two, and decodes and shrinks them with Pillow alone.
"""

import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image as Pillow

from annotation.images.copies import Hashes, Index
from annotation.images.pictures import take_in


def photographs(count: int) -> list[bytes]:
    """Pictures of 320×300 with the detail of a photograph, quality 90 (about 25 kB)."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        coarse = Pillow.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
        pixels = np.asarray(coarse.resize((320, 300), Pillow.Resampling.BICUBIC), dtype=np.int16)
        noisy = np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Pillow.fromarray(noisy).save(out, "JPEG", quality=90)
        made.append(out.getvalue())
    return made


def plain(data: bytes) -> None:
    """What nobody can do without: decode, and make a thumbnail."""
    with Pillow.open(io.BytesIO(data)) as image:
        image.resize((160, 150), Pillow.Resampling.LANCZOS).save(io.BytesIO(), "JPEG")


def rate(count: int, started: float) -> float:
    return count / (time.perf_counter() - started)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    files = photographs(count)
    started = time.perf_counter()
    for data in files:
        plain(data)
    base = rate(count, started)
    print(f"Pillow, decode and thumbnail  {base:8.0f} images/s")
    for threads in (1, 2):
        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            taken = list(pool.map(take_in, files))
        speed = rate(count, started)
        print(f"take_in, {threads} thread(s)         {speed:8.0f} images/s  {speed / base:.2f}×")
    index = Index(
        list(range(30_000)), np.random.default_rng(2).integers(-(2**63), 2**63 - 1, 30_000).tolist()
    )
    started = time.perf_counter()
    for picture in taken:
        index.near(Hashes(*picture.hashes))
    print(f"near copies among 30,000      {rate(count, started):8.0f} look-ups/s")


if __name__ == "__main__":
    main()
