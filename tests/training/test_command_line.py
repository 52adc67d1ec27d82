"""The commands do what they say, and answer bad input with one line and status 2."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from tests.training.patterns import TINY
from training import classifiers
from training.__main__ import main
from training.data import BASIC_NAMES
from training.errors import TrainingError
from training.run import fit


@pytest.fixture(scope="module")
def model(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "run"
    with pytest.MonkeyPatch.context() as patch:  # tracing takes seconds and is tested elsewhere
        patch.setattr("training.export.save_onnx", lambda *_: None)
        patch.setattr("training.export.save_pt2", lambda *_: None)
        fit(release, "dlp", out, epochs=2, overrides=TINY)
    return out / "model.safetensors"


def test_evaluate_finds_what_the_run_found(release: Path, model: Path, tmp_path: Path) -> None:
    assert (
        main(["evaluate", "--model", str(model), "--data", str(release), "--out", str(tmp_path)])
        == 0
    )
    found = json.loads((tmp_path / "evaluation.json").read_text())
    report = json.loads((model.parent / "report.json").read_text())
    assert found["confusion"] == report["metrics"]["confusion"]


def test_predict_gives_seven_probabilities(
    release: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = release / "basic/Image/aligned/test_0001_aligned.jpg"
    assert main(["predict", "--model", str(model), str(picture)]) == 0
    line = json.loads(capsys.readouterr().out)
    assert sum(line[name] for name in BASIC_NAMES) == pytest.approx(1.0, abs=1e-5)


def test_features_are_written_as_a_matlab_file(release: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "features.mat"
    assert main(["features", "--model", str(model), "--data", str(release), "--out", str(out)]) == 0
    found = loadmat(out)
    assert found["train"].shape == (84, 16)
    assert found["test_label"].ravel()[:7].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_fit_takes_changes_of_the_recipe(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fit", "--data", str(release), "--recipe", "dlp", "--out", str(tmp_path / "run")]
    assert main([*arguments, "--set", "batch=1"]) == 2
    assert "batch is 1; it must lie in 2" in capsys.readouterr().err
    assert main([*arguments, "--set", "pull=magnet"]) == 2
    assert "pull is 'magnet'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_no_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not a model")
    assert main(["predict", "--model", str(path), "face.jpg"]) == 2
    assert "model.safetensors is not a model" in capsys.readouterr().err


def test_the_svm_beats_chance_and_is_the_same_twice() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = (np.eye(3)[labels] * 3 + generator.normal(size=(60, 3))).astype(np.float32)
    first, chosen = classifiers.svm(features[:45], labels[:45], features[45:])
    again, _ = classifiers.svm(features[:45], labels[:45], features[45:])
    assert (first == labels[45:]).mean() > 0.7
    assert np.array_equal(first, again)
    assert chosen["C"] in classifiers.GRID.penalties


def test_the_svm_asks_for_two_faces_of_each_class() -> None:
    with pytest.raises(TrainingError, match="two training faces of each class"):
        classifiers.svm(
            np.eye(3, dtype=np.float32), np.array([0, 0, 1]), np.eye(3, dtype=np.float32)
        )
