"""The likelihood: brute force when tiny, slopes and curvature by finite differences, a bound
that never falls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reliability import Votes, estimate, simulate, steps
from reliability.kernels import Model
from reliability.likelihood import Likelihood, uniform_errors
from reliability.options import Options

N_ITEMS, N_PEOPLE, K = 6, 4, 3


def crowd(seed: int) -> Votes:
    chosen = np.random.default_rng(seed).integers(0, K, N_ITEMS * N_PEOPLE)
    item, annotator = np.divmod(np.arange(N_ITEMS * N_PEOPLE), N_PEOPLE)
    return Votes(item, annotator, chosen, n_items=N_ITEMS, n_annotators=N_PEOPLE, n_classes=K)


def model(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    prior = np.log(rng.dirichlet(np.full(K, 5.0)))
    return Model(
        rng.normal(1, 1, N_PEOPLE), rng.normal(0, 1, N_ITEMS), uniform_errors(K), prior, 1.0
    )


def penalised(likelihood: Likelihood, at: Model) -> float:
    return likelihood.sweep(at).penalised


def test_likelihood_and_posterior_equal_brute_force():
    votes, at = crowd(1), model(2)
    joint = np.tile(at.log_prior, (N_ITEMS, 1))
    for j, i, t in zip(votes.item, votes.annotator, votes.expression, strict=True):
        right = 1 / (1 + np.exp(-at.alpha[i] * np.exp(at.b[j])))
        for k in range(K):
            joint[j, k] += np.log(right if t == k else (1 - right) / (K - 1))
    with Likelihood(votes, Options()) as likelihood:
        point = likelihood.sweep(at)
    total = np.logaddexp.reduce(joint, axis=1)
    assert point.log_likelihood == pytest.approx(total.sum(), rel=1e-12)
    np.testing.assert_allclose(
        likelihood.images.posterior, np.exp(joint - total[:, None]), rtol=1e-9
    )


def test_slopes_equal_finite_differences_element_by_element():
    at, h = model(3), 1e-5
    with Likelihood(crowd(4), Options()) as likelihood:
        point = likelihood.sweep(at)
        slope_b = likelihood.images.slope.copy()
        for field, slopes in (("alpha", point.slope), ("b", slope_b)):
            for n, slope in enumerate(slopes):
                step = h * np.eye(len(slopes))[n]
                ends = [
                    penalised(likelihood, at._replace(**{field: getattr(at, field) + sign * step}))
                    for sign in (1, -1)
                ]
                assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6, abs=1e-7)


def test_reduced_curvature_is_the_schur_complement_of_the_hessian():
    votes = simulate.crowd(12, 5, 5, np.random.default_rng(5), compound_share=0.0).votes
    with Likelihood(votes, Options()) as likelihood:
        from reliability import em

        at = em.fit(likelihood).point.model
        found = likelihood.sweep(at, pairs=1).reduced_curvature
        hessian = _hessian(likelihood, at)
    n = votes.n_annotators
    a, c, d = hessian[:n, :n], hessian[:n, n:], hessian[n:, n:]
    np.testing.assert_allclose(found, a - c @ np.linalg.solve(d, c.T), rtol=1e-4, atol=1e-4)


def _hessian(likelihood: Likelihood, at: Model, h: float = 1e-5) -> np.ndarray:
    """Of minus the penalised likelihood, in α then b, by differences of the slopes."""
    n, size = len(at.alpha), len(at.alpha) + len(at.b)
    columns = []
    for k in range(size):
        step = h * np.eye(size)[k]
        ends = []
        for sign in (1, -1):
            moved = at._replace(alpha=at.alpha + sign * step[:n], b=at.b + sign * step[n:])
            point = likelihood.sweep(moved)
            ends.append(np.concatenate([point.slope, likelihood.images.slope]))
        columns.append((ends[1] - ends[0]) / (2 * h))
    return np.array(columns)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_the_bound_never_falls_and_nothing_is_nan(seed, classes, errors):
    options = Options(estimate_classes=classes, estimate_errors=errors)
    found = estimate(crowd(seed), screening=None, options=options)
    assert (np.diff(found.history) >= 0).all()
    for name, value in vars(found).items():
        assert not isinstance(value, np.ndarray) or np.isfinite(value).all(), name


def test_permuted_people_images_and_classes_permute_the_result():
    votes = simulate.crowd(60, 12, 8, np.random.default_rng(6)).votes
    rng = np.random.default_rng(7)
    items, people, classes = (rng.permutation(n) for n in (60, 12, 7))
    other = Votes(
        items[votes.item], people[votes.annotator], classes[votes.expression],
        n_items=60, n_annotators=12,
    )  # fmt: skip
    one, two = estimate(votes), estimate(other)
    np.testing.assert_allclose(two.reliability[people], one.reliability, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two.easiness[items], one.easiness, rtol=1e-4)
    np.testing.assert_allclose(
        two.posterior[items][:, classes], one.posterior, rtol=1e-3, atol=1e-6
    )


def test_the_same_votes_give_the_same_bytes():
    votes = simulate.crowd(3000, 60, 40, np.random.default_rng(8)).votes
    one, two = estimate(votes), estimate(votes)
    assert one.reliability.tobytes() == two.reliability.tobytes()
    assert one.posterior.tobytes() == two.posterior.tobytes()


@pytest.mark.parametrize("integrate", [True, False])
def test_without_a_table_of_pairs_the_search_ends_at_the_same_place(monkeypatch, integrate):
    votes = simulate.crowd(800, 80, 12, np.random.default_rng(9), random=4).votes
    options = Options(integrate=integrate)
    dense = estimate(votes, options=options)
    monkeypatch.setattr(steps, "DENSE", 79)
    found = estimate(votes, options=options)
    assert found.converged
    assert found.kept.tolist() == dense.kept.tolist()
    assert found.penalised_log_likelihood == pytest.approx(dense.penalised_log_likelihood, abs=1e-2)
    away = (found.reliability - dense.reliability) / dense.std_error
    assert np.abs(away).max() < 0.02
    np.testing.assert_allclose(found.std_error, dense.std_error, rtol=0.2)  # 80 people: more bind
