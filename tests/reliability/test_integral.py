"""The second stage: the integral against brute force, slopes and information by differences,
intervals that cover the truth."""

from itertools import combinations

import numpy as np
import pytest
from scipy.integrate import quad

from reliability import Options, Subset, SubsetsBy, Votes, em, estimate, simulate
from reliability.integral import Integral, Setting, integrate
from reliability.likelihood import Likelihood

K = 4


def crowd(seed: int, n_items: int = 8, people: int = 5, **faces: object) -> simulate.Crowd:
    return simulate.crowd(
        n_items, people, people, np.random.default_rng(seed), balance=[1] * K, **faces
    )


def integral_of(likelihood: Likelihood, n_points: int = 81) -> Integral:
    return Integral(likelihood, em.first_guess(likelihood), n_points)


def setting(people: int, two: float = 0.3) -> Setting:
    return Setting(np.random.default_rng(2).normal(1, 0.7, people), 0.6, two)


def log_chance(votes: Votes, item: int, at: Setting, right: set[int], b: float) -> float:
    """ln p(votes | the classes that are right, b), written out vote by vote."""
    total = 0.0
    for j, i, t in zip(votes.item, votes.annotator, votes.expression, strict=True):
        if j == item:
            odds = at.alpha[i] * np.exp(b)
            sign, among = (-1, len(right)) if t in right else (1, K - len(right))
            total -= np.logaddexp(0, sign * odds) + np.log(among)
    return total


def test_the_likelihood_equals_an_integral_by_brute_force():
    votes, at = crowd(1, n_items=3).votes, setting(5)
    states = [({k}, (1 - at.two) / K) for k in range(K)]
    pairs = list(combinations(range(K), 2))
    states += [(set(pair), at.two / len(pairs)) for pair in pairs]

    def density(b: float, item: int) -> float:
        normal = np.exp(-0.5 * (b / at.spread) ** 2) / (at.spread * np.sqrt(2 * np.pi))
        return normal * sum(
            share * np.exp(log_chance(votes, item, at, right, b)) for right, share in states
        )

    expected = sum(
        np.log(quad(density, -3, 3, args=(item,), epsabs=0, epsrel=1e-10)[0]) for item in range(3)
    )
    with Likelihood(votes, Options()) as likelihood:
        found = integral_of(likelihood).at(at).log_likelihood
    assert found == pytest.approx(expected, abs=1e-5)


def moved(at: Setting, n: int, h: float) -> Setting:
    """Parameter n of (α, ln s, log-odds of two) moved by h."""
    people = len(at.alpha)
    if n < people:
        return at._replace(alpha=at.alpha + h * np.eye(people)[n])
    if n == people:
        return at._replace(spread=at.spread * np.exp(h))
    return at._replace(two=1 / (1 + (1 / at.two - 1) * np.exp(-h)))


def test_slopes_equal_finite_differences_element_by_element():
    at, h = setting(5), 1e-5
    with Likelihood(crowd(3).votes, Options()) as likelihood:
        integral = integral_of(likelihood)
        for n, slope in enumerate(integral.at(at).slope):
            up, down = (integral.at(moved(at, n, sign * h)).penalised for sign in (1, -1))
            assert slope == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-4)


def test_information_equals_the_slopes_differences_element_by_element():
    at, h = setting(5), 1e-5
    with Likelihood(crowd(4, n_items=12).votes, Options()) as likelihood:
        integral = integral_of(likelihood)
        place = integral.at(at)
        found = np.diag(place.complete) - integral.missing(place).information
        for n in range(len(found)):
            up, down = (integral.at(moved(at, n, sign * h)).slope for sign in (1, -1))
            np.testing.assert_allclose(found[n], (down - up) / (2 * h), rtol=2e-3, atol=2e-3)


def test_the_climb_ends_where_all_slopes_vanish():
    votes = crowd(5, n_items=300, people=20).votes
    with Likelihood(votes, Options()) as likelihood:
        found = integrate(likelihood, em.fit(likelihood), None)
    assert found.converged
    assert found.place.gradient < 5e-3


def test_a_finer_grid_changes_nothing():
    at = setting(5)
    with Likelihood(crowd(6).votes, Options()) as likelihood:
        coarse, fine = (integral_of(likelihood, n).at(at) for n in (31, 121))
    assert coarse.log_likelihood == pytest.approx(fine.log_likelihood, abs=1e-5)


def z_scores(seeds: range, **options: object) -> np.ndarray:
    """(found − true) / standard error, of all people of several crowds."""
    z = []
    for seed in seeds:
        sim = simulate.crowd(1500, 50, 25, np.random.default_rng(seed))
        found = estimate(sim.votes, screening=None, options=Options(**options))
        z.append((found.reliability - sim.reliability) / found.std_error)
    return np.concatenate(z)


def test_intervals_cover_the_truth_with_compound_faces_among_the_images():
    z = z_scores(range(6))
    assert np.mean(np.abs(z) < 1.96) == pytest.approx(0.95, abs=0.03)


def test_intervals_of_the_joint_optimum_would_not():
    assert np.mean(np.abs(z_scores(range(2), integrate=False)) < 1.96) < 0.5


def test_intervals_would_not_where_compound_faces_are_not_allowed_for():
    assert np.mean(np.abs(z_scores(range(2), two_at_once=False)) < 1.96) < 0.5


def test_images_that_show_two_classes_are_told_from_those_that_show_one():
    sim = simulate.crowd(1500, 50, 40, np.random.default_rng(9))
    found = estimate(sim.votes)
    said = found.shows_two > 0.5
    assert found.integrated.two_share == pytest.approx(sim.is_compound.mean(), abs=0.03)
    assert (said == sim.is_compound).mean() > 0.97
    assert found.integrated.easiness_spread == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(found.right.sum(axis=1), 1 + found.shows_two, atol=1e-7)


def test_subsets_by_the_model_find_more_compound_faces_and_fewer_false_ones():
    sim = simulate.crowd(1500, 50, 40, np.random.default_rng(9))
    found = estimate(sim.votes)
    recall, precise = {}, {}
    for by in SubsetsBy:
        parts = found.partition(by)
        two = parts.subset == Subset.TWO_TAB
        recall[by] = (two & sim.is_compound).sum() / sim.is_compound.sum()
        precise[by] = (parts.valid == (sim.shown > 0)).all(axis=1)[two].mean()
        assert sum(parts.counts().values()) == 1500
    assert recall[SubsetsBy.MODEL] > max(0.91, recall[SubsetsBy.VOTES])
    assert precise[SubsetsBy.MODEL] > precise[SubsetsBy.VOTES] + 0.05


def test_without_integration_the_posterior_is_that_of_the_reported_parameters():
    votes = simulate.crowd(200, 20, 10, np.random.default_rng(3)).votes
    found = estimate(votes, screening=None, options=Options(integrate=False))
    logs = found.easiness[:, None] * found.weighted_votes + votes.counts * np.log(6)
    share = np.exp(logs - logs.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found.posterior, share / share.sum(axis=1, keepdims=True), atol=1e-9)


def test_the_optimum_is_the_same_whether_easiness_is_integrated_out_or_not():
    votes = simulate.crowd(200, 20, 10, np.random.default_rng(3)).votes
    both = [estimate(votes, options=Options(integrate=asked)) for asked in (True, False)]
    assert both[0].penalised_log_likelihood == both[1].penalised_log_likelihood
    np.testing.assert_array_equal(both[0].optimum.alpha, both[1].optimum.alpha)
