"""Running a trained network over faces: features and probabilities as arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import savemat
from torch import Tensor

from training.data import Release
from training.errors import TrainingError
from training.model import FaceNetwork
from training.storage import written_aside

Floats = NDArray[np.float32]


@torch.inference_mode()
def infer(
    network: FaceNetwork, pictures: Tensor, device: torch.device, batch: int = 256
) -> tuple[Floats, Floats]:
    """Features (n, d) and probabilities (n, n_classes) of pictures (n, 3, side, side), in order.

    Leaves the network in the mode it was in.
    """
    was_training = network.training
    network.eval()
    features: list[Any] = [np.empty((0, network.n_features), np.float32)]
    shares: list[Any] = [np.empty((0, network.n_classes), np.float32)]
    for start in range(0, len(pictures), batch):
        found, logits = network(pictures[start : start + batch].to(device))
        features.append(found.float().cpu().numpy())
        shares.append(logits.float().softmax(dim=1).cpu().numpy())
    network.train(was_training)
    return np.concatenate(features), np.concatenate(shares)


def save_mat(path: Path, network: FaceNetwork, release: Release) -> None:
    """Features of both splits as a MATLAB file: ``train``, ``test`` (n, d) and their labels 1–n."""
    if path.suffix != ".mat":
        raise TrainingError(f"{path.name} must end in .mat")
    arrays: dict[str, Any] = {}
    for side, faces in (("train", release.train), ("test", release.test)):
        arrays[side], _ = infer(network, faces.pictures, torch.device("cpu"))
        arrays[f"{side}_label"] = faces.labels.numpy() + 1
    with written_aside(path) as aside, aside.open("wb") as stream:
        savemat(stream, arrays)
