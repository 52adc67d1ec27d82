"""Which faces come in which batch: epoch e depends on the seed and e only, so resuming is exact."""

import math

import torch
from torch import Tensor

from training.errors import TrainingError


def epoch_generator(
    seed: int, epoch: int, device: torch.device, purpose: int = 0
) -> torch.Generator:
    """A generator for one epoch and purpose; different ones are unrelated."""
    generator = torch.Generator(device=device)
    generator.manual_seed((seed * 1_000_003 + epoch) * 4096 + purpose)
    return generator


def steps_per_epoch(n: int, batch: int) -> int:
    """Whole batches in an epoch; a rest is left out this time (the order is new each epoch)."""
    return n // batch


def shuffled(n: int, batch: int, generator: torch.Generator) -> Tensor:
    """All rows in random order, cut to whole batches: (steps, batch)."""
    steps = steps_per_epoch(n, batch)
    return torch.randperm(n, generator=generator)[: steps * batch].view(steps, batch)


def balanced(labels: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """As many steps as ``shuffled``, each batch with every class equally often: (steps, batch).

    A class is walked in random order, again and again; with 64 and seven classes, one class has 10
    faces in a batch and the others 9. Faces without a class (−1) count as a class of their own.
    """
    steps = steps_per_epoch(len(labels), batch)
    classes = torch.unique(labels)
    if len(classes) > batch:
        raise TrainingError(
            f"batch is {batch}; balanced batches need one for each of {len(classes)} classes"
        )
    need = math.ceil(steps * batch / len(classes))
    walks = torch.stack([_walk(torch.nonzero(labels == c)[:, 0], need, generator) for c in classes])
    return walks.T.reshape(-1)[: steps * batch].view(steps, batch)  # class after class, in turn


def _walk(rows: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """``length`` of these rows: shuffled, then shuffled anew whenever they are used up."""
    rounds = math.ceil(length / len(rows))
    orders = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(rounds)]
    return torch.cat(orders)[:length]


def hold_out(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Rows to train on and rows to validate on, with near-identical distribution.

    Every class with two faces or more gives at least one and keeps at least one; faces without a
    class (−1) are trained on.
    """
    generator = torch.Generator().manual_seed(seed)
    held = torch.zeros(len(labels), dtype=torch.bool)
    for c in torch.unique(labels[labels >= 0]) if share else ():
        rows = torch.nonzero(labels == c)[:, 0]
        count = min(max(round(share * len(rows)), 1), len(rows) - 1)
        held[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    return torch.nonzero(~held)[:, 0], torch.nonzero(held)[:, 0]
