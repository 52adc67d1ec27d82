"""Votes that outgrow a machine: processes share the images and agree on the people.

    python -m reliability shard votes.csv --out shards --shards 8
    torchrun --nproc-per-node 8 -m reliability.sharded shards --out results

An image's posterior and easiness concern its own votes alone; α needs one sum over all images in
each iteration, of the size of the people or of their pairs. So every process runs the same search
(``em``, ``integral``) over its own images, and the sums go through torch.distributed (gloo). The
numbers are those of one process but for the order of the sums.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from reliability import report, shards
from reliability.agreement import agreement_of_sums, sums_of_counts
from reliability.estimates import BeforeScreening, Estimate, estimate
from reliability.measured import Floats, Integration, Optimum
from reliability.options import Options
from reliability.screening import ScreeningRule
from reliability.votes import Votes

_OF_ITEMS = (
    "easiness", "easiness_error", "posterior", "right", "shows_two", "consensus", "confidence",
    "tied", "weighted_votes", "distribution", "entropy",
)  # fmt: skip
_OF_PEOPLE = ("reliability", "std_error", "accuracy", "n_votes", "kept", "reason", "overruled")


class Processes:
    """The exchange between the processes that torchrun started."""

    def __init__(self) -> None:
        from torch import distributed

        distributed.init_process_group("gloo")
        self.rank, self.n = distributed.get_rank(), distributed.get_world_size()

    def total(self, part: Floats) -> Floats:
        from torch import distributed

        return self._reduced(part, distributed.ReduceOp.SUM)

    def highest(self, part: Floats) -> Floats:
        from torch import distributed

        return self._reduced(part, distributed.ReduceOp.MAX)

    def close(self) -> None:
        from torch import distributed

        distributed.destroy_process_group()

    def _reduced(self, part: Floats, how: Any) -> Floats:
        import torch
        from torch import distributed

        whole = torch.from_numpy(np.array(part, dtype=np.float64))
        distributed.all_reduce(whole, op=how)
        return np.asarray(whole.numpy())


def estimate_by_processes(
    votes: Votes,
    n_processes: int,
    screening: ScreeningRule | None = ScreeningRule(),  # noqa: B008  # frozen
    overrides: Mapping[int, bool] | None = None,
    options: Options = Options(),  # noqa: B008  # frozen
) -> Estimate:
    """``estimate`` by GLAD in ``n_processes`` processes of this machine.

    Writes the votes to a temporary folder and reads the parts of the result back. Raises
    RuntimeError with the last lines of what the processes said where one fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards.cut(votes, folder, n_processes)
        asked = {
            "options": asdict(options),
            "screening": None if screening is None else asdict(screening),
            "overrides": {str(i): bool(keep) for i, keep in (overrides or {}).items()},
        }
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        mine = ["-m", "reliability.sharded", name, "--out", name, "--arrays"]
        done = subprocess.run(  # noqa: S603  # this interpreter, on a folder of our own
            [*torchrun, "--nproc-per-node", str(n_processes), *mine],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[-12:])
            raise RuntimeError(f"{n_processes} processes failed:\n{last}")
        return _together(folder, n_processes)


def main(arguments: Sequence[str] | None = None) -> int:
    """One process of those that torchrun starts; each takes its share of the shards."""
    parser = argparse.ArgumentParser(prog="torchrun … -m reliability.sharded", description=__doc__)
    parser.add_argument("shards", type=Path, help="folder that `python -m reliability shard` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, shared by all")
    parser.add_argument("--no-screening", action="store_true", help="keep everybody")
    parser.add_argument("--arrays", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    among = Processes()
    try:
        _estimate_share(asked, among)
    except (ValueError, OSError) as error:
        print(f"process {among.rank}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    finally:
        among.close()
    return 0


def _estimate_share(asked: argparse.Namespace, among: Processes) -> None:
    told = shards.manifest(asked.shards)
    if told.n_shards < among.n:
        raise ValueError(f"{asked.shards} has {told.n_shards} shards for {among.n} processes")
    mine = shards.open_shards(asked.shards, range(among.rank, told.n_shards, among.n))
    found = estimate(mine.votes, exchange=among, **_wishes(asked))
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.arrays:
        _save(asked.out, among.rank, found)
        return
    items = report.item_table(found, mine.item_names, told.class_names)
    report.write_table(asked.out / f"items-{among.rank:05d}.csv", *items)
    sums = among.total(sums_of_counts(mine.votes.counts))
    n_items = int(among.total(np.array([float(mine.votes.n_items)]))[0])
    if among.rank == 0:
        people = report.annotator_table(found, told.annotator_names)
        report.write_table(asked.out / "annotators.csv", *people)
        said = report.of_fit(found, agreement_of_sums(sums), n_items)
        said["n_processes"] = among.n
        report.write_json(asked.out / "report.json", said)


def _wishes(asked: argparse.Namespace) -> dict[str, Any]:
    """What ``estimate_by_processes`` asked for, else the defaults."""
    path = asked.shards / "asked.json"
    if not path.exists():
        return {"screening": None if asked.no_screening else ScreeningRule()}
    said = json.loads(path.read_text(encoding="utf-8"))
    rule = said["screening"]
    return {
        "options": Options(**said["options"]),
        "screening": None if rule is None else ScreeningRule(**rule),
        "overrides": {int(i): keep for i, keep in said["overrides"].items()},
    }


def _save(folder: Path, rank: int, found: Estimate) -> None:
    """One process's items; the people and the scalars as well, which are the same in all."""
    arrays = {name: getattr(found, name) for name in (*_OF_ITEMS, *_OF_PEOPLE)}
    if found.optimum is not None:
        arrays |= {"optimum_alpha": found.optimum.alpha, "optimum_b": found.optimum.b}
    first = found.before_screening
    arrays |= {"before_reliability": first.reliability, "before_std_error": first.std_error}
    kept: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez(folder / f"part-{rank:05d}.npz", **kept)
    scalars = {
        field.name: getattr(found, field.name)
        for field in fields(found)
        if isinstance(getattr(found, field.name), str | bool | int | float)
    }
    scalars["history"] = list(found.history)
    if found.integrated is not None:
        scalars["integrated"] = asdict(replace(found.integrated, shows_two=np.zeros(0))) | {
            "shows_two": None
        }
    if rank == 0:
        (folder / "scalars.json").write_text(json.dumps(scalars), encoding="utf-8")


def _together(folder: Path, n_processes: int) -> Estimate:
    """The estimate from the parts that the processes saved."""
    parts = []
    for rank in range(n_processes):
        with np.load(folder / f"part-{rank:05d}.npz") as part:
            parts.append(dict(part))
    of_items: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in _OF_ITEMS
    }
    of_people: dict[str, Any] = {name: parts[0][name] for name in _OF_PEOPLE}
    of_people["reason"] = tuple(of_people["reason"].tolist())
    told: dict[str, Any] = json.loads((folder / "scalars.json").read_text(encoding="utf-8"))
    integrated = told.pop("integrated", None)
    if integrated is not None:
        integrated = Integration(**integrated | {"shows_two": of_items["shows_two"]})
    optimum = None
    if "optimum_b" in parts[0]:
        b = np.concatenate([part["optimum_b"] for part in parts])
        optimum = Optimum(parts[0]["optimum_alpha"], b)
    before = BeforeScreening(parts[0]["before_reliability"], parts[0]["before_std_error"])
    told["history"] = tuple(told["history"])
    return Estimate(
        **told, **of_items, **of_people, optimum=optimum, integrated=integrated,
        before_screening=before,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
