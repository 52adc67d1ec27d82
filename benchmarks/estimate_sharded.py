"""How the sharded estimator grows: more votes, more processes, the same memory in each.

    python benchmarks/estimate_sharded.py [--votes 1 2 4] [--per-process 1]

``--votes`` are millions, each run in as many processes as ``--per-process`` million allow; on a
machine with fewer cores they take turns. 100 million: ``--votes 1 10 100 --per-process 10``.
Shards are drawn one at a time (40 votes per face, 1,000 people), so the machine never holds all
votes. Printed: the fit's seconds, CPU seconds of all processes, and each one's greatest memory
beside what an interpreter with torch and numba needs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from reliability import shards, simulate

PEOPLE, DEPTH = 1000, 40
PROCESS = """
import resource, sys
from reliability import sharded
code = sharded.main(sys.argv[1:])
own = resource.getrusage(resource.RUSAGE_SELF)
print("PEAK", own.ru_maxrss, flush=True)
sys.exit(code)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=float, nargs="+", default=[1, 2, 4], help="millions")
    parser.add_argument("--per-process", type=float, default=1, help="millions")
    asked = parser.parse_args()
    print(f"{'votes':>12} {'processes':>9} {'fit s':>8} {'CPU s':>8} {'MB each':>8} {'µs/vote':>8}")
    for millions in asked.votes:
        n_processes = max(1, round(millions / asked.per_process))
        with tempfile.TemporaryDirectory() as name:
            n_votes = draw(Path(name), millions, n_processes)
            run(Path(name), n_votes, n_processes)


def draw(folder: Path, millions: float, n_shards: int) -> int:
    """Shards of one crowd: the same people, each shard its own faces."""
    people = simulate.population(1, PEOPLE, np.random.default_rng(0), random=40, one_key=30)
    per_shard = round(millions * 1e6 / DEPTH / n_shards)
    for k in range(n_shards):
        rng = np.random.default_rng(k + 1)
        faces = simulate.population(per_shard, PEOPLE, rng)
        both = {"kind", "reliability", "clicking", "favourite"}
        crowd = simulate.Population(
            **{name: getattr(people if name in both else faces, name) for name in vars(faces)}
        )
        item, annotator = simulate.assignments(per_shard, PEOPLE, DEPTH, rng)
        votes = simulate.Votes(
            item, annotator, crowd.vote(annotator, item, rng),
            n_items=per_shard, n_annotators=PEOPLE,
        )  # fmt: skip
        shards.cut(votes, folder / f"one-{k}", 1)
    shards.join([folder / f"one-{k}" for k in range(n_shards)], folder)
    return per_shard * DEPTH * n_shards


def run(folder: Path, n_votes: int, n_processes: int) -> None:
    script = folder / "process.py"
    script.write_text(PROCESS, encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         f"--nproc-per-node={n_processes}", str(script), str(folder), "--out", str(folder / "out")],
        check=True, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peaks = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PEAK")]
    told = json.loads((folder / "out" / "report.json").read_text())
    print(
        f"{n_votes:12,} {n_processes:9d} {told['seconds']:8.1f} {cpu:8.1f}"
        f" {max(peaks) / 1024:8.0f} {1e6 * cpu / n_votes:8.2f}   wall with start {wall:.1f} s,"
        f" {told['screened']} screened out",
        flush=True,
    )


if __name__ == "__main__":
    main()
