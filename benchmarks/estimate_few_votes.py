"""How accurate the consensus is where votes are few, or four people in ten are bad.

    python benchmarks/estimate_few_votes.py [--items 10000] [--seeds 3]

Five votes per face (limits 0.941, with the shares of the classes estimated 0.952), and seven votes
with 40 % bad people and wrong votes that fall as expressions are confused (limit 0.918). Each face
shows one expression in RAF-DB's balance; every method sees the same votes. "One error table" is
GLAD with one table of wrong votes that all people share, a row per true class, and the shares of
the classes estimated (``Options(estimate_errors=True, estimate_classes=True)``).
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from reliability import Method, Options, estimate, simulate

PEOPLE = 315
CASES = {
    "5 votes": (5, {}),
    "7 votes, 40 % bad, confusions": (
        7,
        {"random": 48, "one_key": 42, "adversarial": 36, "confusion": simulate.CONFUSION},
    ),
}
WAYS = {
    "majority": (Method.MAJORITY, Options()),
    "one-coin": (Method.ONE_COIN, Options()),
    "Dawid-Skene": (Method.DAWID_SKENE, Options()),
    "Dawid-Skene, shares": (Method.DAWID_SKENE, Options(estimate_classes=True)),
    "GLAD": (Method.GLAD, Options()),
    "GLAD, shares": (Method.GLAD, Options(estimate_classes=True)),
    "GLAD, one error table": (
        Method.GLAD,
        Options(estimate_classes=True, estimate_errors=True, two_at_once=False),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    for case, (depth, people) in CASES.items():
        print(f"\n{case}")
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for seed in range(asked.seeds):
            sim = simulate.crowd(
                asked.items, PEOPLE, depth, np.random.default_rng(seed), compound_share=0.0,
                **people,
            )  # fmt: skip
            for way, (method, options) in WAYS.items():
                fit = estimate(sim.votes, method, options=options)
                found[way].append(float((fit.consensus == sim.truth).mean()))
        for way, accuracies in found.items():
            every = " ".join(f"{a:.4f}" for a in accuracies)
            print(f"{way:24} {np.mean(accuracies):.4f}   ({every})", flush=True)


if __name__ == "__main__":
    main()
