"""The subsets are a partition, and each rule of paper §3.1 holds on its own."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reliability.expressions import COMPOUNDS, Expression
from reliability.partition import Subset, partition, valid_labels


def votes_for(*labels: int, n_classes: int = 7) -> np.ndarray:
    """Weighted votes of one image: ten for each label named, a little for the others."""
    g = np.full((1, n_classes), 0.1)
    g[0, list(labels)] = 10
    return g


@pytest.mark.parametrize(
    ("labels", "subset"),
    [
        ((Expression.FEAR,), Subset.SINGLE_LABEL),
        ((Expression.NEUTRAL,), Subset.SINGLE_LABEL),
        ((Expression.FEAR, Expression.SADNESS), Subset.TWO_TAB),
        ((Expression.HAPPINESS, Expression.ANGER), Subset.TWO_UNNAMED),
        ((Expression.HAPPINESS, Expression.NEUTRAL), Subset.WITH_NEUTRAL),
        ((Expression.FEAR, Expression.ANGER, Expression.NEUTRAL), Subset.WITH_NEUTRAL),
        ((Expression.FEAR, Expression.ANGER, Expression.DISGUST), Subset.MANY),
    ],
)
def test_each_rule_decides_its_own_case(labels, subset):
    assert partition(votes_for(*labels)).subset.tolist() == [subset]


@pytest.mark.parametrize("index", range(len(COMPOUNDS)))
def test_every_named_pair_gets_its_compound(index):
    _, a, b = COMPOUNDS[index]
    assert partition(votes_for(b, a)).compound.tolist() == [index]
    assert partition(votes_for(a, b)).subset.tolist() == [Subset.TWO_TAB]


def test_an_image_without_votes_belongs_to_none():
    parts = partition(np.zeros((3, 7)))
    assert parts.subset.tolist() == [Subset.NONE] * 3
    assert not parts.valid.any()


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e9, 1.0000001])
def test_even_votes_leave_no_label_valid_whatever_the_rounding(value):
    assert not valid_labels(np.full((1, 7), value)).any()


def test_the_mean_counts_negative_weights_too():
    g = np.array([[5.0, -1, -1, -1, -1, -1, 0.5]])  # mean 1/14
    assert valid_labels(g)[0].nonzero()[0].tolist() == [0, 6]


def test_other_class_lists_have_neither_neutral_nor_compounds():
    assert partition(votes_for(1, 4, n_classes=5)).subset.tolist() == [Subset.TWO_UNNAMED]
    seven = partition(votes_for(1, 6), are_expressions=False)
    assert seven.subset.tolist() == [Subset.TWO_UNNAMED]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sum_that_is_not_finite_is_refused_by_its_place(bad):
    g = np.ones((4, 7))
    g[2, 5] = bad
    with pytest.raises(ValueError, match=r"weighted_votes\[2, 5\]"):
        partition(g)


def test_expressions_must_be_seven():
    with pytest.raises(ValueError, match="expressions are 7"):
        partition(np.ones((2, 5)), are_expressions=True)


finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 20), st.just(7)), elements=finite))
def test_every_image_belongs_to_exactly_one_subset(g):
    parts = partition(g)
    assert sum(parts.counts().values()) == len(g)
    n_valid = parts.valid.sum(axis=1)
    for subset, n, row, compound in zip(
        parts.subset, n_valid, parts.valid, parts.compound, strict=True
    ):
        neutral = bool(row[Expression.NEUTRAL])
        assert (subset == Subset.NONE) == (n == 0)
        assert (subset == Subset.SINGLE_LABEL) == (n == 1)
        assert (subset == Subset.WITH_NEUTRAL) == (n >= 2 and neutral)
        assert (subset == Subset.MANY) == (n >= 3 and not neutral)
        assert (subset == Subset.TWO_TAB) == (compound >= 0)


@given(hnp.arrays(np.float64, (5, 7), elements=st.floats(0, 100)), st.floats(0.01, 1000))
def test_the_scale_of_the_reliabilities_does_not_matter(g, scale):
    g = np.round(g, 3)  # apart from the mean by more than rounding
    assert (partition(g).subset == partition(g * scale).subset).all()


def test_counts_name_every_compound_in_order():
    parts = partition(np.concatenate([votes_for(a, b) for _, a, b in COMPOUNDS]))
    assert list(parts.compound_counts().values()) == [1] * 12
    assert parts.counts()[Subset.TWO_TAB] == 12


def test_the_papers_size_is_partitioned_at_once():
    g = np.random.default_rng(0).gamma(0.3, size=(29_672, 7))
    start = time.process_time()
    partition(g)
    assert time.process_time() - start < 0.05
