"""Sets that come with labels: recognised, imported with one report, and given back bytewise."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from annotation.estimates.models import Estimate
from annotation.images.models import GivenLabel, Image, Import
from annotation.images.services import request_import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.releases import queries
from annotation.releases.models import Release
from reliability import Subset
from tests.conftest import Cast
from tests.images import sets
from tests.releases.conftest import built

pytestmark = pytest.mark.django_db
BASIC = {f"train_{i:05d}.jpg": 1 + i % 7 for i in range(3, 24)} | {
    f"test_{i:04d}.jpg": 1 + i % 7 for i in range(1, 8)
}
COMPOUND = {"train_00001.jpg": 1, "train_00002.jpg": 11, "test_0001.jpg": 4}


@pytest.fixture(autouse=True)
def roots(settings: Any, tmp_path: Path) -> None:
    settings.RELEASES_ROOT = tmp_path / "releases"
    settings.ESTIMATES_ROOT = tmp_path / "estimates"


def taken(cast: Cast, path: Path) -> Import:
    """The record of an import of this path, and of the estimate that follows from it."""
    job, _ = request_import(cast.project, path, cast.carla)
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    for waiting in Job.objects.filter(kind="estimate", state="queued"):
        perform(waiting.pk, "test")
    return Import.objects.get(job=job)


def refused(cast: Cast, path: Path) -> str:
    job, _ = request_import(cast.project, path, cast.carla)
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "failed"
    return job.error


def files_of(root: Path, *kinds: str) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for kind in kinds
        for path in sorted(root.glob(f"*/{kind}"))
    }


KEPT = (
    "EmoLabel/list_patition_label.txt",
    "Annotation/manual/*",
    "Annotation/auto/*",
    "Annotation/boundingbox/*",
)


@pytest.mark.parametrize("as_zip", [False, True])
def test_rafdb_goes_out_as_it_came_in_byte_for_byte(
    cast: Cast, tmp_path: Path, as_zip: bool
) -> None:
    tree = sets.rafdb(tmp_path / "RAF-DB", {"basic": BASIC, "compound": COMPOUND})
    record = taken(cast, sets.zipped(tree) if as_zip else tree)
    assert (record.n_imported, record.n_refused) == (31, 0)
    assert built(cast).state == "succeeded"
    released = queries.folder_of(Release.objects.get())
    came = files_of(tree, *KEPT)
    assert len(came) == 2 + 3 * 31
    assert files_of(released, *KEPT) == came
    originals = files_of(released, "Image/original/*")
    assert originals == files_of(tree, "Image/original/*")


def test_geometry_and_attributes_are_read_not_only_kept(cast: Cast, tmp_path: Path) -> None:
    taken(cast, sets.rafdb(tmp_path / "set", {"basic": BASIC}))
    image = Image.objects.get(file_name="basic/Image/original/train_00004.jpg")
    assert image.landmarks == [[x + 0.001, y] for x, y in sets.POINTS]
    assert image.auto_landmarks is not None
    assert len(image.auto_landmarks) == 37
    assert (image.box, image.gender, image.age) == ([10.5, 12.25, 54, 60], 1, 1)


def test_what_a_coder_corrects_replaces_the_words_that_came(cast: Cast, tmp_path: Path) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": BASIC})
    taken(cast, tree)
    image = Image.objects.get(file_name="basic/Image/original/train_00004.jpg")
    image.gender, image.box = 2, [1, 2, 30, 40]
    image.save()
    assert built(cast).state == "succeeded"
    folder = queries.folder_of(Release.objects.get()) / "basic/Annotation"
    manual = (folder / "manual/train_00004_manu_attri.txt").read_text().splitlines()
    assert manual[5] == "2"
    box = folder / "boundingbox/train_00004_boundingbox.txt"
    assert box.read_text() == "1.000 2.000 30.000 40.000\n"
    auto = "basic/Annotation/auto/train_00004_auto_attri.txt"
    assert (folder / "auto/train_00004_auto_attri.txt").read_bytes() == (tree / auto).read_bytes()


def test_labels_come_as_an_estimate_of_their_own_and_touch_no_vote(
    cast: Cast, tmp_path: Path
) -> None:
    record = taken(cast, sets.rafdb(tmp_path / "set", {"basic": BASIC, "compound": COMPOUND}))
    estimate = Estimate.objects.get()
    assert (estimate.method, estimate.n_annotators, estimate.n_votes) == ("given", 0, 0)
    item = estimate.items.get(image__file_name="compound/Image/original/train_00001.jpg")
    assert (item.subset, item.compound) == (Subset.TWO_TAB, 0)
    assert item.distribution == [0.5, 0, 0, 0.5, 0, 0, 0]
    report = {r["file"]: r["why"] for r in record.report}
    told = report["basic/EmoLabel/list_patition_label.txt"]
    assert told == "read as RAF-DB's basic subset: 28 labelled pictures"


def test_pages_show_given_labels(cast: Cast, tmp_path: Path) -> None:
    record = taken(cast, sets.rafdb(tmp_path / "set", {"basic": BASIC}))
    assert built(cast).state == "succeeded"
    client, image = cast.client(cast.carla), Image.objects.first()
    assert image is not None
    for address in ("", "estimates/", "estimates/1/", "releases/", "releases/1.0.0/", "people/",
                    f"imports/{record.pk}/", f"images/{image.uid}/"):  # fmt: skip
        assert client.get(f"/p/faces/{address}").status_code == 200, address
    told = client.get("/api/v1/projects/faces/estimates/1/")
    assert told.status_code == 200


def test_distribution_that_came_is_kept(cast: Cast, tmp_path: Path) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": BASIC})
    (tree / "basic/EmoLabel/distribution.txt").write_text(
        "train_00003.jpg 0.1 0.1 0.1 0.4 0.1 0.1 0.1\ntrain_00004.jpg 1 2 nonsense\n"
    )
    record = taken(cast, tree)
    given = GivenLabel.objects.get(name="train_00003.jpg")
    assert given.distribution == pytest.approx([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1])
    assert any("line 2 is not seven probabilities" in r["why"] for r in record.report)
    item = Estimate.objects.get().items.get(image=given.image_id)
    assert (item.consensus, item.confidence) == (BASIC["train_00003.jpg"] - 1, pytest.approx(0.4))


def test_only_aligned_pictures_come_in_without_the_originals_geometry(
    cast: Cast, tmp_path: Path
) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": BASIC})
    for path in (tree / "basic/Image/original").iterdir():
        path.unlink()
    record = taken(cast, tree)
    assert record.n_imported == 28
    assert not Image.objects.exclude(landmarks=None, box=None).exists()


def test_missing_and_unnamed_pictures_are_reported(cast: Cast, tmp_path: Path) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": BASIC})
    (tree / "basic/Image/original/train_00003.jpg").rename(tree / "basic/Image/original/extra.jpg")
    (tree / "basic/Image/aligned/train_00003_aligned.jpg").unlink()
    (tree / "basic/Annotation/manual/train_00004_manu_attri.txt").write_text("1 2\n")
    report = {r["file"]: r["why"] for r in taken(cast, tree).report}
    assert report["train_00003.jpg"] == "the label file names it, but it is not there"
    assert report["basic/Image/original/extra.jpg"] == "the label file does not name it"
    assert "not taken" in report["basic/Annotation/manual/train_00004_manu_attri.txt"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("train_00001.jpg 9\n", "is not a file name and a label 1–7"),
        ("train_00001.jpg\n", "is not a file name and a label 1–7"),
        ("../../etc.jpg 3\n", "begins with neither train nor test"),
        ("train_1.jpg 3\ntrain_1.jpg 4\n", "stands there twice"),
    ],
)
def test_bad_label_file_refuses_the_set_with_its_line(
    cast: Cast, tmp_path: Path, lines: str, why: str
) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": {"train_00001.jpg": 1}})
    (tree / "basic/EmoLabel/list_patition_label.txt").write_text(lines)
    assert why in refused(cast, tree)
    assert not Image.objects.exists()


def test_exact_copy_in_a_set_is_refused_and_the_rest_keeps_its_names(
    cast: Cast, tmp_path: Path
) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": BASIC})
    copy = tree / "basic/Image/original/train_00005.jpg"
    copy.write_bytes((tree / "basic/Image/original/train_00003.jpg").read_bytes())
    assert taken(cast, tree).n_refused == 1
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    expected = [f"{n} {label}\n" for n, label in BASIC.items() if n != "train_00005.jpg"]
    lines = (queries.folder_of(release) / "basic" / KEPT[0]).read_text()
    assert lines == "".join(expected)


def test_near_copies_of_a_set_stay_where_they_came_with_a_warning(
    cast: Cast, tmp_path: Path
) -> None:
    taken(cast, sets.rafdb(tmp_path / "set", {"basic": BASIC}))
    train, test = (Image.objects.get(file_name=f"basic/Image/original/{n}")
                   for n in ("train_00003.jpg", "test_0001.jpg"))  # fmt: skip
    Image.objects.filter(pk=test.pk).update(near_copy_of=train)
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    assert release.images.count() == 28
    assert any("1 groups of near copies" in w for w in release.warnings)


def test_image_folder_by_words_takes_labels_and_splits(cast: Cast, tmp_path: Path) -> None:
    root = sets.image_folder(
        tmp_path / "set",
        {"train/Happy": 6, "train/sad": 5, "val/sad": 1, "test/Happy": 2,
         "test/happily_surprised": 1},
    )  # fmt: skip
    record = taken(cast, root)
    assert any("validation folder joins train" in r["why"] for r in record.report)
    rows = Counter(GivenLabel.objects.values_list("subset", "label", "split"))
    assert rows == {("basic", 3, "train"): 6, ("basic", 4, "train"): 6, ("basic", 3, "test"): 2,
                    ("compound", 0, "test"): 1}  # fmt: skip
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    sides = set(release.images.values_list("image__given__split", "split"))
    assert sides == {("train", "train"), ("test", "test")}


def test_image_folder_without_splits_is_split_by_us(cast: Cast, tmp_path: Path) -> None:
    taken(cast, sets.image_folder(tmp_path / "set", {"anger": 10, "fear": 5}))
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    assert release.images.filter(split="test").count() == 3


@pytest.mark.parametrize(
    "classes",
    [{"1": 1, "2": 1}, {"anger": 1, "holidays": 1}, {"train/0": 1, "train/1": 1}, {".": 2}],
)
def test_photographs_sorted_into_folders_are_no_labels(
    cast: Cast, tmp_path: Path, classes: dict[str, int]
) -> None:
    record = taken(cast, sets.image_folder(tmp_path / "set", classes))
    assert record.n_imported == sum(classes.values())
    assert not GivenLabel.objects.exists()
    assert not Estimate.objects.exists()


VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def test_table_of_pixels_with_votes_comes_in_as_counts(cast: Cast, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rows = [
        f"Training,fer0000000.png,0,9,1,0,0,0,0,0,0,0,{sets.pixels(0)}",
        f"PrivateTest,fer0000001.png,0,5,5,0,0,0,0,0,0,0,{sets.pixels(1)}",
        f"Training,fer0000002.png,0,1,0,0,0,0,0,8,1,0,{sets.pixels(2)}",
        f"Training,fer0000003.png,0,x,0,0,0,0,0,8,1,0,{sets.pixels(3)}",
        "Training,fer0000004.png,9,1,0,0,0,0,0,0,0,0,1 2 3",
    ]
    header = f"Usage,Image name,{VOTES},pixels"
    (folder / "fer.csv").write_text("\n".join([header, *rows]), encoding="utf-8-sig")
    record = taken(cast, folder)
    report = {r["file"]: r["why"] for r in record.report}
    assert (record.n_imported, record.n_refused) == (4, 1)
    assert "most people chose contempt" in report["fer0000002.png"]
    assert "happiness: 'x' is not a number of votes" in report["fer0000003.png"]
    assert "not a square" in report["fer0000004.png"]
    estimate = Estimate.objects.get()
    assert (estimate.n_items, estimate.n_votes) == (2, 20)
    assert built(cast, layouts=["parquet"]).state == "succeeded"
    release = Release.objects.get()
    places = {r.image.file_name: (r.subset, r.split, r.label) for r in release.images.all()}
    assert places == {"fer0000000.png": ("basic", "train", 4),
                      "fer0000001.png": ("compound", "test", 1)}  # fmt: skip
    table = (queries.folder_of(release) / "images.csv").read_text(encoding="utf-8").splitlines()
    first = dict(zip(table[0].split(","), table[1].split(","), strict=True))
    assert (first["votes_happiness"], first["votes_surprise"]) == ("9", "1")
    assert (first["n_votes"], first["easiness"]) == ("10", "")


def test_fer2013_and_the_votes_of_ferplus_in_two_tables_are_joined(
    cast: Cast, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    pictures = [f"{e},{sets.pixels(i)},Training" for i, e in enumerate((3, 4, 0))]
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *pictures]))
    votes = ["Training,fer0000000.png,10,0,0,0,0,0,0,0,0,0", "Training,,0,0,0,0,0,0,0,0,0,10",
             "PrivateTest,fer0000002.png,0,0,0,0,10,0,0,0,0,0"]  # fmt: skip
    (folder / "fer2013new.csv").write_text("\n".join([f"Usage,Image name,{VOTES}", *votes]))
    record = taken(cast, sets.zipped(folder))
    assert {r["file"]: r["why"] for r in record.report}["fer0000001.png"] == (
        "the table of votes leaves it out"
    )
    found = dict(GivenLabel.objects.values_list("image__file_name", "counts"))
    assert found == {"fer0000000.png": [0, 0, 0, 0, 0, 0, 10],
                     "fer0000002.png": [0, 0, 0, 0, 0, 10, 0]}  # fmt: skip


def test_fer2013_alone_gives_its_labels(cast: Cast, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    rows = [f"{e},{sets.pixels(e)},Training" for e in range(7)]
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    taken(cast, folder)
    labels = GivenLabel.objects.order_by("image_id").values_list("label", flat=True)
    assert list(labels) == [5, 2, 1, 3, 4, 0, 6]


def test_cancelled_import_of_a_set_goes_on_where_it_stopped(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = sets.rafdb(tmp_path / "set", {"basic": BASIC})
    from annotation.images import importing

    monkeypatch.setattr(importing, "BATCH", 5)
    storing, stored = importing.store, 0

    def dies(*args: Any) -> None:
        nonlocal stored
        stored += 1
        if stored == 13:
            raise OSError(28, "No space left on device")
        storing(*args)

    monkeypatch.setattr(importing, "store", dies)
    assert "disk is full" in refused(cast, tree)
    assert GivenLabel.objects.count() == Image.objects.count() == 10
    assert not Estimate.objects.exists()
    assert taken(cast, tree).n_refused == 10  # asked for anew: those are exact copies now
    assert built(cast).state == "succeeded"
    lines = (queries.folder_of(Release.objects.get()) / "basic" / KEPT[0]).read_bytes()
    assert lines == (tree / "basic" / KEPT[0]).read_bytes()
