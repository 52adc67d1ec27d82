"""How fast GLAD is estimated: in memory at the paper's size, and from a file to a report.

    python benchmarks/estimate_speed.py [--items N] [--repeats 3] [--peer PYTHON]

``--peer`` is an interpreter of an environment of its own that has crowd-kit; the same votes, of a
size it finishes, are then given to both, and the ratio of CPU seconds is printed.
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

from reliability import Votes, estimate, simulate

PEER_ITEMS = 500
PEER = """
import sys, time, pandas
from crowdkit.aggregation import GLAD
votes = pandas.read_csv(sys.argv[1]).rename(
    columns={"item": "task", "annotator": "worker", "expression": "label"})
began = time.process_time()
GLAD().fit(votes)
print(time.process_time() - began)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=29_672)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", help="python of an environment with crowd-kit")
    asked = parser.parse_args()
    votes = crowd(asked.items)
    estimate(crowd(200), screening=None)  # loads the compiled passes
    before = peak_mb()
    for _ in range(asked.repeats):
        wall, cpu, found = timed(votes)
        print(
            f"{len(votes):,} votes: {wall:.3f} s, {cpu:.3f} CPU s, {found.iterations} iterations,"
            f" converged {found.converged}, {peak_mb() - before:.0f} MB more at the peak"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = write(votes, Path(folder))
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "reliability", "estimate", str(path), "--out", folder,
             "--no-figures", "--no-screening", "--quiet"],
            check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        print(f"votes.csv to report, without figures: {time.perf_counter() - began:.2f} s")
        if asked.peer:
            compare(asked.peer, Path(folder))


def crowd(n_items: int) -> Votes:
    return simulate.crowd(n_items, 315, 40, np.random.default_rng(1), random=12, one_key=10).votes


def timed(votes: Votes) -> tuple[float, float, object]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = estimate(votes, screening=None)
    return time.perf_counter() - wall, time.process_time() - cpu, found


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(votes: Votes, folder: Path) -> Path:
    path = folder / "votes.csv"
    table = np.column_stack([votes.item, votes.annotator, votes.expression])
    np.savetxt(
        path, table, fmt="%d", delimiter=",", header="item,annotator,expression", comments=""
    )
    return path


def compare(python: str, folder: Path) -> None:
    votes = crowd(PEER_ITEMS)
    path = write(votes, folder)
    told = subprocess.run(
        [python, "-c", PEER, str(path)], check=True, capture_output=True, text=True
    )
    peer, ours = float(told.stdout.split()[-1]), timed(votes)[1]
    print(f"{len(votes):,} votes: crowd-kit {peer:.2f} CPU s, ours {ours:.4f}: × {peer / ours:.0f}")


if __name__ == "__main__":
    main()
