"""How fast the engine is on this machine's CPU: python -m benchmarks.training_speed

Prints the locality loss against a loop over samples, and the rate of whole training steps
(sampling, augmentation, losses) against the bare network's on random data in the same process.
All on one thread, in processor seconds: what else runs on the machine is not counted.
"""

import time
from collections.abc import Callable

import torch
from torch.nn import functional

from training import batches, losses, recipe
from training.data import Faces
from training.loop import Trainer


def seconds(repeats: int, *works: Callable[[], object]) -> list[float]:
    """The least processor time of each, after one that does not count.

    They take turns, so that what else runs on the machine meets all of them.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats + 1):
        for mine, work in zip(times, works, strict=True):
            started = time.process_time()
            work()
            mine.append(time.process_time() - started)
    return [min(mine[1:]) for mine in times]


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


def locality(batch: int, step_s: float) -> None:
    """Time the matrix and the loop, forward and backward, on 2000 features.

    ``step_s``: seconds of a bare step of the same network, for one face.
    """
    labels = torch.randint(0, 7, (batch,))
    x = torch.randn(batch, 2000, requires_grad=True)
    alike = losses.same_class(labels)
    once, loop = seconds(
        3,
        lambda: losses.locality_loss(x, alike, 20).backward(),
        lambda: looped(x, labels, 20).backward(),
    )
    shown = f"{1e3 * once:.2f} ms, a loop {1e3 * loop:.1f} ms, {loop / once:.0f} times"
    share = 100 * once / (step_s * batch)
    print(f"locality loss, batch {batch}: {shown}; {share:.2f} % of a step of dlp", flush=True)


def engine(name: str, repeats: int) -> float:
    """Time whole steps against forward, backward and update of the same network.

    Returns the seconds of a bare step for one face.
    """
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
    floor, whole = seconds(repeats, bare, lambda: trainer._step(rows, chance))
    rate = chosen.batch / whole
    print(
        f"{name}: {rate:,.0f} images/s, {100 * floor / whole:.0f} % of the bare network's",
        flush=True,
    )
    return floor / chosen.batch


if __name__ == "__main__":
    torch.set_num_threads(1)
    engine("demo", 40)
    step = engine("dlp", 4)
    for size in (64, 512, 2048):
        locality(size, step)
