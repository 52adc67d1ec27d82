"""The demonstration's command line: what is left open, and what cannot be."""

import pytest
from django.core.management.base import CommandError

from annotation.study.management.commands.demo import _votes


@pytest.mark.parametrize(("n_people", "n_votes"), [(20, 19), (60, 40), (41, 40), (2, 1)])
def test_votes_left_open_suit_the_number_of_people(n_people: int, n_votes: int) -> None:
    assert _votes(None, n_people) == n_votes


@pytest.mark.parametrize(("asked", "n_people", "named"), [(30, 20, "--votes"), (0, 20, "--votes"),
                                                          (None, 1, "--people")])  # fmt: skip
def test_a_crowd_that_cannot_give_them_is_refused(
    asked: int | None, n_people: int, named: str
) -> None:
    with pytest.raises(CommandError, match=named):
        _votes(asked, n_people)
