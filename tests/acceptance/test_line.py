"""The whole line, from a vote to a network that answers, as people use it: over HTTP."""

import hashlib
import io
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from tests.acceptance.conftest import Site, free_port

pytestmark = pytest.mark.slow
P = "/api/v1/projects/demonstration"


@pytest.fixture(scope="module")
def curator(site: Site) -> str:
    return site.token("curator", "curator")


@pytest.fixture(scope="module")
def annotator(site: Site) -> str:
    return site.token("annotator", "annotator")


@pytest.fixture(scope="module")
def researcher(site: Site) -> str:
    return site.token("researcher", "researcher")


def test_annotator_votes_and_only_once_for_each_image(site: Site, annotator: str) -> None:
    waiting = site.json("GET", f"{P}/assignments/", annotator)["results"]
    assert len(waiting) == 8
    for assignment in waiting:
        face = f"{P}/images/{assignment['image']}/file/?size=display"
        status, picture, _ = site.ask("GET", face, annotator)
        assert status == 200
        assert Image.open(io.BytesIO(picture)).width > 100
        vote = f"{P}/assignments/{assignment['id']}/vote/"
        body = {"expression": "happiness", "revision": 1, "response_ms": 900}
        for _ in range(2):
            site.json("PUT", vote, annotator, body)
        assert site.ask("PUT", vote, annotator, {**body, "expression": "fear"})[0] == 409
    assert site.json("GET", f"{P}/assignments/", annotator)["results"] == []


def test_estimate_survives_the_death_of_its_worker(site: Site, curator: str) -> None:
    before = estimates(site, curator)
    job = site.json("POST", f"{P}/estimates/", curator, {})["job"]
    kill_worker(site, job, curator, at=0.45)
    ended = site.finished_job("demonstration", job, curator)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 2), ended
    after = estimates(site, curator)
    assert len(after) == len(before) + 1
    assert after[0]["n_votes"] == 160 * 12 + 8
    folder = site.var / "estimates" / "demonstration"
    assert sorted(p.name for p in folder.iterdir()) == ["0001", "0002"], "nothing half written"


def test_release_downloads_in_two_pieces_and_is_what_its_digest_says(
    site: Site, curator: str, researcher: str
) -> None:
    job = site.json("POST", f"{P}/releases/", curator, {"changelog": "More votes."})["job"]
    assert site.finished_job("demonstration", job, curator)["state"] == "succeeded"
    release = site.json("GET", f"{P}/releases/latest/", researcher)
    archive = f"{P}/releases/{release['version']}/archive/"
    assert site.ask("GET", archive, researcher)[0] == 403, "the agreement comes first"
    promise = {"version": 1, "institution": "Institute", "purpose": "To see it work."}
    site.json("PUT", f"{P}/agreement/acceptance/", researcher, promise)
    status, whole, headers = site.ask("GET", archive, researcher)
    assert status == 200
    assert hashlib.sha256(whole).hexdigest() in headers["ETag"]
    middle = len(whole) // 3
    status, first, _ = site.ask(
        "GET", archive, researcher, headers={"Range": f"bytes=0-{middle - 1}"}
    )
    assert status == 206
    resumed = {"Range": f"bytes={middle}-", "If-Range": headers["ETag"]}
    status, rest, _ = site.ask("GET", archive, researcher, headers=resumed)
    assert status == 206
    assert first + rest == whole


def test_training_survives_the_death_of_its_worker_and_its_network_answers(
    site: Site, curator: str, researcher: str
) -> None:
    asked = {"release": "latest", "recipe": "demo", "seed": 3, "epochs": 6}
    started = site.json("POST", f"{P}/runs/", curator, asked)
    kill_worker(site, started["job"], curator, at=0.3)
    ended = site.finished_job("demonstration", started["job"], curator)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 2), ended
    run = site.json("GET", f"{P}/runs/{started['run']}/", researcher)
    assert 0 <= run["metrics"]["mean_diagonal"] <= 1
    files = {f["path"]: f for f in run["files"]}
    assert {"model.onnx", "model.safetensors"} <= set(files)
    status, model, _ = site.ask("GET", f"{P}/runs/{started['run']}/files/model.onnx", researcher)
    assert status == 200
    assert hashlib.sha256(model).hexdigest() == files["model.onnx"]["sha256"]
    probabilities = answer(model, one_face(site.var))
    assert probabilities.shape == (1, 7)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_second_demonstration_changes_nothing(site: Site, curator: str) -> None:
    before = estimates(site, curator)
    site.manage("demo", "--once")
    assert estimates(site, curator) == before


def test_second_start_on_the_same_folder_finds_the_first(site: Site) -> None:
    said = site.manage("serve", "--port", str(free_port()))
    assert "It is running already" in said


def estimates(site: Site, token: str) -> list[Any]:
    rows: list[Any] = site.json("GET", f"{P}/estimates/", token)["results"]
    return rows


def kill_worker(site: Site, job: int, token: str, at: float) -> None:
    """SIGKILL to the process that does the job, once it has come so far."""

    def far_enough() -> dict[str, Any] | None:
        now = site.job("demonstration", job, token)
        assert now["state"] in ("queued", "running"), f"ended before it could be killed: {now}"
        return now if now["progress"] >= at else None

    now = site.wait_for(far_enough, 180)
    os.kill(int(now["claimed_by"].rsplit(":", 1)[1]), signal.SIGKILL)


def one_face(var: Path) -> np.ndarray[Any, Any]:
    """An aligned face of the newest release, as the exported network takes it."""
    path = sorted(var.glob("releases/demonstration/*/basic/Image/aligned/*.jpg"))[-1]
    picture = np.asarray(Image.open(path).convert("RGB"), dtype=np.uint8)
    return picture.transpose(2, 0, 1)[None]


def answer(model: bytes, face: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    wanted = session.get_inputs()[0]
    side = (wanted.shape[3], wanted.shape[2])
    picture = np.asarray(Image.fromarray(face[0].transpose(1, 2, 0)).resize(side))
    given = picture.transpose(2, 0, 1)[None]
    result: np.ndarray[Any, Any] = session.run(["probabilities"], {wanted.name: given})[0]
    return result
