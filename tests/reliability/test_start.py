"""A start from an earlier fit: it travels through a file and to other people and items."""

import numpy as np
import pytest

from reliability import Votes, estimate, simulate, start, start_after


def test_a_start_survives_its_file_and_new_people_and_items(tmp_path):
    crowd = simulate.crowd(2600, 24, 20, np.random.default_rng(2))  # below 50,000 it searches anew
    votes = crowd.votes
    known = votes.item < 2590
    earlier = Votes(
        votes.item[known], votes.annotator[known], votes.expression[known],
        n_items=2590, n_annotators=24,
    )  # fmt: skip
    path = tmp_path / "start.npz"
    start_after(estimate(earlier)).save(path, ids=np.arange(2590))
    found, more = start.load(path)
    np.testing.assert_array_equal(more["ids"], np.arange(2590))
    assert found.before is not None
    assert len(found.before.alpha) == 24
    assert set(more) == {"ids"}
    order = np.append(np.full(10, -1), np.arange(2590))  # the new items come first
    moved = Votes(
        (votes.item + 10) % 2600, votes.annotator, votes.expression, n_items=2600, n_annotators=24
    )
    warm = estimate(moved, start=found.renumbered(np.arange(24), order))
    cold = estimate(moved)
    np.testing.assert_allclose(warm.reliability, cold.reliability, atol=0.02)
    assert (warm.consensus == cold.consensus).all()
    assert warm.iterations < cold.iterations


def test_another_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", alpha=np.zeros(3))
    with pytest.raises(ValueError, match="not a start"):
        start.load(tmp_path / "other.npz")
