"""Checkpoints: everything that the next epoch needs, in one safetensors file with a JSON header."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from training.errors import TrainingError
from training.storage import written_aside

FORMAT_VERSION = 1
KEPT = 2  # the newest, and the one before it in case somebody damages the newest


@dataclass(frozen=True)
class Checkpoint:
    """The state after an epoch: named tensors, and facts that JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint whole or not at all."""
    facts = json.dumps({"format_version": FORMAT_VERSION, **checkpoint.facts})
    plain = {
        name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()
    }
    with written_aside(path) as aside:
        save_file(plain, aside, metadata={"rafter": facts})


def read(path: Path) -> Checkpoint:
    """Read a checkpoint; raises TrainingError where it is damaged or of another version."""
    try:
        with safe_open(path, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {}).get("rafter", "{}"))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise TrainingError(
            f"checkpoint {path.name} is damaged ({error}); "
            "remove it and the run goes on from the one before"
        ) from error
    if facts.get("format_version") != FORMAT_VERSION:
        found = facts.get("format_version", "no")
        raise TrainingError(
            f"checkpoint {path.name} has format version {found}, not {FORMAT_VERSION}"
        )
    return Checkpoint(tensors, facts)


def newest(folder: Path) -> Path | None:
    """The checkpoint of the latest epoch, None where there is none."""
    found = sorted(folder.glob("epoch-*.safetensors"))
    return found[-1] if found else None


def save_epoch(folder: Path, epoch: int, checkpoint: Checkpoint) -> None:
    """Write the checkpoint of an epoch and drop those that it makes needless."""
    save(folder / f"epoch-{epoch:06d}.safetensors", checkpoint)
    for old in sorted(folder.glob("epoch-*.safetensors"))[:-KEPT]:
        old.unlink()


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with ``prefix.``, without it."""
    return {
        k.removeprefix(f"{prefix}."): v for k, v in tensors.items() if k.startswith(f"{prefix}.")
    }


def named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with ``prefix.`` before their names."""
    return {f"{prefix}.{k}": v for k, v in tensors.items()}
