"""Vote planning: fewer votes against all of them, and what deciding otherwise would change."""

import json

import numpy as np
import pytest

from reliability import ScreeningRule, effects, estimate, planning, simulate
from reliability.__main__ import main
from reliability.partition import partition


@pytest.fixture(scope="module")
def crowd() -> simulate.Crowd:
    return simulate.crowd(300, 40, 24, np.random.default_rng(5), random=2, one_key=1)


@pytest.fixture(scope="module")
def plan(crowd: simulate.Crowd) -> planning.VotePlan:
    return planning.plan(crowd.votes, depths=(5, 12, 40), n_repeats=3, seed=1)


def test_the_last_depth_is_all_votes_and_agrees_with_itself(plan):
    assert plan.depths.tolist() == [5, 12, 24]
    for measure in planning.MEASURES:
        assert plan.same[measure][-1].tolist() == [1, 1, 1]
        assert (np.diff(plan.mean(measure)) > 0).all()
        low, high = plan.interval(measure)
        assert (low <= plan.mean(measure)).all()
        assert (plan.mean(measure) <= high).all()
        assert low[0] < high[0]


def test_cronbachs_alpha_rises_with_depth_alone(plan):
    assert list(plan.cronbach_alpha) == sorted(plan.cronbach_alpha)


def test_the_sentence_says_the_share_of_its_depth(plan):
    share = 100 * plan.mean("expression")[1]
    assert plan.sentence() == (
        f"12 votes per image would have given the same expression on {share:.1f} % of the faces."
    )


def test_settled_images_keep_their_expression_when_as_many_votes_come_again(crowd):
    """Half the votes are taken for a project; images called settled keep their expression."""
    half = crowd.votes.select(effects.some_votes(crowd.votes, 12, np.random.default_rng(2)))
    early, late = estimate(half), estimate(crowd.votes)
    settled, _ = effects.settled(half, early, np.random.default_rng(3))
    sure = settled >= 0.95
    assert 0.4 < sure.mean() < 1
    moved = early.consensus != late.consensus
    assert moved[sure].mean() < 0.02
    assert moved[~sure].mean() > 4 * moved[sure].mean()


def test_a_draw_takes_so_many_votes_of_each_image(crowd):
    chosen = effects.some_votes(crowd.votes, 7, np.random.default_rng(0))
    assert set(np.bincount(crowd.votes.item[chosen], minlength=300)) == {7}


def test_the_rules_own_threshold_changes_nothing_and_others_count_who_would_go(crowd):
    found, rule = estimate(crowd.votes), ScreeningRule()
    told = effects.threshold_effects(crowd.votes, found, rule, [-9.0, rule.threshold, 1.0, 9.0])
    assert told.people[1] == pytest.approx((~found.kept).mean())
    assert told.relabelled[1] == 0
    again = rule.upper_end(found.reliability, found.std_error) < 1.0
    assert told.people[2] == pytest.approx(again.mean())
    assert told.votes[2] == pytest.approx(again[crowd.votes.annotator].mean())
    assert told.people[[0, 3]].tolist() == [0, 1]


def test_stopping_at_an_unreachable_lead_saves_and_changes_nothing(crowd):
    found = estimate(crowd.votes)
    told = effects.stopping_effects(crowd.votes, found, np.random.default_rng(0), (2, 5, 99))
    assert told.saved[2] == 0
    assert told.relabelled[2] == told.moved[2] == 0
    assert told.saved[0] > told.saved[1] > 0.2
    assert told.relabelled[0] > told.relabelled[1]


def test_conclusions_from_all_votes_are_the_estimates(crowd):
    found = estimate(crowd.votes)
    judge = effects.Conclusions(crowd.votes, found)
    g, n = judge.sums(crowd.votes, np.ones(len(crowd.votes), dtype=bool))
    assert (judge.consensus(g, n) == found.consensus).mean() > 0.99
    np.testing.assert_array_equal(partition(g).subset, partition(found.weighted_votes).subset)


@pytest.mark.parametrize(("depths", "words"), [("5,x", "--depths has 'x'"), ("0", "depths has 0")])
def test_bad_depths_are_refused_by_value(tmp_path, capsys, depths, words):
    main(["simulate", "--out", str(tmp_path), "--items", "20", "--votes-per-item", "5"])
    asked = ["plan", str(tmp_path / "votes.csv"), "--out", str(tmp_path / "plan"), "--quiet"]
    assert main([*asked, "--depths", depths]) == 2
    assert words in capsys.readouterr().err


def test_the_command_writes_curve_items_and_sentence(tmp_path, capsys):
    main(["simulate", "--out", str(tmp_path), "--items", "40", "--votes-per-item", "12"])
    asked = ["plan", str(tmp_path / "votes.csv"), "--out", str(tmp_path / "plan"), "--quiet"]
    assert main([*asked, "--depths", "4,8", "--repeats", "2"]) == 0
    told = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert told["depths"] == [4, 8, 12]
    assert told["sentence"] in capsys.readouterr().out
    assert len((tmp_path / "plan" / "items.csv").read_text().splitlines()) == 41
    assert (tmp_path / "plan" / "vote_plan.svg").is_file()
