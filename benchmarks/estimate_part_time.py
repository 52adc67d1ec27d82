"""How far people who click at random on 15–50 % of their faces are found, at the paper's size.

    python benchmarks/estimate_part_time.py [--seeds 2] [--items 29672]

30 of 315 people click part of the time, 15 are wholly bad. Printed: the area under the curve that
tells part-time clickers from honest people by plain agreement, by α (0.977 and 0.979 are known)
and by the share of clicks of ``reliability.clicking``; whom it is sure of, and how many honest
people it is wrongly sure of. Wrong votes fall evenly, then as expressions are confused.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parents[1]))

from reliability import estimate, simulate
from reliability.clicking import clicking


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--items", type=int, default=29_672)
    asked = parser.parse_args()
    for words, confusion in (("evenly", None), ("by confusion", simulate.CONFUSION)):
        for seed in range(asked.seeds):
            sim = simulate.crowd(
                asked.items, 315, 40, np.random.default_rng(seed), part_time=30, random=6,
                one_key=5, adversarial=4, confusion=confusion,
            )  # fmt: skip
            print(f"wrong votes fall {words}, seed {seed}: {told(sim)}", flush=True)


def told(sim: simulate.Crowd) -> str:
    votes, found = sim.votes, estimate(sim.votes)
    clicks = clicking(votes, found)
    part_time, honest = (sim.kind == kind for kind in (simulate.Kind.PART_TIME, 0))
    agrees = votes.expression == found.consensus[votes.item]
    agreement = np.bincount(votes.annotator, agrees, minlength=315) / found.n_votes
    among = part_time | honest
    areas = ", ".join(
        f"{name} {area(score[among], part_time[among]):.3f}"
        for name, score in (
            ("agreement", agreement), ("α", found.reliability), ("share of clicks", -clicks.share)
        )
    )  # fmt: skip
    return (
        f"{areas}; sure of {clicks.surely[part_time].mean():.0%} of them and of"
        f" {clicks.surely[honest].mean():.1%} of honest people; mean error of the share"
        f" {np.abs(clicks.share - sim.clicking)[part_time].mean():.3f}"
    )


def area(score: np.ndarray, is_bad: np.ndarray) -> float:
    """Under the curve: how often somebody bad scores below somebody good."""
    rank, n_bad = rankdata(score), is_bad.sum()
    below = rank[is_bad].sum() - n_bad * (n_bad + 1) / 2
    return float(1 - below / (n_bad * (len(score) - n_bad)))


if __name__ == "__main__":
    main()
