"""What a trained network sees in every face: ``Feature/DLP-CNN.mat`` and so on, as RAF-DB has them.

The run's own export computes them here, on the aligned pictures of the release: every face has its
row, whatever the run was trained on. ``onnxruntime`` only; PyTorch stays on its own queue.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotation.jobs.services import JobError
from annotation.people.models import Project

from .folder import Folder
from .plan import Place, Plan
from .split import TEST, TRAIN

MODEL = "model.onnx"
OFFICIAL = {"dlp": "DLP-CNN", "softmax": "baseDCNN"}
"""RAF-DB's names of the networks that our recipes are."""
BATCH = 32
HEAD = b"MATLAB 5.0 MAT-file; features of a release, rows as in its label file".ljust(116)
"""In the place where ``savemat`` puts the time, which would alter the bytes."""


def refusal(project: Project, numbers: Iterable[int]) -> str:
    """Why features of these runs cannot go into a release; empty where they can."""
    names: set[str] = set()
    for number in numbers:
        run = project.runs.filter(number=number).first()
        if run is None or run.metrics is None:
            return f"There is no run {number} that has ended well."
        if not any(file["path"] == MODEL for file in run.files):
            return f"Run {number} has no {MODEL}."
        if run.recipe in names:
            return f"Two runs of the recipe {run.recipe} would share one file: choose one."
        names.add(run.recipe)
    return ""


def write_features(
    folder: Folder, plan: Plan, numbers: Sequence[int], check: Callable[[], None]
) -> list[dict[str, Any]]:
    """A file for each run and subset; what they are, for the manifest."""
    told = []
    for number in numbers:
        run = plan.estimate.project.runs.select_related("release").get(number=number)
        for subset in plan.subsets:
            name = OFFICIAL.get(run.recipe, run.recipe)
            path = f"{subset}/Feature/{name}.mat"
            arrays = _features(folder, plan.of(subset), _network(run), check)
            _save(folder, path, arrays)
            told.append(
                {
                    "file": path,
                    "run": number,
                    "recipe": run.recipe,
                    "trained_on": run.release.version,
                    "n_features": int(arrays[TRAIN].shape[1]),
                }
            )
    return told


def _network(run: Any) -> Any:
    import onnxruntime  # here, so that only a release with features loads it

    path = settings.RUNS_ROOT / run.folder / MODEL
    if not path.is_file():
        raise JobError(f"The network of run {run.number} is no longer on the disk. Leave it out.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # sums in one order: the same bytes again
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _features(
    folder: Folder, places: Sequence[Place], network: Any, check: Callable[[], None]
) -> dict[str, NDArray[Any]]:
    """``train`` and ``test`` (n, d), rows in the order of the label file, and labels from 1."""
    side = network.get_inputs()[0].shape[2]
    rows = []
    for start in range(0, len(places), BATCH):
        check()
        faces = np.stack([_face(folder, p, side) for p in places[start : start + BATCH]])
        rows.append(network.run(["features"], {"pictures": faces})[0].astype(np.float32))
    features = np.concatenate(rows)
    labels = np.array([[p.label + 1] for p in places], np.int32)
    arrays: dict[str, NDArray[Any]] = {}
    for split in (TRAIN, TEST):
        here = np.array([p.split == split for p in places])
        arrays[split], arrays[f"{split}_label"] = features[here], labels[here]
    return arrays


def _face(folder: Folder, place: Place, side: int) -> NDArray[np.uint8]:
    """An aligned face as the network takes it: (3, side, side)."""
    stem = place.name.removesuffix(".jpg")
    path = folder.root / f"{place.subset}/Image/aligned/{stem}_aligned.jpg"
    with Pillow.open(path, formats=("JPEG",)) as opened:
        picture = opened.convert("RGB")
    if picture.size != (side, side):
        picture = picture.resize((side, side), Pillow.Resampling.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1)


def _save(folder: Folder, path: str, arrays: dict[str, NDArray[Any]]) -> None:
    from scipy.io import savemat

    goal = folder.place(path)
    savemat(goal, arrays)
    with goal.open("r+b") as file:
        file.write(HEAD)
    folder.take(path)
