"""Against the null: on noise nobody stands out and no image is certain; on a real crowd they do."""

import numpy as np
import pytest

from reliability import Options, estimate, null, simulate

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # noise may not converge


@pytest.fixture(scope="module")
def crowd() -> simulate.Crowd:
    return simulate.crowd(200, 24, 10, np.random.default_rng(4), random=2, one_key=1)


def test_on_shuffled_votes_at_most_one_in_twenty_is_told_apart_and_no_image_is_certain(crowd):
    noise = null.shuffled(crowd.votes, np.random.default_rng(1))
    found = estimate(noise)
    band = null.band(noise, found, np.random.default_rng(2))
    assert band.outside(found.reliability).mean() <= 0.05
    assert not null.certain(noise, found).any()


def test_the_joint_optimums_confidence_alone_would_have_called_noise_certain(crowd):
    noise = null.shuffled(crowd.votes, np.random.default_rng(1))
    assert (estimate(noise, options=Options(integrate=False)).confidence > 0.95).mean() > 0.02
    assert not (estimate(noise).confidence > 0.95).any()


def test_honest_people_stand_above_the_band_and_random_clickers_inside_it(crowd):
    found = estimate(crowd.votes)
    band = null.band(crowd.votes, found, np.random.default_rng(2))
    honest = crowd.kind == simulate.Kind.HONEST
    random = crowd.kind == simulate.Kind.RANDOM
    assert (found.reliability > band.high)[honest].mean() >= 0.95
    assert not band.outside(found.reliability)[random].any()
    certain = null.certain(crowd.votes, found)
    assert certain.mean() > 0.2
    single = ~crowd.is_compound
    assert (found.consensus == crowd.truth)[certain & single].mean() > 0.98


def test_shuffling_keeps_who_voted_where_and_everybodys_habits(crowd):
    noise = null.shuffled(crowd.votes, np.random.default_rng(1))
    np.testing.assert_array_equal(noise.item, crowd.votes.item)
    np.testing.assert_array_equal(noise.annotator, crowd.votes.annotator)
    for person in range(3):
        mine = crowd.votes.annotator == person
        np.testing.assert_array_equal(
            np.sort(noise.expression[mine]), np.sort(crowd.votes.expression[mine])
        )


def test_the_same_seed_gives_the_same_band(crowd):
    found = estimate(crowd.votes)
    first, second = (null.band(crowd.votes, found, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.low, second.low)
    np.testing.assert_array_equal(first.high, second.high)
