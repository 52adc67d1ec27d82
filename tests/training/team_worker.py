"""One of the processes of ``test_team``: trains as a team, the leader saves what came out."""

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.training.patterns import SIDE, TINY
from training import recipe
from training.data import read_release
from training.loop import Trainer
from training.run import fit
from training.team import ALONE, Team, join

STILL: dict[str, object] = {
    **TINY, "batch_norm": False, "flip": False, "rotation": 0.0, "scale": 0.0, "shift": 0.0,
}  # fmt: skip
"""Without chance in the pictures and without in-batch statistics, a team equals one process."""
RECIPES = ("dlp", "dlp-bank", "center")


def trained(name: str, release: Path, team: Team = ALONE) -> dict[str, torch.Tensor]:
    """The weights after two epochs."""
    faces = read_release(release, SIDE).train
    chosen = recipe.load(name, {**STILL, "epochs": 2, "pull_weight": 0.1})
    trainer = Trainer(chosen, faces, 7, seed=0, device=torch.device("cpu"), team=team)
    for _ in range(2):
        trainer.train_epoch()
    return {k: v.contiguous() for k, v in trainer.network.state_dict().items()}


def main(release: Path, out: Path, second_port: str) -> None:
    """Every recipe as a team; then a whole run as ``torchrun`` would start it."""
    torch.set_num_threads(1)
    team, _ = join(torch.device("cpu"))
    for name in RECIPES:
        weights = trained(name, release, team)
        if team.leads:
            save_file(weights, out / f"{name}.safetensors")
    team.leave()
    os.environ["MASTER_PORT"] = second_port
    fit(release, "dlp", out / "run", epochs=2, overrides=STILL, exports=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
