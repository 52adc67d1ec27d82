"""Near copies are found however they were scaled, mirrored or compressed; strangers are not."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from annotation.images.copies import Hashes, Index, are_alike, distance, hashes, small_grey

from .conftest import encoded, photograph


def grey(image: Pillow.Image, mirrored: bool = False, quality: int = 90) -> np.ndarray:
    return small_grey(io.BytesIO(encoded(image, quality=quality)), mirrored)


def test_mirrored_hash_is_the_hash_of_the_mirrored_picture() -> None:
    for seed in range(20):
        image = photograph(seed, (160, 128))
        mirror = hashes(ImageOps.mirror(image))
        assert distance(hashes(image).mirrored, mirror.plain) <= 2


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_small_and_mirrored_copies_are_alike(quality: int) -> None:
    image = photograph(1, (320, 280))
    small = image.resize((140, 122))
    assert are_alike(grey(image), grey(small, quality=quality))
    assert are_alike(grey(image), grey(ImageOps.mirror(small), mirrored=True, quality=quality))
    assert not are_alike(grey(image), grey(ImageOps.mirror(small), quality=quality))


def test_strangers_are_not_alike() -> None:
    pictures = [grey(photograph(seed)) for seed in range(30)]
    pairs = [(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
    assert not any(are_alike(a, b) for a, b in pairs)


def test_index_finds_what_is_near_however_many_there_are() -> None:
    rng = np.random.default_rng(1)
    plain = rng.integers(-(2**63), 2**63 - 1, 30_000).tolist()
    index = Index(list(range(30_000)), plain)
    index.add(30_000, 5)
    assert [f.key for f in index.near(Hashes(5 ^ 0b111, -1))] == [30_000]
    assert index.near(Hashes(5 ^ 0b1111111, 0x5A5A5A5A5A5A5A5A)) == []
    assert index.near(Hashes(0x5A5A5A5A5A5A5A5A, 5))[0].is_mirrored
