"""How one process grows: CPU seconds and memory of a fit against the number of votes.

    python benchmarks/estimate_growth.py [--votes 1 5 50]

``--votes`` are millions, 40 a face by 315 people; 50 million are to take at most 15 CPU seconds
and 1 GB (the votes included). Each size has a process of its own, which draws the votes a block at
a time into arrays on disk first, so that drawing does not count.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

DEPTH, PEOPLE, BLOCK = 40, 315, 25_000  # items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--votes", type=float, nargs="+", default=[1, 5, 50], help="millions")
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fit:
        fit(asked.fit)
        return
    print(f"{'votes':>12} {'CPU s':>8} {'wall s':>8} {'µs/vote':>8} {'MB':>6}")
    for millions in asked.votes:
        with tempfile.TemporaryDirectory() as name:
            draw(Path(name), round(millions * 1e6 / DEPTH))
            subprocess.run([sys.executable, __file__, "--fit", name], check=True)


def draw(folder: Path, n_items: int) -> None:
    from reliability import simulate

    people = simulate.population(1, PEOPLE, np.random.default_rng(0), random=12, one_key=10)
    seen = {"kind", "reliability", "clicking", "favourite"}
    shape = (n_items * DEPTH,)
    out = [
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, shape)
        for name, kind in (("item", np.int32), ("annotator", np.int32), ("expression", np.int8))
    ]
    for low in range(0, n_items, BLOCK):
        n, rng = min(BLOCK, n_items - low), np.random.default_rng(low + 1)
        faces = simulate.population(n, PEOPLE, rng)
        both = {name: getattr(people if name in seen else faces, name) for name in vars(faces)}
        item, annotator = simulate.assignments(n, PEOPLE, DEPTH, rng)
        vote = simulate.Population(**both).vote(annotator, item, rng)
        order = np.lexsort((annotator, item))
        for array, values in zip(out, (item + low, annotator, vote), strict=True):
            array[low * DEPTH : (low + n) * DEPTH] = values[order]


def fit(folder: Path) -> None:
    from reliability import Votes, estimate, simulate

    estimate(simulate.crowd(200, 50, 10, np.random.default_rng(0)).votes)  # loads what is compiled
    arrays = [np.load(folder / f"{name}.npy") for name in ("item", "annotator", "expression")]
    votes = Votes(*arrays, n_items=int(arrays[0][-1]) + 1, n_annotators=PEOPLE)
    cpu, wall = time.process_time(), time.perf_counter()
    found = estimate(votes, screening=None)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n = len(votes)
    print(
        f"{n:12,} {cpu:8.2f} {wall:8.2f} {1e6 * cpu / n:8.3f} {peak:6.0f}   converged"
        f" {found.converged}, {found.iterations} iterations",
        flush=True,
    )


if __name__ == "__main__":
    main()
