"""What a run's network sees in every face goes out as RAF-DB's features do."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image as Pillow
from scipy.io import loadmat

from annotation.jobs.models import Job
from annotation.jobs.services import claim_job
from annotation.releases import build, queries
from annotation.releases.folder import lines_of
from annotation.releases.models import Release
from annotation.runs.models import Run
from tests.conftest import Cast

from .conftest import built

pytestmark = pytest.mark.django_db


def write_mean_network(path: Path) -> None:
    """A network whose features of a picture are its mean red, green and blue."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nodes = [
        helper.make_node("Cast", ["pictures"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real"], ["features"], axes=[2, 3], keepdims=0),
        helper.make_node("Softmax", ["features"], ["probabilities"]),
    ]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", 3, 100, 100])
    out = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3])
        for name in ("probabilities", "features")
    ]
    graph = helper.make_graph(nodes, "means", [pictures], out)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)


@pytest.fixture
def run(cast: Cast, release: Release, settings: Any, tmp_path: Path) -> Run:
    settings.RUNS_ROOT = tmp_path / "runs"
    write_mean_network(settings.RUNS_ROOT / "faces/0003/model.onnx")
    return Run.objects.create(
        project=cast.project,
        number=3,
        release=release,
        job=Job.objects.create(project=cast.project, kind="train", state="succeeded"),
        recipe="dlp",
        code_version="test",
        folder="faces/0003",
        metrics={},
        files=[{"path": "model.onnx", "size": 1, "sha256": ""}],
    )


def test_features_of_every_face_stand_in_the_order_of_the_label_file(cast: Cast, run: Run) -> None:
    assert built(cast, features=[3]).state == "succeeded"
    release = Release.objects.get(version="1.1.0")
    top = queries.folder_of(release)
    for subset in ("basic", "compound"):
        found = loadmat(top / subset / "Feature/DLP-CNN.mat")
        listed = (top / subset / "EmoLabel/list_patition_label.txt").read_text().splitlines()
        for split in ("train", "test"):
            rows = [line.split() for line in listed if line.startswith(split)]
            assert found[f"{split}_label"].ravel().tolist() == [int(label) for _, label in rows]
            for (name, _), features in zip(rows, found[split], strict=True):
                path = top / f"{subset}/Image/aligned/{name[:-4]}_aligned.jpg"
                means = np.asarray(Pillow.open(path)).mean(axis=(0, 1))
                np.testing.assert_allclose(features, means, rtol=1e-4)
    assert "basic/Feature/DLP-CNN.mat" in dict(lines_of(top / "SHA256SUMS"))
    assert "3 features of each face by the network of run" in (top / "README.md").read_text()


def test_features_are_the_same_bytes_again(cast: Cast, run: Run, tmp_path: Path) -> None:
    job = built(cast, features=[3])
    first = Release.objects.get(job=job)
    sealed = first.archives
    first.delete()
    job.state = "queued"
    job.save()
    claim = claim_job(job.pk, "again")
    assert claim is not None
    build.build_release(claim)
    assert Release.objects.get(version="1.1.0").archives == sealed


def test_run_without_a_network_is_refused_and_a_lost_one_named(cast: Cast, run: Run) -> None:
    carla, address = cast.client(cast.carla), "/api/v1/projects/faces/releases/"
    for wrong in ([7], [3, 99]):
        answer = carla.post(address, {"features": wrong}, content_type="application/json")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["features"])
    (queries.settings.RUNS_ROOT / "faces/0003/model.onnx").unlink()
    job = built(cast, features=[3])
    assert job.state == "failed"
    assert "network of run 3 is no longer on the disk" in job.error
    page = carla.get("/p/faces/releases/new/?estimate=1&seed=0&version=1.1.0&features=3")
    assert b"Run 3: dlp" in page.content
    assert b'name="features" value="3"' in page.content
