"""What a run runs on: the device, the version of the code, and what fits into a GPU's memory."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch

from training.errors import TrainingError


def choose_device(name: str) -> torch.device:
    """The device that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` means; TrainingError without it."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError("device is cuda, but PyTorch sees no GPU here; use cpu or auto")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise TrainingError(f"device is {name!r}; it must be auto, cpu, cuda or cuda:N") from error


def code_version() -> str:
    """A digest of this package's sources: two runs with the same one ran the same code."""
    sha = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        sha.update(path.read_bytes())
    return sha.hexdigest()[:12]


def fitting_batch(batch: int, attempt: Callable[[int], None]) -> int | None:
    """The largest of batch/2, batch/4, … that ``attempt`` does not run out of memory with.

    None where not even two faces fit.
    """
    while batch >= 4:
        batch //= 2
        torch.cuda.empty_cache()
        try:
            attempt(batch)
        except torch.cuda.OutOfMemoryError:
            continue
        return batch
    return None


def out_of_memory(batch: int, attempt: Callable[[int], None]) -> TrainingError:
    """What to tell a person whose GPU was too small for ``batch``: the batch that fits it."""
    fits = fitting_batch(batch, attempt)
    if fits is None:
        return TrainingError(
            "the GPU's memory is too small for this network with any batch: "
            "choose a smaller network or input_size"
        )
    return TrainingError(
        f"the GPU's memory is too small for batch {batch}; {fits} fits: set batch={fits}"
    )
