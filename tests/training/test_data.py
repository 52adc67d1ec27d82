"""A release is read as it stands, and a damaged one is refused by file and line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.training.patterns import SIDE
from training.data import read_release
from training.errors import TrainingError

LABELS = "basic/EmoLabel/list_patition_label.txt"


def test_a_release_is_read_in_the_order_of_its_file(release: Path) -> None:
    found = read_release(release, SIDE)
    assert (len(found.train), len(found.test)) == (84, 21)
    assert found.train.labels[:8].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]
    assert found.train.names[0] == "basic/train_00001.jpg"
    assert found.train.pictures.shape == (84, 3, SIDE, SIDE)
    torch.testing.assert_close(
        found.train.distributions.sum(dim=1), torch.ones(84), rtol=0, atol=1e-5
    )


def test_pictures_are_brought_to_the_side_that_is_asked_for(release: Path) -> None:
    assert read_release(release, 20).test.pictures.shape == (21, 3, 20, 20)


def test_the_digest_changes_with_a_label(make_release: Callable[..., Path]) -> None:
    folder = make_release()
    before = read_release(folder, SIDE).digest
    assert read_release(folder, SIDE).digest == before
    path = folder / LABELS
    path.write_text(path.read_text().replace("train_00001.jpg 1", "train_00001.jpg 2"))
    assert read_release(folder, SIDE).digest != before


def test_windows_line_ends_and_a_byte_order_mark_are_read(
    make_release: Callable[..., Path],
) -> None:
    path = make_release() / LABELS
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(read_release(path.parents[2], SIDE).train) == 84


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no release folder"):
        read_release(tmp_path / "nowhere", SIDE)
    with pytest.raises(TrainingError, match="is missing: is this a release folder"):
        read_release(tmp_path, SIDE)


@pytest.mark.parametrize("side", ["train", "test"])
def test_a_release_without_one_of_its_splits_is_refused(
    make_release: Callable[..., Path], side: str
) -> None:
    folder = make_release(**{f"n_{side}": 0})
    with pytest.raises(TrainingError, match=f"the release has no {side} split"):
        read_release(folder, SIDE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train_00002.jpg 8", "line 2: 'train_00002.jpg 8' is not a file name and a label 1–7"),
        ("train_00002.jpg", "line 2"),
        ("../train_00002.jpg 2", "begins with neither train nor test"),
        ("train_00001.jpg 2", "names a file twice"),
    ],
)
def test_a_bad_line_is_named(make_release: Callable[..., Path], line: str, message: str) -> None:
    path = make_release() / LABELS
    path.write_text(path.read_text().replace("train_00002.jpg 2", line))
    with pytest.raises(TrainingError, match=message):
        read_release(path.parents[2], SIDE)


def test_a_missing_and_an_unreadable_picture_are_named(make_release: Callable[..., Path]) -> None:
    folder = make_release()
    picture = folder / "basic/Image/aligned/train_00003_aligned.jpg"
    picture.write_bytes(picture.read_bytes()[:300])
    with pytest.raises(TrainingError, match=r"train_00003_aligned.jpg cannot be read"):
        read_release(folder, SIDE)
    picture.unlink()
    with pytest.raises(
        TrainingError, match=r"train_00003_aligned.jpg is named .* but is not there"
    ):
        read_release(folder, SIDE)


def test_a_bad_distribution_is_named(make_release: Callable[..., Path]) -> None:
    path = make_release() / "basic/EmoLabel/distribution.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "train_00002.jpg 1 2 nan 0 0 0 0", *lines[2:]]))
    with pytest.raises(TrainingError, match=r"distribution.txt line 2"):
        read_release(path.parents[2], SIDE)
