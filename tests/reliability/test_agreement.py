"""Agreement against statsmodels, krippendorff and plain formulas written out."""

import time

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.stats.inter_rater import fleiss_kappa

from reliability.agreement import (
    agreement,
    agreement_of_counts,
    agreement_over_time,
    spearman_brown,
)
from reliability.simulate import crowd
from reliability.votes import Votes

tables = hnp.arrays(
    np.int64, st.tuples(st.integers(2, 12), st.integers(2, 5)), elements=st.integers(0, 6)
)


def even(seed: int, n_items: int = 60, depth: int = 8, n_classes: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(
        [rng.multinomial(depth, rng.dirichlet(np.ones(n_classes))) for _ in range(n_items)]
    )


def cronbach_over_slots(slots: np.ndarray, n_classes: int) -> float:
    """The textbook formula on items × slots, variances of the one-hot columns summed."""
    onehot = np.eye(n_classes)[slots]  # (n_items, depth, K)
    depth = slots.shape[1]
    of_slots = onehot.var(axis=0, ddof=1).sum()
    of_totals = onehot.sum(axis=1).var(axis=0, ddof=1).sum()
    return depth / (depth - 1) * (1 - of_slots / of_totals)


@pytest.mark.parametrize("seed", range(3))
def test_fleiss_kappa_is_that_of_statsmodels(seed):
    counts = even(seed)
    expected = fleiss_kappa(counts, method="fleiss")
    assert agreement_of_counts(counts).fleiss_kappa == pytest.approx(expected, rel=1e-12)


@given(tables)
def test_krippendorff_alpha_is_that_of_the_reference_on_ragged_votes(counts):
    used = counts[counts.sum(axis=1) >= 2]
    ours = agreement_of_counts(counts).krippendorff_alpha
    if not len(used) or (used.sum(axis=0) > 0).sum() < 2:
        assert ours is None
        return
    expected = krippendorff.alpha(value_counts=used, level_of_measurement="nominal")
    assert ours == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_cronbach_alpha_is_the_textbooks_over_shuffled_slots():
    counts = even(5, n_items=4000, depth=10)
    rng = np.random.default_rng(0)
    slots = np.array([rng.permutation(np.repeat(np.arange(4), row)) for row in counts])
    ours = agreement_of_counts(counts).cronbach_alpha
    assert ours == pytest.approx(cronbach_over_slots(slots, 4), abs=2e-4)


def test_cronbach_alpha_is_exactly_the_textbooks_where_slots_are_equal():
    base = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 0, 0], [1, 1, 1], [2, 2, 2]])
    slots = np.concatenate([base] * 3)  # every slot holds every class equally often
    counts = np.array([np.bincount(row, minlength=3) for row in slots])
    n = len(slots)
    textbook = cronbach_over_slots(slots, 3)
    # The two differ only in the degrees of freedom of the slots, none of which vary here.
    ours = agreement_of_counts(counts).cronbach_alpha
    assert 1 - ours == pytest.approx((1 - textbook) * (n - 1) / n, rel=1e-12)


def test_ragged_votes_follow_the_analysis_of_variance_written_out():
    counts = np.array([[3, 1], [0, 5], [2, 2], [1, 0]])
    values = [np.repeat([1.0, 0.0], row) for row in counts]
    everything = np.concatenate(values)
    between = sum(len(v) * (v.mean() - everything.mean()) ** 2 for v in values) / 3
    within = sum(((v - v.mean()) ** 2).sum() for v in values) / (len(everything) - 4)
    found = agreement_of_counts(counts)
    assert found.cronbach_alpha == pytest.approx(1 - within / between, rel=1e-12)
    assert found.mean_votes_per_item == 14 / 4


def test_a_single_vote_has_the_reliability_that_spearman_and_brown_scale_up():
    found = agreement_of_counts(even(1))
    again = spearman_brown(found.single_vote_reliability, 8)
    assert again == pytest.approx(found.cronbach_alpha, rel=1e-12)


def test_depth_raises_cronbach_alpha_but_not_the_single_vote():
    rng = np.random.default_rng(2)
    shares = rng.dirichlet(np.ones(5), size=3000)
    shallow, deep = (
        agreement_of_counts(np.array([rng.multinomial(depth, p) for p in shares]))
        for depth in (5, 40)
    )
    assert deep.cronbach_alpha > shallow.cronbach_alpha + 0.2
    assert deep.single_vote_reliability == pytest.approx(shallow.single_vote_reliability, abs=0.02)


def test_data_like_the_papers_give_its_alpha_before_and_after_screening():
    rng = np.random.default_rng(0)
    sim = crowd(29_672, 315, 40, rng, random=12, one_key=10, adversarial=8)
    honest = sim.votes.select(sim.kind[sim.votes.annotator] == 0)
    start = time.process_time()
    before = agreement(sim.votes).cronbach_alpha
    seconds = time.process_time() - start
    assert before == pytest.approx(0.956, abs=0.002)
    assert agreement(honest).cronbach_alpha == pytest.approx(0.966, abs=0.002)
    assert seconds < 0.1


@pytest.mark.parametrize(
    "counts",
    [
        np.zeros((0, 3)),
        np.zeros((4, 3)),
        np.array([[1, 0], [0, 1]]),  # one vote each
        np.array([[5, 0]]),  # one item
        np.array([[5, 0], [3, 0]]),  # all equal
    ],
)
def test_what_is_undefined_is_none_and_never_nan(counts):
    found = agreement_of_counts(counts)
    assert found.cronbach_alpha is None or np.isfinite(found.cronbach_alpha)
    assert found.single_vote_reliability is None or np.isfinite(found.single_vote_reliability)
    assert found.fleiss_kappa is None
    assert found.krippendorff_alpha is None


def test_perfect_agreement_is_one():
    found = agreement_of_counts([[4, 0], [0, 3], [5, 0]])
    assert found.cronbach_alpha == found.fleiss_kappa == found.krippendorff_alpha == 1


def test_agreement_over_time_ends_with_the_whole_and_follows_the_clock():
    votes = crowd(40, 8, 6, np.random.default_rng(1)).votes
    when = np.random.default_rng(2).permutation(len(votes)).astype(float)
    over = agreement_over_time(votes, when, n_points=4)
    assert over.n_votes.tolist() == [60, 120, 180, 240]
    assert over.last.tolist() == [59, 119, 179, 239]
    assert over.agreement[-1] == agreement(votes)
    assert over.agreement[1] == agreement(votes.select(when < 120))


def test_times_that_do_not_fit_the_votes_are_refused():
    votes = Votes([0, 0], [0, 1], [1, 1], n_items=1, n_annotators=2, n_classes=2)
    with pytest.raises(ValueError, match="when: shape"):
        agreement_over_time(votes, [1.0])
