"""Hasty keys, one key and patterns are told from people who look; what they are told of it."""

import random

import pytest

from annotation.labelling.services import Answer, record_vote, top_up
from annotation.learning.attention import FAST_MS, attention, attention_of
from annotation.learning.standing import Agreement, standing_of
from tests.conftest import Cast
from tests.labelling.conftest import images_in as images_in

LIKE_RAF_DB = [10, 2, 5, 39, 16, 6, 22]


def looked(n: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(7), LIKE_RAF_DB, k=n)


def test_people_who_look_are_hardly_ever_in_doubt() -> None:
    people = [attention(looked(400, seed), [900] * 400) for seed in range(500)]
    assert sum(one.is_in_doubt for one in people) <= 2


@pytest.mark.parametrize("step", range(7))
def test_walking_along_the_keys_is_a_pattern(step: int) -> None:
    rng = random.Random(step)
    answers = [0]
    for _ in range(200):  # every third time the person does look
        answers.append(rng.randrange(7) if rng.random() < 0.33 else (answers[-1] + step) % 7)
    found = attention(answers, [900] * 201)
    assert (found.is_patterned, found.step) == (True, step)


def test_one_key_and_hasty_keys_are_signs_of_their_own() -> None:
    one_key = attention([3] * 90 + looked(20, 1), [900] * 110)
    assert (one_key.is_one_key, one_key.is_hasty, one_key.key) == (True, False, 3)
    hasty = attention(looked(100, 2), [FAST_MS - 1] * 30 + [900] * 70)
    assert (hasty.is_one_key, hasty.is_hasty, hasty.is_patterned) == (False, True, False)


@pytest.mark.parametrize("n", [0, 1, 2, 49])
def test_few_answers_tell_nothing(n: int) -> None:
    assert not attention([3] * n, [1] * n).is_in_doubt


def test_own_page_and_curators_page_tell_what_was_done(cast: Cast, images_in: object) -> None:
    images_in(cast.project, 60)  # type: ignore[operator]
    alice = cast.annotator(cast.alice)
    for n, assignment in enumerate(top_up(alice, 60)):
        record_vote(assignment.pk, alice, Answer(n % 7, response_ms=1500 + n))
    assert attention_of(alice).is_patterned
    standing = standing_of(alice)
    assert standing.pace_s == pytest.approx(1.5295, abs=0.001)
    assert (standing.n_today, standing.agreement) == (60, Agreement.UNKNOWN)
    page = cast.client(cast.alice).get("/p/faces/me/").content.decode()
    assert "It is too early to tell" in page
    seen = cast.client(cast.carla).get(f"/p/faces/people/{alice.code}/").content.decode()
    assert "a pattern" in seen
    cast.project.shows_own_quality = False
    cast.project.save()
    assert "too early" not in cast.client(cast.alice).get("/p/faces/me/").content.decode()
