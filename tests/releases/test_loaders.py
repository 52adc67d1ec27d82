"""Seven public loaders of RAF-DB, their reading re-written: each takes a release for the original.

Each function reads as the named project's data set class does, with its libraries and its string
work; what it returns is a list of (picture, 0-based label). None of it knows our code.
"""

import glob
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from annotation.releases import queries
from annotation.releases.models import Release

pytestmark = pytest.mark.django_db
LABELS = "EmoLabel/list_patition_label.txt"
Faces = list[tuple[np.ndarray, int]]


def self_cure_network(root: str, phase: str) -> Faces:
    """Columns by position, names by ``split('.')``, pictures by OpenCV with channels turned."""
    frame = pd.read_csv(os.path.join(root, LABELS), sep=" ", header=None)
    data = frame[frame[0].str.startswith("train" if phase == "train" else "test")]
    names, labels = data.iloc[:, 0].values, data.iloc[:, 1].values - 1
    paths = []
    for f in names:
        f = f.split(".")[0]
        f = f + "_aligned.jpg"
        paths.append(os.path.join(root, "Image/aligned", f))
    return [(cv2.imread(p)[:, :, ::-1], int(y)) for p, y in zip(paths, labels, strict=True)]


def erasing_attention_consistency(root: str, phase: str) -> Faces:
    """The picture and its mirror image from OpenCV."""
    frame = pd.read_csv(os.path.join(root, LABELS), sep=" ", header=None)
    data = frame[frame[0].str.startswith(phase)]
    found = []
    for name, label in zip(data.iloc[:, 0].values, data.iloc[:, 1].values - 1, strict=True):
        file = name.split(".")[0] + "_aligned.jpg"
        picture = cv2.imread(os.path.join(root, "Image/aligned", file))
        assert cv2.flip(picture, 1).shape == picture.shape
        found.append((picture[:, :, ::-1], int(label)))
    return found


def relative_uncertainty_learning(root: str, phase: str) -> Faces:
    """Everything decoded when the set is opened; sizes changed to the network's."""
    frame = pd.read_csv(os.path.join(root, LABELS), sep=" ", header=None)
    data = frame[frame[0].str.startswith(phase)]
    files = [n[: n.index(".jpg")] + "_aligned.jpg" for n in data.iloc[:, 0].values]
    pictures = [cv2.imread(os.path.join(root, "Image/aligned", f)) for f in files]
    assert all(cv2.resize(p, (224, 224)).shape == (224, 224, 3) for p in pictures)
    turned = [p[:, :, ::-1] for p in pictures]
    return list(zip(turned, (int(y) - 1 for y in data.iloc[:, 1].values), strict=True))


def dan(root: str, phase: str) -> Faces:
    """Named columns, Pillow, and the counts of all seven classes for the sampler."""
    frame = pd.read_csv(os.path.join(root, LABELS), sep=" ", header=None, names=["name", "label"])
    data = frame[frame["name"].str.startswith(phase)]
    names = data.loc[:, "name"].values
    labels = data.loc[:, "label"].values - 1
    _, counts = np.unique(labels, return_counts=True)
    assert len(counts) == 7
    found = []
    for f, label in zip(names, labels, strict=True):
        path = os.path.join(root, "Image/aligned", f.split(".")[0] + "_aligned.jpg")
        found.append((np.asarray(Pillow.open(path).convert("RGB")), int(label)))
    return found


def poster(root: str, phase: str) -> Faces:
    """The label file line by line, its two words apart."""
    found = []
    with open(os.path.join(root, LABELS)) as lines:
        for line in lines:
            name, label = line.strip().split(" ")
            if name.startswith(phase):
                path = os.path.join(root, "Image/aligned", name.replace(".jpg", "_aligned.jpg"))
                found.append((np.asarray(Pillow.open(path).convert("RGB")), int(label) - 1))
    return found


def amend_representation_module(root: str, phase: str) -> Faces:
    """The folder's files in the order of their names, labels from a dictionary."""
    with open(os.path.join(root, LABELS)) as lines:
        label_of = dict(line.split() for line in lines.read().splitlines())
    found = []
    for path in sorted(glob.glob(os.path.join(root, "Image/aligned", f"{phase}_*_aligned.jpg"))):
        name = os.path.basename(path)[: -len("_aligned.jpg")] + ".jpg"
        found.append((np.asarray(Pillow.open(path)), int(label_of[name]) - 1))
    return found


def hmtnet(root: str, phase: str) -> Faces:
    """Expression with gender, race and age of the manual file, and its points."""
    found = []
    frame = pd.read_csv(os.path.join(root, LABELS), delimiter=" ", names=["f", "e"])
    for _, row in frame[frame.f.str.contains(phase)].iterrows():
        stem = row.f.split(".")[0]
        with open(os.path.join(root, "Annotation/manual", f"{stem}_manu_attri.txt")) as file:
            lines = [line.strip() for line in file.readlines()]
        gender, race, age = (int(lines[i]) for i in (5, 6, 7))
        assert (gender in (0, 1, 2), race in (0, 1, 2), age in range(5)) == (True,) * 3
        points = np.array([[float(v) for v in line.split("\t")] for line in lines[:5]])
        assert points.shape == (5, 2)
        picture = cv2.imread(os.path.join(root, "Image/aligned", f"{stem}_aligned.jpg"))
        found.append((picture[:, :, ::-1], int(row.e) - 1))
    return found


LOADERS = [self_cure_network, erasing_attention_consistency, relative_uncertainty_learning, dan,
           poster, amend_representation_module, hmtnet]  # fmt: skip


@pytest.fixture
def basic(release: Release) -> Path:
    return queries.folder_of(release) / "basic"


def test_seven_public_loaders_read_one_and_the_same_set(release: Release, basic: Path) -> None:
    for phase in ("train", "test"):
        rows = release.images.filter(subset="basic", split=phase).order_by("name")
        told = list(rows.values_list("label", flat=True))
        first: Faces = []
        for load in LOADERS:
            faces = load(str(basic), phase)
            assert [label + 1 for _, label in faces] == told, load.__name__
            assert {picture.shape for picture, _ in faces} == {(100, 100, 3)}, load.__name__
            first = first or faces
            for (a, _), (b, _) in zip(first, faces, strict=True):
                assert np.abs(a.astype(int) - b).max() <= 3, load.__name__  # two JPEG decoders


def test_negative_control_a_list_of_another_syntax_is_noticed(basic: Path) -> None:
    """These loaders are as strict as the originals: what they accept is worth something."""
    labels = basic / LABELS
    labels.write_text(labels.read_text().replace(".jpg ", ".jpg,"))
    for load in LOADERS:
        with pytest.raises((ValueError, KeyError, IndexError, AssertionError, TypeError)):
            load(str(basic), "train")
