"""A trained network is asked about a picture in the web process; the picture is not kept."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow

from annotation.images import pictures
from annotation.jobs.models import Job
from annotation.releases.models import Release
from annotation.runs import queries, services, trying
from annotation.runs.models import Run
from annotation.study.faces import draw
from tests.conftest import Cast
from tests.training.patterns import TINY, pattern, write_release
from training.run import fit

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def as_png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its real ``model.onnx``, made once."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.export.save_pt2", lambda path, _: path.write_bytes(b"x"))
        fit(write_release(root / "release"), "dlp", root / "run", epochs=3, overrides=TINY)
    return root / "run"


@pytest.fixture
def trained(cast: Cast, published: Release, folder: Path, settings: Any) -> Run:
    """A finished run of that folder."""
    settings.RUNS_ROOT = folder.parent
    run, _ = services.request_run(cast.project, published, "dlp", cast.carla)
    Job.objects.filter(pk=run.job_id).update(state="succeeded")
    report = json.loads((folder / "report.json").read_text())
    run.folder, run.metrics = "run", report["metrics"]
    run.files = [services._described(folder, name) for name in report["files"]]
    run.save()
    return run


def test_the_network_answers_as_it_does_in_training(cast: Cast, trained: Run) -> None:
    """Over the API and on the page; the eager network is the judge."""
    import torch

    from training import export
    from training.features import infer

    pixels = pattern(3, np.random.default_rng(5))
    model = export.load(queries.folder_of(trained) / "model.safetensors")
    expected = infer(
        model.network, torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()), torch.device("cpu")
    )[1][0]
    client, base = cast.client(cast.rafik), f"projects/{cast.project.slug}/runs/1/predict/"
    told = client.post(f"/api/v1/{base}", as_png(pixels), content_type="image/png").json()
    assert told["seen_by"] == "aligned"
    assert list(told["probabilities"]) == list(model.class_names)
    np.testing.assert_allclose(list(told["probabilities"].values()), expected, rtol=0, atol=1e-6)

    sent = {"picture": SimpleUploadedFile("face.png", as_png(pixels), "image/png")}
    page = client.post(f"/p/{cast.project.slug}/runs/1/try/", sent, headers={"HX-Request": "true"})
    likely = model.class_names[int(expected.argmax())]
    assert page.content.decode().index(likely) < min(
        page.content.decode().index(name) for name in model.class_names if name != likely
    )


def test_a_picture_leaves_no_trace(
    cast: Cast, trained: Run, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large upload, which Django would put into a file, stays in memory."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    monkeypatch.setattr(
        "django.core.files.uploadhandler.TemporaryUploadedFile",
        lambda *_, **__: pytest.fail("the picture was written to a file"),
    )
    before = set(tmp_path.rglob("*"))
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    sent = {"picture": SimpleUploadedFile("face.png", as_png(noise), "image/png")}
    address = f"/p/{cast.project.slug}/runs/1/try/"
    assert "meter" in cast.client(cast.carla).post(address, sent).content.decode()
    assert set(tmp_path.rglob("*")) == before


def test_the_form_of_another_site_is_refused(cast: Cast, trained: Run) -> None:
    client = cast.client(cast.carla)
    client.handler.enforce_csrf_checks = True
    sent = {"picture": SimpleUploadedFile("face.png", as_png(np.zeros((40, 40, 3), np.uint8)))}
    assert client.post(f"/p/{cast.project.slug}/runs/1/try/", sent).status_code == 403


def test_a_drawn_face_is_found_in_its_photograph() -> None:
    face = draw(0, seed=1, style="lab")
    crop, seen_by = trying.cut_out(face.picture, 100)
    assert seen_by == "face"
    assert crop.shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"GIF89a", "not a JPEG, PNG or WebP image"),
        (as_png(np.zeros((8, 8, 3), np.uint8)), "no side may be shorter than 32"),
        (as_png(np.zeros((40, 40, 3), np.uint8))[:60], "image file is truncated"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(
    cast: Cast, trained: Run, data: bytes, reason: str
) -> None:
    client, slug = cast.client(cast.carla), cast.project.slug
    told = client.post(f"/api/v1/projects/{slug}/runs/1/predict/", data, content_type="image/jpeg")
    assert told.status_code == 400
    assert reason in str(told.json()["errors"]["picture"])
    sent = {"picture": SimpleUploadedFile("face.jpg", data)} if data else {}
    page = client.post(f"/p/{slug}/runs/1/try/", sent, headers={"HX-Request": "true"})
    assert reason in page.content.decode()


def test_more_than_a_picture_may_have_is_not_kept_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.core.files.uploadhandler import StopUpload

    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    handler = trying.InMemory()
    handler.receive_data_chunk(b"x" * 100, 0)
    with pytest.raises(StopUpload):
        handler.receive_data_chunk(b"x", 100)


def test_a_run_without_a_network_says_so(cast: Cast, published: Release) -> None:
    services.request_run(cast.project, published, "softmax", cast.carla)
    told = cast.client(cast.carla).post(
        f"/api/v1/projects/{cast.project.slug}/runs/1/predict/", b"x", content_type="image/png"
    )
    assert told.status_code == 409
    assert "no model.onnx" in told.json()["detail"]


def test_asking_loads_neither_torch_nor_scikit_learn() -> None:
    code = "import annotation.runs.trying, onnxruntime, sys; sys.exit('torch' in sys.modules or 0)"
    environment = {"PATH": "", "SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    code = "import django; django.setup(); " + code
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0
