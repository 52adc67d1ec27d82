"""How fast the engine is on this machine's CPU: python -m benchmarks.training_speed

Prints the locality loss against a loop over samples, and the rate of whole training steps
(sampling, augmentation, losses) against the bare network's on random data in the same process.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from training import batches, losses, recipe
from training.data import Faces
from training.loop import Trainer


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The median time of one call, after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def looped(x: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The locality loss sample by sample."""
    total = x.new_zeros(())
    for i in range(len(x)):
        mates = torch.nonzero((labels == labels[i]) & (torch.arange(len(x)) != i))[:, 0]
        if len(mates):
            away = (x[mates] - x[i]).detach().square().sum(dim=1)
            near = mates[away.topk(min(k, len(mates)), largest=False).indices]
            total = total + 0.5 * (x[i] - x[near].mean(dim=0).detach()).square().sum()
    return total / len(x)


def locality(batch: int) -> None:
    """Time the matrix and the loop, forward and backward, on 2000 features."""
    labels = torch.randint(0, 7, (batch,))
    x = torch.randn(batch, 2000, requires_grad=True)
    alike = losses.same_class(labels)
    once = seconds(lambda: losses.locality_loss(x, alike, 20).backward(), 5)
    loop = seconds(lambda: looped(x, labels, 20).backward(), 2)
    shown = f"{1e3 * once:.2f} ms, a loop {1e3 * loop:.1f} ms, {loop / once:.0f} times"
    print(f"locality loss, batch {batch}: {shown}", flush=True)


def engine(name: str, repeats: int) -> None:
    """Time whole steps against forward, backward and update of the same network."""
    chosen = recipe.load(name)
    n = chosen.batch * 4
    pictures = torch.randint(
        0, 256, (n, 3, chosen.input_size, chosen.input_size), dtype=torch.uint8
    )
    labels = torch.randint(0, 7, (n,))
    faces = Faces(pictures, labels, functional.one_hot(labels, 7).float(), ("x",) * n)
    trainer = Trainer(chosen, faces, 7, seed=0, device=torch.device("cpu"))
    x, y = torch.randn(chosen.batch, 3, chosen.crop, chosen.crop), labels[: chosen.batch]

    def bare() -> None:
        trainer.optimizer.zero_grad()
        functional.cross_entropy(trainer.network(x)[1], y).backward()
        trainer.optimizer.step()

    chance = batches.epoch_generator(0, 0, trainer.device)
    rows = torch.randperm(n)[: chosen.batch]
    floor, whole = seconds(bare, repeats), seconds(lambda: trainer._step(rows, chance), repeats)
    rate = chosen.batch / whole
    print(
        f"{name}: {rate:,.0f} images/s, {100 * floor / whole:.0f} % of the bare network's",
        flush=True,
    )


if __name__ == "__main__":
    for size in (64, 512, 2048):
        locality(size)
    engine("demo", 40)
    engine("dlp", 4)
