"""An import takes the good, names the bad, and can die at any moment."""

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from PIL import Image as Pillow
from PIL import ImageOps

from annotation.images import importing, services
from annotation.images.models import Image, Import, Size
from annotation.jobs.services import perform
from annotation.labelling.models import Coverage
from tests.conftest import Cast

from .conftest import encoded, photograph, run_import

pytestmark = pytest.mark.django_db


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def reasons(record: Import) -> dict[str, str]:
    return {r["file"]: r["why"] for r in record.report if r["what"] == "refused"}


def test_good_photographs_become_images_that_can_be_drawn(cast: Cast, photos: Path) -> None:
    for i in range(3):
        (photos / f"{i}.jpg").write_bytes(encoded(photograph(i)))
    job, record = run_import(cast, photos)
    assert (job.state, job.result["imported"]) == ("succeeded", 3), job.error
    assert record is not None
    assert Coverage.objects.filter(project=cast.project, is_open=True).count() == 3
    for image in record.images.all():
        for size in Size:
            with default_storage.open(image.stored_as(size)) as file:
                Pillow.open(file).verify()


def test_bad_files_are_named_and_the_good_one_beside_them_is_taken(
    cast: Cast, photos: Path
) -> None:
    good = encoded(photograph(1))
    still = photograph(2)
    bad = {
        "text.jpg": b"just text",
        "empty.jpg": b"",
        "cut.jpg": good[: len(good) // 2],
        "cut.png": encoded(photograph(3), "PNG")[:-300],
        "moves.png": encoded(
            still, "PNG", save_all=True, append_images=[photograph(4), photograph(5)]
        ),
        "tiny.png": encoded(still.resize((20, 20)), "PNG"),
        "thin.png": encoded(still.resize((1000, 40)), "PNG"),
        "huge.png": encoded(Pillow.new("1", (12_000, 12_000)), "PNG"),
        "drawing.gif": encoded(still, "GIF"),
        "copy.jpg": good,
        "copy.png": encoded(Pillow.open(io.BytesIO(good)), "PNG"),
    }
    for name, data in {"a good one.jpg": good, **bad}.items():
        (photos / name).write_bytes(data)
    os.symlink("/etc/passwd", photos / "link.jpg")
    os.mkfifo(photos / "pipe.jpg")
    _, record = run_import(cast, photos)
    assert record is not None
    assert [i.file_name for i in record.images.all()] == ["a good one.jpg"]
    why = reasons(record)
    assert why.keys() == {*bad, "link.jpg", "pipe.jpg"}
    for name, part in {
        "text.jpg": "not a JPEG, PNG or WebP",
        "empty.jpg": "empty",
        "cut.jpg": "ends too early",
        "cut.png": "truncated",
        "moves.png": "animated",
        "tiny.png": "shorter than 32",
        "thin.png": "20 times",
        "huge.png": "40 million",
        "copy.jpg": "exact copy of a good one.jpg",
        "copy.png": "exact copy of a good one.jpg",
        "link.jpg": "link",
        "pipe.jpg": "device or pipe",
    }.items():
        assert part in why[name], (name, why[name])


@pytest.mark.parametrize("what", ["folder", "zip", "rubbish"])
def test_nothing_to_import_is_a_clear_error(cast: Cast, tmp_path: Path, what: str) -> None:
    path = tmp_path / "empty"
    if what == "folder":
        path.mkdir()
    elif what == "zip":
        zipped(path)
    else:
        path.write_bytes(b"PK\x03\x04 and no more")
    job, record = run_import(cast, path)
    assert (job.state, record) == ("failed", None)
    assert ("no files" if what != "rubbish" else "not a readable zip") in job.error


def test_hostile_entries_are_refused_beside_good_ones(cast: Cast, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    path = zipped(
        tmp_path / "a.zip",
        ("../escape.jpg", encoded(photograph(1))),
        ("/etc/absolute.jpg", encoded(photograph(2))),
        ("C:\\windows.jpg", encoded(photograph(3))),
        (link, b"/etc/passwd"),
        ("good.jpg", encoded(photograph(4))),
        ("__MACOSX/._good.jpg", b"fork"),
    )
    data = bytearray(path.read_bytes())
    path.write_bytes(data)
    _, record = run_import(cast, path)
    assert record is not None
    assert [i.file_name for i in record.images.all()] == ["good.jpg"]
    assert sum("outside" in why for why in reasons(record).values()) == 3
    assert "link" in reasons(record)["link.jpg"]


def test_encrypted_entry_is_refused(cast: Cast, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.jpg", encoded(photograph(1))))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    _, record = run_import(cast, path)
    assert record is not None
    assert reasons(record) == {"a.jpg": "encrypted"}


def test_overlapping_entries_refuse_the_archive(cast: Cast, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{i}.jpg", encoded(photograph(i))) for i in range(3)))
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 10)  # starts inside the first
    path.write_bytes(data)
    job, _ = run_import(cast, path)
    assert job.state == "failed"
    assert "overlap" in job.error


def test_bomb_is_refused_before_it_is_read(cast: Cast, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{i}.jpg", b"\0" * 30_000_000) for i in range(4)))
    job, _ = run_import(cast, path)
    assert job.state == "failed"
    assert "bomb" in job.error


def test_entry_that_lies_about_its_size_is_refused(cast: Cast, tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.zip", ("a.jpg", encoded(photograph(1))), ("b.jpg", encoded(photograph(2)))
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 100)
    path.write_bytes(data)
    _, record = run_import(cast, path)
    assert record is not None
    assert "damaged in the archive" in reasons(record)["a.jpg"]
    assert [i.file_name for i in record.images.all()] == ["b.jpg"]


def test_sidecar_fills_geometry_attributes_and_provenance(cast: Cast, photos: Path) -> None:
    (photos / "a.jpg").write_bytes(encoded(photograph(1)))
    (photos / "b.jpg").write_bytes(encoded(photograph(2)))
    (photos / "metadata.csv").write_bytes(
        (
            "file_name,x_min,y_min,x_max,y_max,left_eye_x,left_eye_y,right_eye_x,right_eye_y,"
            "nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,right_mouth_y,gender,race,age,"
            "keyword,state\r\n"
            'a.jpg,10,10,90,90,30,40,70,40,50,55,35,75,65,75,1,0,2,"smi\nle",taken_down\r\n'
            "b.jpg,90,10,10,90,70,40,30,40,50,55,35,75,65,75,7,0,2,cry,x\r\n"
            "c.jpg,,,,,,,,,,,,,,,,,,,\r\n"
        ).encode("utf-16")
    )
    _, record = run_import(cast, photos)
    assert record is not None
    a, b = record.images.order_by("file_name")
    assert a.box == [10, 10, 90, 90]
    assert a.landmarks[0] == [30, 40]
    assert (a.gender, a.race, a.age, a.state) == (1, 0, 2, "active")
    assert a.provenance == {"keyword": "smi\nle"}
    assert (b.box, b.landmarks, b.gender, b.age) == (None, None, None, 2)
    told = [f"{r['file']}: {r['why']}" for r in record.report if r["what"] == "row"]
    for part in (
        "unknown column 'state'",
        "no such file",
        "gender: '7'",
        "b.jpg: box: ",
        "b.jpg: landmarks: left and right eye",
    ):
        assert any(part in line for line in told), (part, told)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_turns_picture_box_and_landmarks(
    imported: Callable[..., Import], photos: Path, orientation: int
) -> None:
    raw = photograph(1, (120, 100))
    raw.putpixel((30, 40), (255, 0, 255))
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a secret place"
    (photos / "metadata.csv").write_text(
        "file_name,x_min,y_min,x_max,y_max,left_eye_x,left_eye_y,right_eye_x,right_eye_y,"
        "nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,right_mouth_y\n"
        "a.png,20,20,100,95,30,40,70,40,50,55,35,75,65,75\n"
    )
    record = imported(a__png=encoded(raw, "PNG", exif=exif))
    image = record.images.get()
    with default_storage.open(image.stored_as()) as file:
        data = file.read()
    stored = Pillow.open(io.BytesIO(data))
    raw.getexif()[0x0112] = orientation
    assert stored.tobytes() == ImageOps.exif_transpose(raw).tobytes()
    assert b"secret" not in data
    mirrored = orientation in (2, 4, 5, 7)
    x, y = image.landmarks[1 if mirrored else 0]
    assert stored.getpixel((round(x), round(y))) == (255, 0, 255)
    assert (image.width, image.height) == stored.size
    assert image.box[0] < image.landmarks[0][0] < image.box[2]


def test_metadata_and_trailing_bytes_go_and_jpeg_pixels_stay(
    imported: Callable[..., Import],
) -> None:
    exif = Pillow.Exif()
    exif[0x010E] = "a secret place"
    clean = encoded(photograph(1), quality=90)
    noted = encoded(photograph(1), quality=90, exif=exif, comment=b"secret words")
    image = imported(a__jpg=noted + b"secret tail").images.get()
    with default_storage.open(image.stored_as()) as file:
        data = file.read()
    assert b"secret" not in data
    assert Pillow.open(io.BytesIO(data)).tobytes() == Pillow.open(io.BytesIO(clean)).tobytes()
    assert not image.has_display


def test_near_and_mirrored_copies_are_flagged_not_dropped(
    imported: Callable[..., Import],
) -> None:
    face = photograph(1, (240, 200))
    record = imported(
        a__jpg=encoded(face, quality=95),
        b__jpg=encoded(face.resize((180, 150)), quality=60),
        c__jpg=encoded(ImageOps.mirror(face), quality=80),
        d__jpg=encoded(photograph(2, (240, 200))),
    )
    assert (record.n_imported, record.n_flagged) == (4, 2)
    told = {r["file"]: r["why"] for r in record.report}
    assert told == {"b.jpg": "looks like a.jpg", "c.jpg": "looks like a.jpg, mirrored"}


def test_second_import_of_the_same_folder_adds_nothing(cast: Cast, photos: Path) -> None:
    (photos / "a.jpg").write_bytes(encoded(photograph(1)))
    run_import(cast, photos)
    _, record = run_import(cast, photos)
    assert record is not None
    assert (record.n_imported, record.n_refused) == (0, 1)
    assert Image.objects.count() == 1


@pytest.mark.parametrize("dies_at", ["storing", "opening"])
def test_import_that_dies_in_the_middle_goes_on_without_doubling(
    cast: Cast, photos: Path, storage: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    for i in range(10):
        (photos / f"{i}.jpg").write_bytes(encoded(photograph(i)))
    (photos / "x.jpg").write_bytes(b"bad")
    monkeypatch.setattr(importing, "BATCH", 4)
    job, _ = services.request_import(cast.project, photos, cast.carla)
    what = "store" if dies_at == "storing" else "open_images"
    whole, calls = getattr(importing, what), []

    def die(*args: object) -> None:
        calls.append(1)
        if len(calls) == (6 if dies_at == "storing" else 2):
            raise OSError(28, "No space left on device")
        whole(*args)

    monkeypatch.setattr(importing, what, die)
    perform(job.pk, "doomed")
    job.refresh_from_db()
    assert job.state == "failed"
    assert job.error.startswith("The disk is full. 4 images are imported whole")
    assert len([f for f in storage.rglob("*") if f.is_file()]) == 8
    monkeypatch.setattr(importing, what, whole)
    from annotation.jobs.services import retry_job

    assert retry_job(job)
    perform(job.pk, "heir")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    record = Import.objects.get(job=job)
    assert (record.n_seen, record.n_imported, record.n_refused) == (11, 10, 1)
    assert reasons(record).keys() == {"x.jpg"}
    assert len([f for f in storage.rglob("*") if f.is_file()]) == 20
