"""Every layout opens in the tools it is for, holds the same faces, and is built again bytewise."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from annotation.estimates.models import Estimate
from annotation.jobs.services import claim_job
from annotation.releases import build, queries
from annotation.releases.folder import lines_of
from annotation.releases.models import LayoutName, Release
from reliability import Subset
from reliability.expressions import NAMES
from tests.conftest import Cast
from tests.releases.conftest import Collection, built, freeze

pytestmark = pytest.mark.django_db
ALL = list(LayoutName.values)


@pytest.fixture
def everything(estimated: Estimate, cast: Cast, settings: Any) -> Release:
    """A release in every layout, with the votes."""
    cast.project.shares_votes = True
    cast.project.save()
    freeze(estimated, settings.ESTIMATES_ROOT)
    job = built(cast, layouts=ALL, votes=True, site="https://faces.example/")
    assert job.state == "succeeded", job.error
    return Release.objects.get()


def unpacked(release: Release, layout: str, goal: Path) -> Path:
    """One layout's archive, unpacked: the folder that it holds."""
    path = queries.archive_path(queries.folder_of(release), layout)
    with tarfile.open(path) as tar:
        tar.extractall(goal, filter="data")
    (top,) = goal.iterdir()
    return top


def places(release: Release) -> dict[str, tuple[str, str, int]]:
    """By aligned picture's digest: subset, split and label."""
    folder = queries.folder_of(release)
    return {
        queries.digest_of(release, aligned) or aligned: (row.subset, row.split, row.label)
        for row in release.images.all()
        if (aligned := f"{row.subset}/Image/aligned/{row.name[:-4]}_aligned.jpg")
        and (folder / aligned).is_file()
    }


def digest(picture: Path) -> str:
    return hashlib.sha256(picture.read_bytes()).hexdigest()


@pytest.mark.parametrize("layout", ALL)
def test_sums_name_every_file_of_the_archive(
    everything: Release, layout: str, tmp_path: Path
) -> None:
    top = unpacked(everything, layout, tmp_path / "out")
    suffix = "" if layout == "rafdb" else f"-{layout}"
    assert top.name == f"faces-1.0.0{suffix}"
    listed = dict(lines_of(top / "SHA256SUMS"))
    there = {p.relative_to(top).as_posix() for p in top.rglob("*") if p.is_file()}
    assert set(listed) == there - {"SHA256SUMS"}
    assert all(digest(top / path) == told for path, told in listed.items())
    shared = {"README.md", "CITATION.cff", "attribution.csv", "croissant.json", "votes.parquet"}
    assert shared < there
    archive = queries.archive_of(everything, layout)
    assert archive is not None
    path = queries.archive_path(queries.folder_of(everything), layout)
    assert (path.stat().st_size, digest(path)) == (archive["size"], archive["sha256"])


def test_layouts_that_were_not_chosen_are_not_built(release: Release, cast: Cast) -> None:
    assert [a["layout"] for a in release.archives] == ["rafdb"]
    address = f"/api/v1/projects/faces/releases/{release.version}/archive/?layout=parquet"
    answer = cast.client(cast.rafik).get(address)
    assert answer.status_code == 400
    assert "'parquet' is not one of rafdb" in str(answer.json())


def test_each_layout_is_downloaded_by_itself(everything: Release, cast: Cast) -> None:
    client, base = cast.client(cast.rafik), "/api/v1/projects/faces/releases/1.0.0/"
    listed = client.get(base).json()["archives"]
    assert [a["layout"] for a in listed] == ALL
    for archive in listed:
        body = b"".join(client.get(f"{base}archive/?layout={archive['layout']}"))
        assert hashlib.sha256(body).hexdigest() == archive["sha256"]
    paths = set(everything.downloads.values_list("path", flat=True))
    assert paths == {archive["name"] for archive in listed}


@pytest.mark.parametrize("layout", ALL)
def test_each_layout_is_downloaded_file_by_file(
    everything: Release, cast: Cast, layout: str, tmp_path: Path
) -> None:
    client, base = cast.client(cast.rafik), "/api/v1/projects/faces/releases/1.0.0/files/"
    top = unpacked(everything, layout, tmp_path / "out")
    listed = client.get(f"{base}?layout={layout}").json()
    there = {p.relative_to(top).as_posix() for p in top.rglob("*") if p.is_file()}
    assert {row["path"] for row in listed} | {"SHA256SUMS"} == there
    for row in (listed[0], listed[len(listed) // 2], listed[-1]):
        answer = client.get(f"{base}{row['path']}?layout={layout}")
        whole = b"".join(answer)
        assert whole == (top / row["path"]).read_bytes()
        assert answer["ETag"] == f'"{hashlib.sha256(whole).hexdigest()}"' == f'"{row["sha256"]}"'
        rest = client.get(f"{base}{row['path']}?layout={layout}", headers={"range": "bytes=5-"})
        assert (rest.status_code, b"".join(rest)) == (206, whole[5:])
    assert client.get(f"{base}no/such.jpg?layout={layout}").status_code == 404
    assert client.get(f"{base}../1.0.0.tar?layout={layout}").status_code == 404


def read_image_folder(root: Path) -> tuple[list[str], list[tuple[Path, int]]]:
    """As ``torchvision.datasets.ImageFolder`` reads: folders by name are the classes from 0."""
    classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    assert classes, f"no class folder in {root}"
    found = [
        (path, index)
        for index, name in enumerate(classes)
        for path in sorted((root / name).rglob("*"))
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ]
    return classes, found


def test_image_folder_numbers_train_and_test_alike(everything: Release, tmp_path: Path) -> None:
    top = unpacked(everything, "imagefolder", tmp_path / "out")
    told = places(everything)
    for subset in ("basic", "compound"):
        classes = [read_image_folder(top / subset / split)[0] for split in ("train", "test")]
        assert classes[0] == classes[1]
        for split in ("train", "test"):
            names, found = read_image_folder(top / subset / split)
            for path, index in found:
                assert told.pop(digest(path)) == (subset, split, int(names[index]))
    assert not told
    assert read_image_folder(top / "basic/train")[0] == ["1", "2", "3", "4", "5", "6", "7"]
    assert read_image_folder(top / "compound/test")[0] == ["01", "04"]
    assert not list((top / "compound/test/04").iterdir())  # its only image is in train


def test_hugging_face_opens_it_by_metadata(
    everything: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    top = unpacked(everything, "huggingface", tmp_path / "out")
    cache = {"cache_dir": str(tmp_path / "cache")}
    told = places(everything)
    by_folder = datasets.load_dataset("imagefolder", data_dir=str(top / "basic"), **cache)
    assert {split: rows.num_rows for split, rows in by_folder.items()} == {"train": 28, "test": 7}
    for subset in ("basic", "compound"):
        for split, rows in datasets.load_dataset(str(top), subset, **cache).items():
            for row in rows:
                assert told.pop(row["aligned_sha256"]) == (subset, split, row["label"])
                assert row["image"].size == (100, 100)
                assert row[f"votes_{NAMES[0]}"] >= 0
    assert not told


def test_hugging_face_decodes_the_pictures_inside_parquet(
    everything: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    top = unpacked(everything, "parquet", tmp_path / "out")
    opened = datasets.load_dataset(str(top), "basic", cache_dir=str(tmp_path / "cache"))
    row = opened["train"][0]
    assert (row["image"].mode, row["image"].size) == ("RGB", (100, 100))
    assert len(row["votes"]) == len(row["posterior"]) == 7


def test_pandas_reads_one_row_per_image_with_everything_known(
    everything: Release, tmp_path: Path
) -> None:
    top = unpacked(everything, "parquet", tmp_path / "out")
    table = pd.concat(pd.read_parquet(path) for path in sorted(top.glob("*/*.parquet")))
    told = places(everything)
    assert len(table) == len(told) == 41
    for row in table.itertuples():
        assert told[row.aligned_sha256] == (row.subset, row.split, row.label)
        assert hashlib.sha256(row.image["bytes"]).hexdigest() == row.aligned_sha256
        assert Pillow.open(io.BytesIO(row.image["bytes"])).size == (100, 100)
        assert (sum(row.votes), sum(row.distribution)) == (6, pytest.approx(1))
        assert list(row.box) == [10, 12.5, 54, 60]
        assert (len(row.landmarks), row.gender, row.licence) == (10, 1, "CC BY 4.0")
    first = table[table.file == "basic/train_00001.jpg"].iloc[0]  # of any class: uids are drawn
    assert first.votes[first.label - 1] == 5
    assert set(np.flatnonzero(first.votes)) == {first.label - 1, first.label % 7}
    assert set(table[table.split == "train"].fold) <= {1, 2, 3, 4, 5}
    assert table[table.split == "test"].fold.isna().all()


def test_the_same_table_stands_in_csv(everything: Release, tmp_path: Path) -> None:
    folder = queries.folder_of(everything)
    table = pd.read_csv(folder / "images.csv")
    told = places(everything)
    assert len(table) == 41
    for row in table.itertuples():
        assert told[row.aligned_sha256] == (row.subset, row.split, row.label)
    assert (table[[f"votes_{n}" for n in NAMES]].sum(axis=1) == 6).all()
    assert set(table.owner) == {"'=somebody"}  # no spreadsheet takes it for a formula
    assert {"left_eye_x", "x_min", "entropy", "easiness", "source_url"} <= set(table.columns)


@pytest.mark.parametrize("layout", ALL)
def test_mlcroissant_reads_every_layout(everything: Release, layout: str, tmp_path: Path) -> None:
    import mlcroissant

    top = unpacked(everything, layout, tmp_path / "out")
    opened = mlcroissant.Dataset(jsonld=top / "croissant.json")
    assert not opened.metadata.issues.errors
    told = places(everything)
    for records in opened.metadata.record_sets:
        for record in opened.records(records.uuid):
            row = {key.rpartition("/")[2]: value for key, value in record.items()}
            found = told.pop(row["aligned_sha256"].decode())
            assert found == (row["subset"].decode(), row["split"].decode(), row["label"])
    assert not told


def test_all_layouts_are_built_again_byte_for_byte(
    everything: Release, settings: Any, tmp_path: Path
) -> None:
    job, archives = everything.job, everything.archives
    everything.delete()
    settings.RELEASES_ROOT = tmp_path / "elsewhere"
    job.state = "queued"
    job.save()
    claim = claim_job(job.pk, "again")
    assert claim is not None
    build.build_release(claim)
    assert Release.objects.get().archives == archives


def test_a_class_without_images_makes_no_folder_and_a_tiny_set_builds_in_every_layout(
    collection: Collection, cast: Cast, tmp_path: Path
) -> None:
    collection.add(1)
    collection.estimate({0: (Subset.SINGLE_LABEL, 2)})
    assert built(cast, layouts=ALL).state == "succeeded"
    release = Release.objects.get()
    assert any("Surprise (basic) has no image" in w for w in release.warnings)
    assert any("Disgust (basic) has one image" in w for w in release.warnings)
    top = unpacked(release, "imagefolder", tmp_path / "out")
    assert [p.relative_to(top).as_posix() for p in top.rglob("*.jpg")] == [
        "basic/train/3/train_00001.jpg"
    ]
    parquet = unpacked(release, "parquet", tmp_path / "parquet")
    table = pd.read_parquet(parquet / "basic/train.parquet")
    assert table.votes[0] is None  # this estimate froze no votes


def test_datasheet_tells_what_is_in_it(everything: Release, tmp_path: Path) -> None:
    text = (queries.folder_of(everything) / "README.md").read_text(encoding="utf-8")
    for words in (
        "41 face photographs",
        "| 4 | Happiness | 4 | 1 | 14.3% |",
        "Cronbach's α of the whole crowd: 0.966",
        "6 annotators, of whom 0 were set aside",
        "Reliability of those kept: median 0.62",
        "CC BY 4.0: 41",
        "female 41 (100%)",
        "fearfully disgusted: too rare: 1",
        "taken down\nat <https://faces.example/take-down/>",
        "Groups of fewer than 5 people are not broken down",
    ):
        assert words in text, words
    card = unpacked(everything, "huggingface", tmp_path / "out") / "README.md"
    assert card.read_text(encoding="utf-8").startswith("---\npretty_name:")


def test_manifest_names_its_layouts_and_says_whether_votes_are_in(everything: Release) -> None:
    manifest = json.loads((queries.folder_of(everything) / "manifest.json").read_text())
    assert (manifest["layouts"], manifest["has_votes"]) == (ALL, True)
