"""A run from release to export: resumable to the bit, stoppable, and clear about bad input."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from tests.training.patterns import TINY
from training import export, machine, storage
from training import recipe as recipes
from training.data import read_release
from training.errors import TrainingError
from training.loop import Trainer
from training.run import Progress, RunReport, fit


class Stop(Exception):
    """What a caller raises to cancel."""


def run(release: Path, out: Path, recipe: str = "dlp", **more: Any) -> RunReport:
    overrides = {**TINY, **more.pop("overrides", {})}
    return fit(release, recipe, out, epochs=more.pop("epochs", 3), overrides=overrides, **more)


def stop_at(epoch: int) -> Callable[[Progress], None]:
    def callback(progress: Progress) -> None:
        if progress.epoch >= epoch:
            raise Stop

    return callback


@pytest.fixture(scope="module")
def finished(release: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunReport]:
    out = tmp_path_factory.mktemp("run") / "dlp"
    return out, run(release, out, epochs=30, overrides={"learning_rate": 0.05})


def test_a_run_leaves_everything_it_promises(finished: tuple[Path, RunReport]) -> None:
    out, report = finished
    promised = {
        "recipe.toml", "metrics.jsonl", "model.safetensors", "model.onnx", "model.pt2",
        "model-card.md", "predictions.csv", "report.json", "figures/curves.svg",
        "figures/confusion.svg",
    }  # fmt: skip
    assert promised <= set(report.files)
    assert all((out / name).is_file() for name in report.files)
    assert not (out / "checkpoints").exists()
    lines = [json.loads(x) for x in (out / "metrics.jsonl").read_text().splitlines()]
    assert [x["epoch"] for x in lines] == list(range(1, 31))


def test_the_network_learns_the_patterns(finished: tuple[Path, RunReport]) -> None:
    metrics = finished[1].metrics
    assert metrics["mean_diagonal"] > 0.8  # one in seven by chance
    assert (metrics["n_train"], metrics["n_validation"], metrics["n_test"]) == (77, 7, 21)
    assert np.array(metrics["confusion"]).sum(axis=1).tolist() == [3] * 7


def test_a_finished_run_answers_at_once(release: Path, finished: tuple[Path, RunReport]) -> None:
    out, report = finished
    started = time.monotonic()
    again = run(release, out, epochs=30, overrides={"learning_rate": 0.05})
    assert again == report
    assert time.monotonic() - started < 2.0


def test_exports_agree_with_the_network(release: Path, finished: tuple[Path, RunReport]) -> None:
    out, _ = finished
    pictures = read_release(release, 32).test.pictures
    model = export.load(out / "model.safetensors")
    expected = [t.detach().numpy() for t in export.Deployed(model.network)(pictures)]
    session = onnxruntime.InferenceSession(out / "model.onnx")
    from_onnx = session.run(["probabilities", "features"], {"pictures": pictures.numpy()})
    from_pt2 = torch.export.load(out / "model.pt2").module()(pictures)
    for mine, onnx, pt2 in zip(expected, from_onnx, from_pt2, strict=True):
        np.testing.assert_allclose(onnx, mine, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(pt2.detach().numpy(), mine, rtol=1e-5, atol=1e-6)
    one = session.run(["probabilities"], {"pictures": pictures[:1].numpy()})[0]  # any batch size
    np.testing.assert_allclose(one.sum(axis=1), 1.0, atol=1e-6)


def test_the_onnx_file_is_single_and_names_its_classes(finished: tuple[Path, RunReport]) -> None:
    out, report = finished
    assert [p.name for p in out.glob("model.onnx*")] == ["model.onnx"]
    known = onnxruntime.InferenceSession(out / "model.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(known["class_names"]) == report.class_names


def test_predictions_agree_with_the_confusion_matrix(finished: tuple[Path, RunReport]) -> None:
    out, report = finished
    rows = [x.split(",") for x in (out / "predictions.csv").read_text().splitlines()[1:]]
    found = np.zeros((7, 7), dtype=int)
    for row in rows:
        found[report.class_names.index(row[1]), report.class_names.index(row[2])] += 1
    assert found.tolist() == report.metrics["confusion"]


RECIPES: list[tuple[str, dict[str, object]]] = [
    ("dlp", {}),
    ("center", {}),
    ("dlp-bank", {}),
    ("dlp-ldl", {}),
    ("crowd", {}),
    ("softmax", {"averaging": 0.9, "sharpness": 0.05, "logit_adjustment": 1.0, "erase": 0.5}),
]


@pytest.mark.parametrize(("recipe", "overrides"), RECIPES)
def test_resuming_equals_not_stopping(
    release: Path, tmp_path: Path, recipe: str, overrides: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("training.results.export_all", lambda *_: None)
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    monkeypatch.setattr("training.run.shutil.rmtree", lambda *_, **__: None)
    run(release, straight, recipe, overrides=overrides)
    with pytest.raises(Stop):
        run(release, stopped, recipe, overrides=overrides, progress=stop_at(2))
    run(release, stopped, recipe, overrides=overrides)
    files = ["epoch-000003.safetensors", "best.safetensors"]
    for name in files:
        one = load_file(straight / "checkpoints" / name)
        other = load_file(stopped / "checkpoints" / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_eight_faces_overfit(release: Path) -> None:
    faces = read_release(release, 32).train.take(torch.arange(8))
    still: dict[str, object] = {"flip": False, "rotation": 0.0, "scale": 0.0, "shift": 0.0}
    chosen = recipes.load("dlp", {**TINY, **still, "batch": 8, "epochs": 60, "learning_rate": 0.05})
    trainer = Trainer(chosen, faces, 7, seed=0, device=torch.device("cpu"))
    fits = [trainer.train_epoch()["fit"] for _ in range(trainer.n_epochs)]
    assert fits[0] > 1.0
    assert fits[-1] < 0.05


def test_two_seeds_differ(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.results.export_all", lambda *_: None)
    first, second = (run(release, tmp_path / str(seed), seed=seed, epochs=1) for seed in (0, 1))
    lines = [(tmp_path / str(seed) / "metrics.jsonl").read_text() for seed in (0, 1)]
    assert json.loads(lines[0])["loss"] != json.loads(lines[1])["loss"]
    assert first.metrics["seed"] != second.metrics["seed"]


@pytest.mark.slow
def test_a_killed_run_goes_on_after_its_last_whole_epoch(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    code = (
        "import json, sys; from pathlib import Path; from training.run import fit;"
        "fit(Path(sys.argv[1]), 'dlp', Path(sys.argv[2]), epochs=1000,"
        " overrides=json.loads(sys.argv[3]))"
    )
    arguments = [sys.executable, "-c", code, str(release), str(out), json.dumps(TINY)]
    child = subprocess.Popen(arguments)
    deadline = time.monotonic() + 60
    while len(list(out.glob("checkpoints/epoch-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    newest = max(out.glob("checkpoints/epoch-*"))
    reached = int(newest.stem.removeprefix("epoch-"))
    seen: list[int] = []

    def stop_after_one(progress: Progress) -> None:
        seen.append(progress.epoch)
        if progress.epoch:
            raise Stop

    with pytest.raises(Stop):
        run(release, out, epochs=1000, progress=stop_after_one)
    assert reached >= 2
    assert max(seen) == reached + 1


def test_progress_rises_to_one(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.results.export_all", lambda *_: None)
    seen: list[Progress] = []
    run(release, tmp_path / "run", epochs=2, progress=seen.append)
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "val_mean_diagonal" in seen[-1].metrics


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"batch": 200}, "batch is 200; there are only 77 training faces"),
        ({"neighbours": 12}, "neighbours is 12; the largest class has 12 faces"),
        ({"learning_rate": 100.0, "batch_norm": False}, "no longer finite in epoch"),
    ],
)
def test_what_cannot_be_trained_is_said(
    release: Path, tmp_path: Path, overrides: dict[str, object], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        run(release, tmp_path / "run", overrides=overrides)
    assert not (tmp_path / "run" / "report.json").exists()
    if "learning_rate" not in overrides:  # refused before anything is written
        assert not (tmp_path / "run").exists()


def test_a_class_without_training_faces_is_named(
    make_release: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_release()
    path = folder / "basic/EmoLabel/list_patition_label.txt"
    kept = [
        x for x in path.read_text().splitlines() if not (x.startswith("train") and x.endswith(" 2"))
    ]
    path.write_text("\n".join(kept) + "\n")
    with pytest.raises(TrainingError, match="no training face of Fear"):
        run(folder, tmp_path / "run")


def test_a_class_with_one_face_is_learned_with_a_note(
    make_release: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_release()
    path = folder / "basic/EmoLabel/list_patition_label.txt"
    lines = path.read_text().splitlines()
    fear = [x for x in lines if x.startswith("train") and x.endswith(" 2")]
    path.write_text("\n".join(x for x in lines if x not in fear[1:]) + "\n")
    report = run(folder, tmp_path / "run", epochs=1)
    assert "only 1 training face of Fear" in report.warnings


def test_a_checkpoint_of_another_network_is_refused(release: Path, tmp_path: Path) -> None:
    for name, overrides in (("one", {}), ("two", {"feature_size": 24})):
        with pytest.raises(Stop):
            run(release, tmp_path / name, overrides=overrides, progress=stop_at(1))
    mine, other = (next((tmp_path / n / "checkpoints").glob("epoch-*")) for n in ("one", "two"))
    mine.write_bytes(other.read_bytes())
    with pytest.raises(TrainingError, match="the checkpoint is of another recipe"):
        run(release, tmp_path / "one")


@pytest.mark.parametrize(
    ("largest", "message"),
    [(20, "too small for batch 64; 16 fits: set batch=16"), (1, "with any batch")],
)
def test_a_gpu_without_memory_is_told_what_fits(largest: int, message: str) -> None:
    def attempt(batch: int) -> None:
        if batch > largest:
            raise torch.cuda.OutOfMemoryError

    assert message in str(machine.out_of_memory(64, attempt))


def test_another_runs_folder_is_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run(release, tmp_path / "run", progress=stop_at(1))
    with pytest.raises(TrainingError, match="another recipe"):
        run(release, tmp_path / "run", recipe="softmax")
    with pytest.raises(TrainingError, match="another seed"):
        run(release, tmp_path / "run", seed=1)
    with pytest.raises(TrainingError, match="holds a run already"):
        run(release, tmp_path / "run", resume=False)


def test_a_truncated_checkpoint_is_named_and_the_one_before_serves(
    release: Path, tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        run(release, tmp_path / "run", progress=stop_at(2))
    newest = max((tmp_path / "run" / "checkpoints").glob("epoch-*"))
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"epoch-000002.safetensors is damaged .* remove it"):
        run(release, tmp_path / "run")
    newest.unlink()
    with pytest.raises(Stop):
        run(release, tmp_path / "run", progress=stop_at(2))


def test_a_gpu_that_is_not_there_is_said(release: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(TrainingError, match="sees no GPU"):
        run(release, tmp_path / "run", device="cuda")
    with pytest.raises(TrainingError, match="device is 'abacus'"):
        run(release, tmp_path / "run", device="abacus")


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    storage.write_text(path, "old")

    def write_until_full() -> None:
        with storage.written_aside(path) as aside:
            aside.write_text("new, half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TrainingError, match=r"disk is full: kept.txt"):
        write_until_full()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
