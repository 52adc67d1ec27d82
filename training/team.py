"""Several processes that train one network: what ``torchrun`` starts, or one process alone.

Every process holds the whole set and takes its share of each batch; gradients are averaged, and
what looks across a batch (neighbours, centers, the bank) sees the batch of all. Process 0 leads: it
alone judges and writes. All of them must see the same release and, to resume, the same run folder.
"""

import os
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from training.errors import TrainingError


@dataclass(frozen=True)
class Team:
    """This process's place among ``size``."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This process's part of a batch: every ``size``-th row."""
        return rows[self.rank :: self.size]

    def gather(self, mine: Tensor) -> Tensor:
        """Everybody's rows one after another, (size · n, …); constants, without gradients."""
        if self.size == 1:
            return mine
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        distributed.all_gather(parts, mine.detach().contiguous())
        return torch.cat(parts)

    def mean(self, mine: Tensor) -> Tensor:
        """The average over processes."""
        if self.size == 1:
            return mine
        total = mine.clone()
        distributed.all_reduce(total)
        return total / self.size

    def agree(self, claim: bool) -> bool:
        """The leader's word, the same for all: nobody may stop while others go on."""
        if self.size == 1:
            return claim
        said = [claim]
        distributed.broadcast_object_list(said, src=0)
        return said[0]

    def wrap(self, whole: nn.Module, device: torch.device) -> nn.Module:
        """A module whose backward pass averages gradients over the team."""
        if self.size == 1:
            return whole
        if device.type == "cuda":
            return DistributedDataParallel(whole, [device], broadcast_buffers=False)
        return DistributedDataParallel(whole, broadcast_buffers=False)

    def leave(self) -> None:
        """Say goodbye, so that no process waits for this one."""
        if self.size > 1:
            distributed.destroy_process_group()


ALONE = Team()


def join(device: torch.device) -> tuple[Team, torch.device]:
    """The team that ``torchrun`` started this process in, and this process's own device."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE, device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Team(distributed.get_rank(), size), device


def synchronise(network: nn.Module, team: Team, device: torch.device) -> None:
    """Batch normalisation over the batch of all processes, which only GPUs can do."""
    if team.size > 1 and device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]


def check_batch(batch: int, team: Team) -> None:
    """TrainingError where a batch cannot be shared evenly."""
    if batch % team.size:
        raise TrainingError(f"batch is {batch}; it must be a multiple of the {team.size} processes")
