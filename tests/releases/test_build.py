"""What is built: RAF-DB's official tree, whole or not at all, and the same bytes every time."""

import csv
import errno
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.jobs.services import cancel_job, claim_job
from annotation.releases import archive, build, content, queries
from annotation.releases.folder import lines_of
from annotation.releases.models import Release, ReleasedImage
from annotation.releases.services import request_release
from annotation.releases.split import TEST
from reliability import Subset
from tests.conftest import Cast
from tests.releases.conftest import Collection, built

pytestmark = pytest.mark.django_db


def read_rafdb(subset: Path) -> list[dict[str, Any]]:
    """RAF-DB's tree as its public loaders read it: by the label file, one face a line."""
    text = (subset / "EmoLabel/list_patition_label.txt").read_bytes()
    assert text.endswith(b"\n")
    assert b"\r" not in text
    faces = []
    for line in text.decode("ascii").splitlines():
        name, label = line.split(" ")
        stem = name.split(".")[0]
        aligned = Pillow.open(subset / f"Image/aligned/{stem}_aligned.jpg")
        manual = (subset / f"Annotation/manual/{stem}_manu_attri.txt").read_text().splitlines()
        box = (subset / f"Annotation/boundingbox/{stem}_boundingbox.txt").read_text()
        faces.append(
            {
                "name": name,
                "label": int(label),
                "aligned": (aligned.format, aligned.mode, aligned.size),
                "original": (subset / f"Image/original/{name}").read_bytes(),
                "points": [tuple(map(float, row.split("\t"))) for row in manual[:5]],
                "attributes": [int(row) for row in manual[5:]],
                "box": [float(v) for v in box.split()],
            }
        )
    return faces


def test_official_tree_reads_as_public_loaders_read_it(release: Release) -> None:
    faces = read_rafdb(queries.folder_of(release) / "basic")
    assert len(faces) == 35
    names = [f["name"] for f in faces]
    assert names[:2] == ["train_00001.jpg", "train_00002.jpg"]
    assert names[-7:] == [f"test_{i:04d}.jpg" for i in range(1, 8)]
    first = faces[0]
    assert first["aligned"] == ("JPEG", "RGB", (100, 100))
    assert first["points"][0] == (20.0, 25.5)
    assert first["attributes"] == [1, 2, 3]
    assert first["box"] == [10.0, 12.5, 54.0, 60.0]
    compound = read_rafdb(queries.folder_of(release) / "compound")
    assert sorted(f["label"] for f in compound) == [1, 1, 1, 1, 1, 4]


def test_stored_jpeg_is_copied_byte_for_byte_and_another_format_is_encoded_once(
    collection: Collection, cast: Cast
) -> None:
    jpeg, png = *collection.add(1), *collection.add(1, "png")
    collection.estimate({0: (Subset.SINGLE_LABEL, 3), 1: (Subset.SINGLE_LABEL, 3)})
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    folder = queries.folder_of(release) / "basic/Image/original"
    placed = {row.image_id: row.name for row in release.images.all()}
    stored = content.stored_picture(jpeg)
    assert (folder / placed[jpeg.pk]).read_bytes() == stored
    assert (folder / placed[png.pk]).read_bytes().startswith(b"\xff\xd8\xff")
    manifest = json.loads((queries.folder_of(release) / "manifest.json").read_text())
    assert manifest["pictures"]["encoded_as_jpeg"] == 1


def test_places_labels_and_distributions_follow_the_estimate(release: Release) -> None:
    folder = queries.folder_of(release)
    for row in release.images.select_related("image"):
        item = row.image.estimates.get(estimate=release.estimate)
        expected = item.consensus if row.subset == "basic" else item.compound
        assert row.label == expected + 1
        lines = (folder / row.subset / "EmoLabel/distribution.txt").read_text().splitlines()
        line = next(x for x in lines if x.startswith(row.name))
        assert [float(v) for v in line.split(" ")[1:]] == pytest.approx(item.distribution)


def test_counts_and_what_was_left_out_are_told(release: Release) -> None:
    assert release.counts["basic"]["test"]["Happiness"] == 1
    assert sum(release.counts["basic"]["train"].values()) == 28
    assert release.left_out == {"fearfully disgusted: too rare": 1, "none": 1, "with neutral": 1}
    assert any("Sadly Angry" in w and "one image" in w for w in release.warnings)


def test_twelfth_compound_is_there_when_it_is_asked_for(estimated: Estimate, cast: Cast) -> None:
    assert built(cast, twelfth=True).state == "succeeded"
    release = Release.objects.get()
    assert 12 in {row.label for row in release.images.filter(subset="compound")}
    assert release.counts["compound"]["train"]["Fearfully Disgusted"] == 1


def test_manifest_and_sums_name_every_file_with_its_digest(release: Release) -> None:
    folder = queries.folder_of(release)
    manifest = json.loads((folder / "manifest.json").read_text())
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == there - {"manifest.json", "SHA256SUMS"}
    for path, digest in lines_of(folder / "SHA256SUMS"):
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
        assert queries.digest_of(release, path) == digest
    assert {p for p, _ in lines_of(folder / "SHA256SUMS")} == there - {"SHA256SUMS"}
    assert release.manifest_digest == queries.digest_of(release, "manifest.json")
    for absent in ("", "basic", "basic/Image", "zzz", "../secret", "manifest.json/"):
        assert queries.digest_of(release, absent) is None


def test_archive_holds_the_folder_and_has_the_recorded_digest(release: Release) -> None:
    folder = queries.folder_of(release)
    packed = build.archive_path(folder, "rafdb").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == release.archive_digest
    assert len(packed) == release.archive_size
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        names = tar.getnames()
        sums = tar.extractfile("faces-1.0.0/SHA256SUMS")
        assert sums is not None
        assert sums.read() == (folder / "SHA256SUMS").read_bytes()
    assert len(names) == len(list(lines_of(folder / "SHA256SUMS"))) + 1


def test_building_again_gives_the_same_bytes(
    release: Release, settings: Any, tmp_path: Path
) -> None:
    job, digest = release.job, release.archive_digest
    release.delete()
    settings.RELEASES_ROOT = tmp_path / "elsewhere"
    job.state = "queued"
    job.save()
    claim = claim_job(job.pk, "again")
    assert claim is not None
    build.build_release(claim)
    assert Release.objects.get().archive_digest == digest


def test_another_seed_gives_another_release(release: Release, cast: Cast) -> None:
    assert built(cast, seed=5).state == "succeeded"
    sides = [
        set(r.images.filter(split=TEST).values_list("image_id", flat=True))
        for r in Release.objects.all()
    ]
    assert sides[0] != sides[1]


def test_image_keeps_its_side_in_the_next_version(
    release: Release, collection: Collection, cast: Cast
) -> None:
    collection.add(30)
    places = {i: (Subset.SINGLE_LABEL, (i + 1) % 7) for i in range(35)}
    places |= dict.fromkeys(range(44, 74), (Subset.SINGLE_LABEL, 3))
    collection.estimate(places)
    assert built(cast).state == "succeeded"
    newer = Release.objects.first()
    assert newer is not None
    assert (newer.version, newer.parent) == ("1.1.0", release)
    before = dict(release.images.filter(subset="basic").values_list("image_id", "split"))
    after = dict(newer.images.values_list("image_id", "split"))
    assert {i: after[i] for i in before} == before


def test_near_copies_stand_on_one_side_of_one_subset(collection: Collection, cast: Cast) -> None:
    first = collection.add(40)
    for a, b in zip(first[:20], first[20:], strict=True):
        Image.objects.filter(pk=b.pk).update(near_copy_of=a)
    places = {i: (Subset.SINGLE_LABEL, i % 2) for i in range(39)} | {39: (Subset.TWO_TAB, 2)}
    collection.estimate(places)
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    sides = dict(release.images.values_list("image_id", "split"))
    assert all(sides[a.pk] == sides[b.pk] for a, b in zip(first[:19], first[20:39], strict=True))
    assert first[39].pk not in sides
    assert release.left_out == {"near copy of an image in the other subset": 1}
    assert set(sides.values()) == {"train", "test"}


def test_pictures_of_one_known_person_stand_on_one_side(collection: Collection, cast: Cast) -> None:
    for person in range(12):
        collection.add(5, provenance={"subject": f"p{person}"})
    collection.estimate({i: (Subset.SINGLE_LABEL, i % 5) for i in range(60)})
    assert built(cast).state == "succeeded"
    rows = ReleasedImage.objects.values_list("image__provenance__subject", "split")
    sides: dict[str, set[str]] = {}
    for subject, split in rows:
        sides.setdefault(subject, set()).add(split)
    assert len(sides) == 12
    assert all(len(s) == 1 for s in sides.values())
    assert {"test"} in sides.values()


def test_excluded_images_stay_outside_and_are_counted(
    estimated: Estimate, collection: Collection, cast: Cast
) -> None:
    Image.objects.filter(pk=collection.images[0].pk).update(state="excluded")
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    assert release.left_out["excluded"] == 1
    assert not release.images.filter(image=collection.images[0]).exists()


def test_unicode_names_and_formulas_are_harmless(collection: Collection, cast: Cast) -> None:
    cast.project.name = 'Gesichter "größer" 表情\nzwei'
    cast.project.save()
    collection.add(2, file_name="../../顔.jpg")
    collection.estimate(dict.fromkeys(range(2), (Subset.SINGLE_LABEL, 0)))
    assert built(cast, changelog="Erste Fassung – 初").state == "succeeded"
    folder = queries.folder_of(Release.objects.get())
    rows = list(csv.DictReader((folder / "attribution.csv").open(encoding="utf-8")))
    assert [row["owner"] for row in rows] == ["'=somebody"] * 2
    assert "表情" in (folder / "README.md").read_text(encoding="utf-8")


def test_empty_single_label_subset_is_refused(collection: Collection, cast: Cast) -> None:
    collection.add(2)
    collection.estimate(dict.fromkeys(range(2), (Subset.TWO_TAB, 1)))
    job = built(cast)
    assert job.state == "failed"
    assert "single-label subset of estimate 1 is empty" in job.error


def test_estimate_that_lost_its_images_is_refused(
    estimated: Estimate, collection: Collection, cast: Cast
) -> None:
    Image.objects.update(state="taken_down")
    job = built(cast)
    assert (job.state, "leaves no image" in job.error) == ("failed", True)


def test_lost_picture_is_named_and_nothing_is_left(
    estimated: Estimate, collection: Collection, cast: Cast, settings: Any
) -> None:
    content.default_storage.delete(collection.images[3].stored_as())
    job = built(cast)
    assert str(collection.images[3].uid) in job.error
    assert not Release.objects.exists()
    assert list((settings.RELEASES_ROOT / "faces").iterdir()) == []


def test_full_disk_fails_with_its_message_and_leaves_nothing(
    estimated: Estimate, cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(build, "write_archive", full)
    job = built(cast)
    assert job.state == "failed"
    assert job.error.startswith("The disk is full.")
    assert not Release.objects.exists()
    assert list((settings.RELEASES_ROOT / "faces").iterdir()) == []


def test_cancelled_build_ends_soon_and_leaves_nothing(
    estimated: Estimate, cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.jobs.services.REPORT_INTERVAL_S", 0)
    writing = content.write_faces

    def meanwhile(*args: Any) -> Any:
        for written in writing(*args):
            cancel_job(Job.objects.get(kind="release"))
            yield written

    monkeypatch.setattr(content, "write_faces", meanwhile)
    job = built(cast)
    assert job.state == "cancelled"
    assert not Release.objects.exists()
    assert list((settings.RELEASES_ROOT / "faces").iterdir()) == []


def test_image_taken_out_while_building_stops_the_release(
    estimated: Estimate, collection: Collection, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealing = build.write_archive

    def meanwhile(*args: Any) -> Any:
        Image.objects.filter(pk=collection.images[0].pk).update(state="excluded")
        return sealing(*args)

    monkeypatch.setattr(build, "write_archive", meanwhile)
    job = built(cast)
    assert "taken out while" in job.error
    assert not Release.objects.exists()


def test_remains_of_an_attempt_that_died_before_its_commit_are_replaced(
    estimated: Estimate, cast: Cast, settings: Any
) -> None:
    home = settings.RELEASES_ROOT / "faces"
    (home / "1.0.0").mkdir(parents=True)
    (home / "1.0.0" / "half").write_text("half")
    (home / ".1.0.0.7-1" / "folder").mkdir(parents=True)
    assert built(cast).state == "succeeded"
    assert not (home / "1.0.0" / "half").exists()
    assert sorted(p.name for p in home.iterdir()) == ["1.0.0", "1.0.0.tar"]


def test_release_without_an_estimate_and_bad_versions_are_refused(
    collection: Collection, cast: Cast
) -> None:
    with pytest.raises(Exception, match="no estimate yet"):
        request_release(cast.project, cast.carla)
    collection.add(2)
    collection.estimate(dict.fromkeys(range(2), (Subset.SINGLE_LABEL, 0)))
    for version in ("1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0\n", "../1.0.0"):
        with pytest.raises(Exception, match="three numbers"):
            request_release(cast.project, cast.carla, version=version)
    assert built(cast, version="2.0.0").state == "succeeded"
    with pytest.raises(Exception, match=r"above 2\.0\.0"):
        request_release(cast.project, cast.carla, version="1.9.9")
    with pytest.raises(Exception, match="seed"):
        request_release(cast.project, cast.carla, seed=-1)
    with pytest.raises(Exception, match="known are"):
        request_release(cast.project, cast.carla, layouts=["word"])


@pytest.mark.parametrize(
    ("name", "size"), [("a/b.txt", 5), ("a/empty/", 0), ("a" * 120, 7), ("ä.txt", 1), ("b", 8**12)]
)
def test_header_in_an_archive_is_the_one_that_tarfile_writes(name: str, size: int) -> None:
    expected = tarfile.TarInfo(name)
    expected.size, expected.mtime, expected.mode = size, archive.EPOCH, 0o644
    if name.endswith("/"):
        expected.type, expected.mode = tarfile.DIRTYPE, 0o755
    assert archive._header(name, size) == expected.tobuf(tarfile.PAX_FORMAT)


def test_file_that_became_shorter_stops_the_archive(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"abc")
    member = archive.Member("short", tmp_path / "short", 9)
    with pytest.raises(OSError, match="became shorter"):
        archive.write_archive(tmp_path / "a.tar", [member], "top")


def test_action_units_go_out_in_rafaus_syntax_and_proposals_align_but_are_no_annotation(
    collection: Collection, cast: Cast
) -> None:
    collection.add(1, action_units=["1C", "2", "L12D"])
    collection.add(1, action_units=[])
    collection.add(1)
    proposed = collection.images[0].landmarks
    collection.add(1, landmarks=None, proposed_landmarks=proposed)
    collection.estimate(dict.fromkeys(range(4), (Subset.SINGLE_LABEL, 3)))
    job = built(cast)
    assert job.state == "succeeded", job.error
    release = Release.objects.get()
    folder = queries.folder_of(release)
    coded = (folder / "basic/EmoLabel/RAFAU_label.txt").read_text().splitlines()
    names = {r.image.pk: r.name for r in release.images.select_related("image")}
    first, second, _, last = (names[image.pk] for image in collection.images)
    assert sorted(coded) == sorted([f"{first} 1+2+L12", f"{second} null"])
    stem = last.removesuffix(".jpg")
    assert not (folder / f"basic/Annotation/manual/{stem}_manu_attri.txt").exists()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["pictures"]["aligned_by"] == {"landmarks": 3, "proposed landmarks": 1}
