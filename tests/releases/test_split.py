"""The split: a fifth of every class, groups whole, sides kept, nothing left to chance."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.releases.split import TEST, TRAIN, Member, draw_folds, draw_sides, n_for_test


def members(sizes: dict[int, int], first_id: int = 1) -> list[Member]:
    """Single images, so many of each class of ``basic``."""
    labels = [label for label, n in sizes.items() for _ in range(n)]
    return [Member(i, ("basic", label), f"uid-{i}") for i, label in enumerate(labels, first_id)]


def in_test(chosen: list[Member], sides: dict[int, str]) -> Counter[int]:
    return Counter(m.stratum[1] for m in chosen if sides[m.image_id] == TEST)


def test_every_class_has_a_fifth_in_test() -> None:
    chosen = members({0: 1619, 1: 355, 2: 877, 3: 5957, 4: 2460, 5: 867, 6: 3204})
    found = in_test(chosen, draw_sides(chosen, seed=0))
    assert found == {0: 324, 1: 71, 2: 175, 3: 1191, 4: 492, 5: 173, 6: 641}


@pytest.mark.parametrize(("n", "expected"), [(1, 0), (2, 1), (5, 1), (7, 1), (8, 2), (10, 2)])
def test_a_single_image_of_a_class_goes_to_train_and_two_are_shared(n: int, expected: int) -> None:
    chosen = members({0: n})
    assert in_test(chosen, draw_sides(chosen, seed=0))[0] == expected == n_for_test(n)


def test_the_same_seed_draws_the_same_sides_in_any_order_and_another_seed_does_not() -> None:
    chosen = members({0: 200, 1: 50})
    sides = draw_sides(chosen, seed=1)
    assert draw_sides(reversed(chosen), seed=1) == sides
    assert draw_sides(chosen, seed=2) != sides


def test_an_image_keeps_its_side_when_others_come_and_go() -> None:
    before = members({0: 200, 1: 51})
    sides = draw_sides(before, seed=0)
    after = before[7:] + members({0: 40, 1: 13}, first_id=1000)
    again = draw_sides(after, seed=0, kept=sides)
    assert all(again[m.image_id] == sides[m.image_id] for m in before[7:])
    found = in_test(after, again)
    assert abs(found[0] - n_for_test(sum(m.stratum[1] == 0 for m in after))) <= 2
    assert found[1] == n_for_test(64)


def test_without_the_sides_before_an_image_would_change_its_side() -> None:
    """The negative control: quotas alone move images when the class grows."""
    before = members({0: 200})
    sides = draw_sides(before, seed=0)
    again = draw_sides(before + members({0: 90}, first_id=1000), seed=0)
    assert any(again[m.image_id] != sides[m.image_id] for m in before)


@given(
    groups=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=1, max_size=60),
    seed=st.integers(0, 2**31 - 1),
)
def test_groups_are_never_torn(groups: list[list[int]], seed: int) -> None:
    chosen = [
        Member(100 * g + i, ("basic", label), f"group-{g}")
        for g, labels in enumerate(groups)
        for i, label in enumerate(labels)
    ]
    sides, folds = draw_sides(chosen, seed), draw_folds(chosen, seed)
    for g in range(len(groups)):
        together = [m.image_id for m in chosen if m.group == f"group-{g}"]
        assert len({sides[i] for i in together}) == 1
        assert len({folds[i] for i in together}) == 1


def test_where_linked_images_had_two_sides_the_oldest_decides() -> None:
    chosen = [Member(1, ("basic", 0), "a"), Member(2, ("basic", 0), "a")]
    assert draw_sides(chosen, seed=0, kept={1: TEST, 2: TRAIN}) == {1: TEST, 2: TEST}


def test_folds_spread_every_class_evenly() -> None:
    chosen = members({0: 103, 1: 12})
    folds = draw_folds(chosen, seed=0)
    for label, low, high in ((0, 20, 21), (1, 2, 3)):
        n = Counter(folds[m.image_id] for m in chosen if m.stratum[1] == label)
        assert set(n) == {0, 1, 2, 3, 4}
        assert low <= min(n.values()) <= max(n.values()) <= high
