"""The estimate as a whole: known optima, known accuracies, a result whatever the votes."""

from pathlib import Path

import numpy as np
import pytest

from reliability import Estimate, Method, Options, ScreeningRule, Votes, estimate

DATA = Path(__file__).parent / "data"


def known(name: str) -> tuple[Votes, np.ndarray]:
    """Votes of a public study and its truth, (n, 2) item and class; ``data/*/SOURCE.md``."""
    table = np.loadtxt(DATA / name / "votes.csv", delimiter=",", skiprows=1, dtype=int)
    truth = np.loadtxt(DATA / name / "truth.csv", delimiter=",", skiprows=1, dtype=int)
    sizes = dict(zip(("n_items", "n_annotators", "n_classes"), table.max(0) + 1, strict=True))
    return Votes(*table.T, **sizes), truth


def accuracy(found: Estimate, truth: np.ndarray) -> float:
    return float((found.consensus[truth[:, 0]] == truth[:, 1]).mean())


@pytest.mark.parametrize(
    ("name", "optimum", "peer"),
    [("bluebird", -2131.24, 0.722), ("dog", -6926.31, 0.834), ("music", -4777.85, 0.789)],
)
def test_glad_reaches_the_known_optimum_and_the_peers_accuracy(name, optimum, peer):
    votes, truth = known(name)
    found = estimate(votes, screening=None)
    assert found.converged
    assert found.penalised_log_likelihood == pytest.approx(optimum, abs=0.01)
    assert accuracy(found, truth) > peer - 0.0005


@pytest.mark.parametrize(("name", "peer"), [("bluebird", 0.889), ("dog", 0.843)])
def test_dawid_skene_is_as_accurate_as_the_peer(name, peer):
    votes, truth = known(name)
    found = estimate(votes, Method.DAWID_SKENE, screening=None)
    assert accuracy(found, truth) > peer - 0.0005


@pytest.mark.parametrize("method", list(Method))
def test_items_and_people_without_votes_have_defined_results(method):
    votes = Votes([0, 0, 2], [0, 1, 1], [3, 3, 4], n_items=4, n_annotators=3)
    found = estimate(votes, method)
    np.testing.assert_allclose(found.posterior[[1, 3]], 1 / 7, rtol=1e-9)
    assert found.tied[[1, 3]].all()
    assert found.n_votes.tolist() == [1, 2, 0]
    for name, value in vars(found).items():
        assert not isinstance(value, np.ndarray) or np.isfinite(value).all(), name


NOISE = np.random.default_rng(0).integers(0, 7, 500)
ROW, COLUMN = np.divmod(np.arange(500), 10)
ODD = {
    "nothing at all": Votes([], [], [], n_items=0, n_annotators=0),
    "no votes": Votes([], [], [], n_items=3, n_annotators=2),
    "a single vote": Votes([0], [0], [0], n_items=1, n_annotators=1),
    "one annotator": Votes(np.arange(500), 0 * ROW, NOISE, n_items=500, n_annotators=1),
    "one item": Votes(0 * ROW, np.arange(500), NOISE, n_items=1, n_annotators=500),
    "all votes equal": Votes(ROW, COLUMN, 0 * ROW, n_items=50, n_annotators=10),
    "ties everywhere": Votes(ROW, COLUMN, COLUMN % 2, n_items=50, n_annotators=10, n_classes=2),
    "noise": Votes(ROW, COLUMN, NOISE, n_items=50, n_annotators=10),
}


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("rule", [None, ScreeningRule(), ScreeningRule(threshold=99, min_votes=1)])
def test_odd_votes_have_defined_results_even_when_everybody_is_left_out(method, case, rule):
    found = estimate(ODD[case], method, rule)
    for name, value in vars(found).items():
        assert not isinstance(value, np.ndarray) or np.isfinite(value).all(), name
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(found.distribution.sum(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize(
    ("field", "value"),
    [("reliability_sd", float("nan")), ("easiness_sd", 0.0), ("tolerance", float("inf"))],
)
def test_options_out_of_range_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        Options(**{field: value})
