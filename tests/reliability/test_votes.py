"""The votes: what is refused, in which words, and what order means."""

import numpy as np
import pytest

from reliability import Votes

SIZES = {"n_items": 3, "n_annotators": 2, "n_classes": 4}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (([0, 3], [0, 1], [1, 1]), r"item\[1\] is 3, outside 0–2"),
        (([0, 1], [0, -1], [1, 1]), r"annotator\[1\] is -1, outside 0–1"),
        (([0, 1], [0, 1], [1, 4]), r"expression\[1\] is 4, outside 0–3"),
        (([0.0, 1.0], [0, 1], [1, 1]), "item holds float64, not integers"),
        (([[0]], [0], [1]), r"item has shape \(1, 1\)"),
        (([0, 1], [0], [1, 1]), "annotator has 1 values but item has 2"),
        (([2, 0, 2], [1, 0, 1], [1, 1, 2]), r"annotator\[2\] is 1, who already voted on item 2"),
    ],
)
def test_bad_votes_are_refused_by_field_position_and_range(arrays, words):
    with pytest.raises(ValueError, match=words):
        Votes(*arrays, **SIZES)


@pytest.mark.parametrize(("name", "value"), [("n_classes", 1), ("n_items", -1), ("n_items", 2.5)])
def test_bad_sizes_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        Votes([], [], [], **(SIZES | {name: value}))


def test_digest_knows_the_votes_and_not_their_order():
    item, annotator, expression = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), np.arange(4)
    there = Votes(item, annotator, expression, **SIZES)
    back = Votes(item[::-1], annotator[::-1], expression[::-1], **SIZES)
    other = Votes(item, annotator, expression[::-1], **SIZES)
    assert there.digest == back.digest
    assert there.digest != other.digest


def test_counts_and_selection_keep_the_sizes():
    votes = Votes([0, 0, 2], [0, 1, 1], [3, 3, 0], **SIZES)
    assert votes.counts.tolist() == [[0, 0, 0, 2], [0, 0, 0, 0], [1, 0, 0, 0]]
    kept = votes.select(votes.annotator == 1)
    assert (len(kept), kept.n_items, kept.n_annotators) == (2, 3, 2)
    assert kept.votes_per_item.tolist() == [1, 0, 1]
