"""Two processes train what one process trains."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.team_worker import RECIPES, STILL, trained
from training.errors import TrainingError
from training.loop import Trainer
from training.run import fit
from training.team import Team, check_batch

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def team_out(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes under ``torchrun``'s environment left."""
    out = tmp_path_factory.mktemp("team")
    shared = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(),
        "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip
    arguments = ["-m", "tests.training.team_worker", str(release), str(out), free_port()]
    team = [
        subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=240)[1] for process in team]
    assert [process.returncode for process in team] == [0, 0], "\n".join(said)
    return out


@pytest.mark.parametrize("name", RECIPES)
def test_a_team_of_two_learns_what_one_process_learns(
    release: Path, team_out: Path, name: str
) -> None:
    alone, together = trained(name, release), load_file(team_out / f"{name}.safetensors")
    for key, weights in alone.items():
        torch.testing.assert_close(together[key], weights, rtol=0, atol=2e-5)


def test_neighbours_are_sought_in_the_whole_teams_batch(
    release: Path, team_out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with neighbours in half the batch the weights would differ."""
    whole = Trainer._step
    monkeypatch.setattr(Trainer, "_step", lambda self, rows, chance: whole(self, rows[::2], chance))
    half, together = trained("dlp", release), load_file(team_out / "dlp.safetensors")
    assert max(float((half[k] - together[k]).abs().max()) for k in half) > 2e-4


def test_only_the_leader_writes_and_the_run_is_whole(
    release: Path, team_out: Path, tmp_path: Path
) -> None:
    fit(release, "dlp", tmp_path / "run", epochs=2, overrides=STILL, exports=False)
    alone, together = (
        json.loads((folder / "run" / "report.json").read_text())["metrics"]
        for folder in (tmp_path, team_out)
    )
    assert together["confusion"] == alone["confusion"]
    assert len((team_out / "run" / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    with pytest.raises(TrainingError, match="batch is 65; it must be a multiple of the 2"):
        check_batch(65, Team(0, 2))
