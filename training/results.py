"""What a trained network leaves behind: its judgement on the test split and its exports."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training import export, metrics, plots
from training.data import Faces, Release
from training.features import infer
from training.model import FaceNetwork
from training.storage import write_text


def judge(
    network: FaceNetwork, release: Release, out: Path, device: torch.device
) -> dict[str, Any]:
    """The metrics on the test split; writes ``predictions.csv`` and the confusion figure."""
    _, shares = infer(network, release.test.pictures, device)
    labels = release.test.labels.numpy()
    names = release.class_names
    confusion = metrics.confusion_matrix(labels, shares.argmax(axis=1), len(names))
    plots.confusion(out / "figures" / "confusion.svg", confusion, names)
    write_text(out / "predictions.csv", predictions_table(release.test, shares, names))
    return {
        **metrics.summary(confusion, names),
        "n_features": network.n_features,
        "n_weights": sum(p.numel() for p in network.parameters()),
    }


def predictions_table(faces: Faces, shares: NDArray[Any], class_names: tuple[str, ...]) -> str:
    """CSV, a row for each face: name, true and predicted class, each class's probability."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["name", "true", "predicted", *(f"p_{c}" for c in class_names)])
    for name, label, row in zip(faces.names, faces.labels.tolist(), shares, strict=True):
        true = class_names[label] if label >= 0 else ""
        table.writerow([name, true, class_names[int(np.argmax(row))], *(f"{p:.6f}" for p in row)])
    return stream.getvalue()


WRITERS = ("model.safetensors", "model.onnx", "model.pt2")


def export_all(
    model: export.Model,
    out: Path,
    tell: Callable[[float, str], None],
    names: tuple[str, ...] = WRITERS,
) -> None:
    """Write these exports; ``tell`` hears the share that is done and what comes next."""
    writers = (export.save_safetensors, export.save_onnx, export.save_pt2)
    chosen = dict(zip(WRITERS, writers, strict=True))
    for i, name in enumerate(names):
        tell(i / len(names), f"writing {name}")
        chosen[name](out / name, model)
