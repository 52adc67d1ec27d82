"""The training loop: one class that holds what training changes, and steps it epoch by epoch."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from training import batches, checkpoint
from training.augment import augment
from training.checkpoint import Checkpoint
from training.data import Faces
from training.errors import TrainingError
from training.features import infer
from training.metrics import Matrix, confusion_matrix
from training.model import FaceNetwork, build
from training.objective import Objective
from training.recipe import Recipe
from training.team import ALONE, Team, check_batch, synchronise
from training.votes import VoteTable

Tick = Callable[[int, int], None]  # steps done and steps of the epoch


class _Whole(nn.Module):
    """Network and objective as one module: whoever averages gradients sees every weight."""

    def __init__(self, network: FaceNetwork, objective: Objective, device: torch.device) -> None:
        super().__init__()
        self.network, self.objective, self.device = network, objective, device
        self.compiled = _fast(network, device)

    def forward(self, pictures: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss; total, fit and pull without a graph, (3,); the features (n, d) without one."""
        with _autocast(self.device):
            features, logits = self.compiled(pictures)
        total, fit, pull = self.objective(features, logits, rows)
        return total, torch.stack([total.detach(), fit, pull]), features.detach()


class Trainer:
    """A network in training on one device.

    The state after an epoch is a function of recipe, faces, seed and epoch: on a CPU with the same
    number of threads, bit for bit.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Faces,
        n_classes: int,
        *,
        seed: int,
        device: torch.device,
        votes: VoteTable | None = None,
        team: Team = ALONE,
    ) -> None:
        check_batch(recipe.batch, team)
        torch.manual_seed(seed)
        self.recipe, self.seed, self.device, self.team = recipe, seed, device, team
        self.train = train.to(device)
        self.network: FaceNetwork = build(recipe, n_classes).to(device)
        synchronise(self.network, team, device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        placed = votes.to(device) if votes is not None else None
        self.objective = Objective(
            recipe, self.train, self.network.n_features, n_classes, placed, team
        ).to(device)
        self.averaged = deepcopy(self.network) if recipe.averaging else None
        self.optimizer = _optimizer(recipe, self.network, self.objective)
        self.whole = team.wrap(_Whole(self.network, self.objective, device), device)
        self.steps = batches.steps_per_epoch(len(train), recipe.batch)
        if self.steps == 0:
            raise TrainingError(
                f"batch is {recipe.batch}; there are only {len(train)} training faces"
            )
        self.n_iterations = recipe.epochs * self.steps if recipe.epochs else recipe.iterations
        self.epoch = self.step = 0

    @property
    def n_epochs(self) -> int:
        """Epochs of the whole run; the last may be cut short by ``iterations``."""
        return math.ceil(self.n_iterations / self.steps)

    @property
    def best_network(self) -> FaceNetwork:
        """The network to judge and to export: the averaged one where weights are averaged."""
        return self.network if self.averaged is None else self.averaged

    def train_epoch(self, tick: Tick | None = None) -> dict[str, float]:
        """One pass over the training faces; returns its mean losses and its rate.

        Losses are summed on the device and read once at the end. Raises TrainingError when the sum
        is not finite.
        """
        self.network.train()
        started, order = time.perf_counter(), self._order()
        rank = self.team.rank
        torch.manual_seed((self.seed * 1_000_003 + self.epoch) * 1009 + rank)  # for dropout
        chance = batches.epoch_generator(self.seed, self.epoch, self.device, purpose=1 + rank)
        sums = torch.zeros(3, device=self.device)
        for i, rows in enumerate(order):
            self._set_rate()
            sums += self._step(self.team.share(rows), chance)
            self.step += 1
            if tick:
                tick(i + 1, len(order))
        loss, fit, pull = self.team.mean(sums / len(order)).tolist()
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is no longer finite in epoch {self.epoch + 1}: "
                f"lower learning_rate (now {self.recipe.learning_rate}) or pull_weight"
            )
        self.epoch += 1
        seconds = time.perf_counter() - started
        return {
            "loss": loss,
            "fit": fit,
            "pull": pull,
            "rate": self.optimizer.param_groups[0]["lr"],
            "seconds": seconds,
            "images_per_s": order.numel() / seconds,
        }

    def _order(self) -> Tensor:
        """This epoch's batches (steps, batch) on the device."""
        generator = batches.epoch_generator(self.seed, self.epoch, torch.device("cpu"))
        if self.recipe.balanced:
            order = batches.balanced(self.train.labels.cpu(), self.recipe.batch, generator)
        else:
            order = batches.shuffled(len(self.train), self.recipe.batch, generator)
        return order[: self.n_iterations - self.step].to(self.device)

    def _set_rate(self) -> None:
        rate = self.recipe.learning_rate * rate_factor(self.recipe, self.step / self.n_iterations)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]

    def _step(self, rows: Tensor, chance: torch.Generator) -> Tensor:
        """One update; returns total, fit and pull as one tensor that stays on the device."""
        pictures = augment(self.train.pictures[rows], self.recipe, chance)
        pictures = pictures.to(memory_format=torch.channels_last)
        features, found = self._backward(pictures, rows)
        if self.recipe.sharpness:
            features = features.clone()  # the second pass of a CUDA graph writes over the first's
            self._climb_and_descend(pictures, rows)
        else:
            self.optimizer.step()
        self.objective.remember(features, rows)
        if self.averaged is not None:
            _average(self.averaged, self.network, self._decay())
        return found

    def _backward(self, pictures: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        self.optimizer.zero_grad(set_to_none=True)
        total, found, features = self.whole(pictures, rows)
        total.backward()
        return features, found

    def _climb_and_descend(self, pictures: Tensor, rows: Tensor) -> None:
        """Sharpness-aware minimisation (Foret et al. 2021): a step by the worst near gradient."""
        weights: list[Tensor] = [p for p in self.network.parameters() if p.grad is not None]
        norm = torch.stack([p.grad.norm() for p in weights if p.grad is not None]).norm()
        with torch.no_grad():
            climbs = [
                p.grad * (self.recipe.sharpness / (norm + 1e-12))
                for p in weights
                if p.grad is not None
            ]
            torch._foreach_add_(weights, climbs)
        self._backward(pictures, rows)
        with torch.no_grad():
            torch._foreach_sub_(weights, climbs)
        self.optimizer.step()

    def _decay(self) -> float:
        """The averaging's decay, smaller in the first steps so that the start is forgotten."""
        return min(self.recipe.averaging, (self.step + 1) / (self.step + 10))

    def try_step(self) -> None:
        """One step on the first faces, to see whether it fits into memory."""
        rows = torch.arange(self.recipe.batch, device=self.device) % len(self.train)
        self._step(rows, batches.epoch_generator(self.seed, 0, self.device))

    def evaluate(self, faces: Faces) -> tuple[Matrix, float]:
        """Confusion matrix and mean cross entropy of the best network on labelled faces."""
        _, shares = infer(self.best_network, faces.pictures, self.device)
        labels = faces.labels.cpu().numpy()
        confusion = confusion_matrix(labels, shares.argmax(axis=1), self.network.n_classes)
        picked = torch.from_numpy(shares[range(len(labels)), labels])
        return confusion, float(-picked.clamp(min=1e-12).log().mean())

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the next epoch depends on."""
        momentum = {
            str(i): s["momentum_buffer"]
            for i, s in self.optimizer.state_dict()["state"].items()
            if s.get("momentum_buffer") is not None
        }
        tensors = checkpoint.named("network", self.network.state_dict())
        tensors |= checkpoint.named("objective", self.objective.state_dict())
        tensors |= checkpoint.named("momentum", momentum)
        if self.averaged is not None:
            tensors |= checkpoint.named("averaged", self.averaged.state_dict())
        return tensors

    def restore(self, saved: Checkpoint) -> None:
        """Continue after the epoch whose ``state`` was saved, with facts ``epoch`` and ``step``."""
        try:
            self.network.load_state_dict(checkpoint.part(saved.tensors, "network"))
            self.objective.load_state_dict(checkpoint.part(saved.tensors, "objective"))
            if self.averaged is not None:
                self.averaged.load_state_dict(checkpoint.part(saved.tensors, "averaged"))
        except RuntimeError as error:
            raise TrainingError(
                "the checkpoint is of another recipe: its tensors do not fit"
            ) from error
        state = self.optimizer.state_dict()
        learned = [p for group in self.optimizer.param_groups for p in group["params"]]
        state["state"] = {
            int(i): {"momentum_buffer": torch.empty_like(learned[int(i)].detach()).copy_(m)}
            for i, m in checkpoint.part(saved.tensors, "momentum").items()
        }  # in the layout of its weight, which a fused step relies on
        self.optimizer.load_state_dict(state)
        self.epoch, self.step = int(saved.facts["epoch"]), int(saved.facts["step"])


def rate_factor(recipe: Recipe, passed: float) -> float:
    """What the learning rate is multiplied by when this share of the run has passed, 0–1."""
    if recipe.cosine:
        factor = 0.5 + 0.5 * math.cos(math.pi * passed)
    else:
        factor = 0.1 ** sum(passed >= share for share in recipe.drops)
    if passed < recipe.warm_up:
        factor *= passed / recipe.warm_up
    return factor


def _optimizer(recipe: Recipe, network: nn.Module, objective: nn.Module) -> torch.optim.SGD:
    """SGD as in the paper.

    Annotators' reliabilities are not decayed towards 0, and their rate is multiplied by their
    number, since each sees only its own share of a batch's votes.
    """
    groups: list[dict[str, Any]] = [{"params": list(network.parameters()), "scale": 1.0}]
    for learned in objective.parameters():
        groups.append({"params": [learned], "weight_decay": 0.0, "scale": float(learned.numel())})
    return torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def _fast(network: FaceNetwork, device: torch.device) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The network as it is on a CPU; compiled, with CUDA graphs, on a GPU."""
    if device.type != "cuda":
        return network
    compiled: Callable[[Tensor], tuple[Tensor, Tensor]] = torch.compile(
        network, mode="reduce-overhead"
    )
    return compiled


def _autocast(device: torch.device) -> AbstractContextManager[object]:
    if device.type != "cuda":
        return nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


@torch.no_grad()
def _average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of weights; counters and statistics are copied."""
    torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1.0 - decay)
    for mine, current in zip(averaged.buffers(), network.buffers(), strict=True):
        mine.copy_(current)
