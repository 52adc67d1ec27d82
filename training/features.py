"""Running a trained network over faces: features and probabilities as arrays."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.model import FaceNetwork

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
