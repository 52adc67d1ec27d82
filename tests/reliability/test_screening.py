"""Screening: bad people go, honest ones stay, nobody is judged on few votes, curators decide."""

import numpy as np
import pytest

from reliability import ScreeningRule, estimate, simulate


@pytest.fixture(scope="module")
def mixed() -> simulate.Crowd:
    return simulate.crowd(
        1500, 60, 20, np.random.default_rng(1), one_key=3, adversarial=3, random=4
    )


def is_bad(crowd: simulate.Crowd) -> np.ndarray:
    return np.array([simulate.Kind(kind).is_bad for kind in crowd.kind])


def test_clickers_one_key_pressers_and_adversaries_go_and_honest_people_stay(mixed):
    found = estimate(mixed.votes)
    assert found.kept.tolist() == (~is_bad(mixed)).tolist()
    assert all(bool(said) == gone for said, gone in zip(found.reason, ~found.kept, strict=True))


def test_without_a_rule_everybody_stays(mixed):
    assert estimate(mixed.votes, screening=None).kept.all()


def test_nobody_is_judged_on_too_few_votes(mixed):
    rule = ScreeningRule(min_votes=int(mixed.votes.votes_per_annotator.max()) + 1)
    assert estimate(mixed.votes, screening=rule).kept.all()


def test_a_curator_overrules_the_rule_both_ways_and_it_is_said(mixed):
    bad, good = (int(np.flatnonzero(is_bad(mixed) == kind)[0]) for kind in (True, False))
    found = estimate(mixed.votes, overrides={bad: True, good: False})
    assert found.kept[bad]
    assert not found.kept[good]
    assert set(np.flatnonzero(found.overruled)) == {bad, good}
    assert "curator" in found.reason[bad]
    assert "curator" in found.reason[good]


def test_people_left_out_have_no_weight_in_the_consensus(mixed):
    found = estimate(mixed.votes)
    kept = mixed.votes.select(found.kept[mixed.votes.annotator])
    expected = np.zeros_like(found.weighted_votes)
    np.add.at(expected, (kept.item, kept.expression), found.reliability[kept.annotator])
    np.testing.assert_allclose(found.weighted_votes, expected, atol=1e-9)


def test_a_start_on_its_head_ends_upright(mixed):
    upright = estimate(mixed.votes, screening=None)
    from dataclasses import replace

    flipped = replace(upright, optimum=replace(upright.optimum, alpha=-upright.optimum.alpha))
    again = estimate(mixed.votes, screening=None, start=flipped)
    assert again.penalised_log_likelihood == pytest.approx(
        upright.penalised_log_likelihood, rel=1e-6
    )


def test_a_warm_start_ends_at_the_same_optimum_sooner(mixed):
    cold = estimate(mixed.votes, screening=None)
    warm = estimate(mixed.votes, screening=None, start=cold)
    assert warm.iterations < cold.iterations
    np.testing.assert_allclose(warm.reliability, cold.reliability, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("field", "value"), [("confidence", 1.0), ("threshold", float("nan")), ("min_votes", 0)]
)
def test_a_rule_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        ScreeningRule(**{field: value})


def test_overriding_somebody_unknown_is_refused(mixed):
    with pytest.raises(ValueError, match="annotator 60, outside 0–59"):
        estimate(mixed.votes, overrides={60: True})
