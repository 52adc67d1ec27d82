"""The simulated crowd votes as its personas say, and is assigned at random and evenly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.expressions import COMPOUNDS
from reliability.simulate import (
    BALANCE,
    CONFUSION,
    Kind,
    assignments,
    crowd,
    population,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(1, 40), st.integers(1, 30), st.data())
def test_every_item_meets_its_target_of_different_people_and_loads_are_even(n, people, data):
    depth = data.draw(st.integers(1, people))
    item, annotator = assignments(n, people, depth, rng(data.draw(st.integers(0, 9))))
    assert (np.bincount(item, minlength=n) == depth).all()
    assert len(np.unique(item * people + annotator)) == n * depth
    assert np.ptp(np.bincount(annotator, minlength=people)) <= 1


def test_who_meets_whom_is_as_random_as_independent_draws():
    _, annotator = assignments(8000, 20, 4, rng())
    together = np.zeros((20, 20))
    people = annotator.reshape(-1, 4)
    for a in range(4):
        for b in range(4):
            np.add.at(together, (people[:, a], people[:, b]), a != b)
    pairs = together[np.triu_indices(20, 1)]
    ratio = ((pairs - pairs.mean()) ** 2 / pairs.mean()).sum() / (len(pairs) - 1)
    assert 0.6 < ratio < 1.5  # carrying the same people from lap to lap gives far above 2


def test_more_votes_than_people_are_refused():
    with pytest.raises(ValueError, match="votes_per_item: 4, must be 1 to 3"):
        assignments(5, 3, 4, rng())


def test_a_vote_is_right_as_often_as_the_model_says():
    drawn = population(4, 3, rng(), compound_share=0.0)
    for annotator in range(3):
        for item in range(4):
            votes = drawn.vote(np.full(40_000, annotator), item, rng(annotator))
            right = 1 / (1 + np.exp(-drawn.reliability[annotator] * drawn.easiness[item]))
            assert (votes == drawn.truth[item]).mean() == pytest.approx(right, abs=0.01)


def test_wrong_votes_fall_evenly_unless_a_confusion_says_where():
    truth = np.full(60_000, 1)
    even = population(60_000, 1, rng(), truth=truth)
    wrong = np.bincount(even.vote(0, np.arange(60_000), rng()), minlength=7)[[0, 2, 3, 4, 5, 6]]
    assert np.ptp(wrong / wrong.sum()) < 0.02
    confused = population(60_000, 1, rng(), truth=truth, confusion=CONFUSION)
    votes = confused.vote(0, np.arange(60_000), rng())
    shares = np.bincount(votes[votes != 1], minlength=7) / (votes != 1).sum()
    np.testing.assert_allclose(shares, CONFUSION[1], atol=0.02)


def test_confusion_rows_sum_to_one_and_spare_the_truth():
    np.testing.assert_allclose(np.sum(CONFUSION, axis=1), 1, atol=1e-12)
    assert (np.diag(CONFUSION) == 0).all()


def test_honest_votes_on_a_compound_face_divide_between_its_two_expressions():
    shown = np.zeros((1, 7))
    shown[0, [0, 3]] = 0.4, 0.6
    drawn = population(1, 1, rng(), truth=shown, honest_reliability=(3.0, 0.0))
    share = np.bincount(drawn.vote(np.zeros(50_000, int), 0, rng()), minlength=7) / 50_000
    right = 1 / (1 + np.exp(-3.0))
    assert share[0] == pytest.approx(0.4 * right, abs=0.01)
    assert share[3] == pytest.approx(0.6 * right, abs=0.01)
    np.testing.assert_allclose(share[[1, 2, 4, 5, 6]], (1 - right) / 5, atol=0.005)


def test_each_persona_votes_in_its_own_way():
    bad = {"careless": 1, "one_key": 1, "adversarial": 1, "random": 1, "part_time": 1}
    sim = crowd(2000, 12, 12, rng(3), **bad)
    agreement = {}
    for kind in Kind:
        mine = np.isin(sim.votes.annotator, np.flatnonzero(sim.kind == kind))
        right = sim.shown[sim.votes.item[mine], sim.votes.expression[mine]] > 0
        agreement[kind] = right.mean()
    assert agreement[Kind.HONEST] > agreement[Kind.PART_TIME] > agreement[Kind.CARELESS]
    assert agreement[Kind.CARELESS] > agreement[Kind.RANDOM] > agreement[Kind.ADVERSARIAL]
    presser = np.flatnonzero(sim.kind == Kind.ONE_KEY)[0]
    keys = sim.votes.expression[sim.votes.annotator == presser]
    assert np.unique(keys).tolist() == [sim.favourite[presser]]


def test_clickers_are_faster_than_those_who_look_and_hard_faces_take_longer():
    drawn = population(500, 2, rng(), random=1)
    clicker = int(np.flatnonzero(drawn.kind == Kind.RANDOM)[0])
    fast = drawn.response_ms(clicker, np.arange(500), rng())
    slow = drawn.response_ms(1 - clicker, np.arange(500), rng())
    assert np.median(fast) < 600 < np.median(slow)
    assert np.corrcoef(drawn.easiness, slow)[0, 1] < -0.1


def test_votes_asked_for_one_at_a_time_come_from_the_same_people():
    drawn = population(30, 4, rng(), adversarial=1)
    foe = int(np.flatnonzero(drawn.kind == Kind.ADVERSARIAL)[0])
    source = rng(1)
    votes = [int(drawn.vote(foe, item, source)[0]) for item in range(30) for _ in range(20)]
    assert (np.array(votes) == np.repeat(drawn.truth, 20)).mean() < 0.2


def test_faces_follow_rafdbs_balance_and_only_named_pairs_are_drawn():
    drawn = population(40_000, 1, rng())
    single = ~drawn.is_compound
    share = np.bincount(drawn.truth[single], minlength=7) / single.sum()
    np.testing.assert_allclose(share, np.array(BALANCE) / sum(BALANCE), atol=0.01)
    assert drawn.is_compound.mean() == pytest.approx(0.2, abs=0.01)
    named = {frozenset((a, b)) for _, a, b in COMPOUNDS[:11]}
    found = {frozenset(np.flatnonzero(row)) for row in drawn.shown[drawn.is_compound]}
    assert found == named


def test_the_same_seed_draws_the_same_study():
    first, second = (crowd(50, 6, 3, rng(7), random=1) for _ in range(2))
    assert first.votes.digest == second.votes.digest
    assert first.votes.digest != crowd(50, 6, 3, rng(8), random=1).votes.digest


def test_other_numbers_of_classes_are_drawn_too():
    sim = crowd(60, 5, 3, rng(), balance=[1, 2, 1])
    assert sim.votes.n_classes == 3
    assert not sim.is_compound.any()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"random": 5}, "5 people who are not honest"),
        ({"careless": -1}, "careless: -1"),
        ({"truth": np.zeros((2, 3))}, "truth: shape"),
        ({"truth": np.full((4, 7), 0.5)}, "does not sum to 1"),
        ({"confusion": np.ones((3, 3))}, "confusion: shape"),
    ],
)
def test_impossible_populations_are_refused_by_name(bad, message):
    with pytest.raises(ValueError, match=message):
        population(4, 3, rng(), **bad)
