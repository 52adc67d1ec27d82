"""Train or test: a pure function of the faces, the seed and the sides that are already taken.

Faces that belong together (near copies, pictures of one person) form a group and stay together.
Groups come in the order of a hash of the seed and the group's name; a group goes to test where
that brings the classes nearer to their shares. Who had a side before keeps it.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

TRAIN, TEST = "train", "test"
TEST_SHARE = 5  # one of five images, as in the paper's §5
N_FOLDS = 5

Stratum = tuple[str, int]


@dataclass(frozen=True)
class Member:
    """What the split must know of a face. ``group`` names those that stay together."""

    image_id: int
    stratum: Stratum
    group: str


def draw_sides(
    members: Iterable[Member], seed: int, kept: Mapping[int, str] | None = None
) -> dict[int, str]:
    """By image id, ``train`` or ``test``.

    A class of n images has round(n / 5) in test, one at least and all but one at most; groups of
    several images and kept sides may move that by less than a group. Where the images of a group
    had different sides, the oldest image's side holds for all.
    """
    groups = _grouped(members)
    sizes = Counter(m.stratum for group in groups.values() for m in group)
    need = Counter({stratum: n_for_test(n) for stratum, n in sizes.items()})
    taken = {name: _side_before(group, kept or {}) for name, group in groups.items()}
    for name, side in taken.items():
        if side == TEST:
            need.subtract(m.stratum for m in groups[name])
    for name in sorted((n for n, side in taken.items() if side is None), key=_order(seed)):
        counts = Counter(m.stratum for m in groups[name])
        taken[name] = TEST if _brings_nearer(need, counts) else TRAIN
        if taken[name] == TEST:
            need.subtract(counts)
    return {m.image_id: str(taken[name]) for name, group in groups.items() for m in group}


def draw_folds(members: Iterable[Member], seed: int) -> dict[int, int]:
    """By image id, a fold 0–4: groups stay whole, every class is spread evenly."""
    groups = _grouped(members)
    filled: dict[Stratum, list[int]] = defaultdict(lambda: [0] * N_FOLDS)
    folds = {}
    for name in sorted(groups, key=_order(seed, "fold")):
        stratum = groups[name][0].stratum
        fold = filled[stratum].index(min(filled[stratum]))
        for member in groups[name]:
            filled[member.stratum][fold] += 1
            folds[member.image_id] = fold
    return folds


def n_for_test(n: int) -> int:
    """How many of a class's n images go to test: a fifth, and none of a single one."""
    return 0 if n < 2 else max(1, (2 * n + TEST_SHARE) // (2 * TEST_SHARE))


def _grouped(members: Iterable[Member]) -> dict[str, list[Member]]:
    groups: dict[str, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda m: m.image_id):
        groups[member.group].append(member)
    return groups


def _side_before(group: list[Member], kept: Mapping[int, str]) -> str | None:
    return next((kept[m.image_id] for m in group if m.image_id in kept), None)


def _brings_nearer(need: Counter[Stratum], counts: Counter[Stratum]) -> bool:
    gain = sum(abs(need[s]) - abs(need[s] - n) for s, n in counts.items())
    return gain > 0


def _order(seed: int, purpose: str = "side") -> Callable[[str], bytes]:
    """A sort key of group names that no other order can leak into."""
    return lambda name: hashlib.sha256(f"{purpose}:{seed}:{name}".encode()).digest()
