"""People who click at random part of the time are told from those who merely err."""

import numpy as np
import pytest

from reliability import estimate, simulate
from reliability.clicking import clicking


@pytest.fixture(scope="module")
def crowd() -> simulate.Crowd:
    return simulate.crowd(
        2500, 40, 20, np.random.default_rng(2), part_time=5, careless=4,
        confusion=simulate.CONFUSION,
    )  # fmt: skip


def test_part_time_clickers_are_found_and_honest_or_careless_people_are_not(crowd):
    found = estimate(crowd.votes)
    clicks = clicking(crowd.votes, found)
    part_time = crowd.kind == simulate.Kind.PART_TIME
    assert found.kept[part_time].any()  # screening alone keeps them
    assert clicks.surely[part_time].all()
    assert not clicks.surely[~part_time].any()
    np.testing.assert_allclose(clicks.share[part_time], crowd.clicking[part_time], atol=0.15)
    better = np.abs(clicks.reliability - crowd.reliability)[part_time]
    assert better.mean() < np.abs(found.reliability - crowd.reliability)[part_time].mean()


def test_nobody_is_judged_on_few_votes_and_no_value_is_nan(crowd):
    few = crowd.votes.select(np.arange(len(crowd.votes)) % 40 == 0)
    clicks = clicking(few, estimate(few), min_votes=100)
    assert not clicks.judged.any()
    assert not clicks.surely.any()
    for name, value in vars(clicks).items():
        assert np.isfinite(value).all(), name


def test_permuted_people_permute_the_shares(crowd):
    votes = crowd.votes
    who = np.random.default_rng(5).permutation(40)
    other = type(votes)(
        votes.item, who[votes.annotator], votes.expression, n_items=2500, n_annotators=40
    )
    one, two = (clicking(each, estimate(each)) for each in (votes, other))
    np.testing.assert_allclose(two.share[who], one.share, atol=5e-3)
