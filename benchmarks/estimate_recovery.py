"""How well the estimate recovers a crowd whose truth is known, at the paper's size.

    python benchmarks/estimate_recovery.py [--seeds 6] [--items 29672] [--joint]

285 honest people and 12 random clickers, 10 one-key pressers and 8 adversaries give 40 votes per
face; a fifth of the faces are compound, then none. Printed against the limits of the project:
coverage of the 95 % intervals of honest people's α (93–97 %), Spearman's correlation of their true
and estimated α (0.99), who is kept, and the two-tab subset (pairs 99 % right, recall 0.91).
``--joint`` adds the same for the joint optimum without the second stage.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[1]))

from reliability import Options, Subset, SubsetsBy, estimate, simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--items", type=int, default=29_672)
    parser.add_argument("--joint", action="store_true")
    asked = parser.parse_args()
    for compound_share in (simulate.COMPOUND_SHARE, 0.0):
        for integrate in (True, False) if asked.joint else (True,):
            stage = "b integrated out" if integrate else "joint optimum"
            print(f"\n{compound_share:.0%} compound faces, {stage}")
            told = [
                one(seed, asked.items, compound_share, integrate) for seed in range(asked.seeds)
            ]
            z = np.concatenate([each["z"] for each in told])
            ratio = np.mean([each["ratio"] for each in told])
            print(
                f"all seeds: coverage {covered(z):.3f} of {len(z)} (limits 0.93–0.97), z"
                f" {z.mean():+.2f} ± {z.std():.2f}, α / true {ratio:.3f}"
            )


def one(seed: int, n_items: int, compound_share: float, integrate: bool) -> dict[str, object]:
    sim = simulate.crowd(
        n_items, 315, 40, np.random.default_rng(seed), random=12, one_key=10, adversarial=8,
        compound_share=compound_share,
    )  # fmt: skip
    found = estimate(sim.votes, options=Options(integrate=integrate))
    honest = sim.kind == simulate.Kind.HONEST
    z = ((found.reliability - sim.reliability) / found.std_error)[honest]
    order = spearmanr(found.reliability[honest], sim.reliability[honest]).statistic
    wrongly = int((found.kept != honest).sum())
    line = f"seed {seed}: coverage {covered(z):.3f}, Spearman {order:.4f}, {wrongly} wrongly judged"
    for by in SubsetsBy if compound_share else ():
        parts = found.partition(by)
        two = parts.subset == Subset.TWO_TAB
        right = (parts.valid == (sim.shown > 0)).all(axis=1)
        called = sim.is_compound & two
        line += (
            f"\n        by {by}: recall {called.sum() / sim.is_compound.sum():.3f}, pairs right"
            f" {right[called].mean():.4f} of compound faces so called, {right[two].mean():.4f} of"
            " all so called"
        )
    print(line, flush=True)
    return {"z": z, "ratio": (found.reliability / sim.reliability)[honest].mean()}


def covered(z: np.ndarray) -> float:
    return float((np.abs(z) < 1.96).mean())


if __name__ == "__main__":
    main()
