"""A curator decides on what could not be labelled: exclude, keep, give back, and undo."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from annotation.images.models import Image
from annotation.labelling import flags
from annotation.labelling import services as labelling
from annotation.labelling.models import Assignment, Flag
from annotation.people.models import Project
from tests.conftest import Cast

ImagesIn = Callable[[Project, int], list[int]]
State = Assignment.State
PAGE = "/p/faces/flags/"


@pytest.fixture
def flagged(cast: Cast, images_in: ImagesIn) -> Image:
    """An image that both annotators flagged; another one that alice flagged."""
    images_in(cast.project, 3)
    mine = {a.image_id: a for a in labelling.top_up(cast.annotator(cast.alice), 3)}
    theirs = {a.image_id: a for a in labelling.top_up(cast.annotator(cast.bob), 3)}
    first, second = sorted(mine)[1:]
    for person, given, image in (
        (cast.alice, mine, first), (cast.alice, mine, second), (cast.bob, theirs, second)
    ):  # fmt: skip
        me = cast.annotator(person)
        labelling.flag_assignment(given[image].pk, me, "no_face", "<b>two people</b>")
    return Image.objects.get(pk=second)


def states(image: Image) -> set[str]:
    return set(Assignment.objects.filter(image=image).values_list("state", flat=True))


def test_what_most_flagged_comes_first_and_counts_once(cast: Cast, flagged: Image) -> None:
    now = flags.flagged(cast.project)
    assert now is not None
    assert (now.image, now.reasons, now.n_waiting) == (flagged, {"no_face": 2}, 2)
    assert flags.n_images_waiting(cast.project) == 2


def test_excluding_takes_it_out_of_the_line_and_undo_puts_it_back(
    cast: Cast, flagged: Image
) -> None:
    assert flags.decide(flagged, "exclude", cast.carla) == 2
    flagged.refresh_from_db()
    assert (flagged.state, flagged.state_reason) == ("excluded", "flagged: no face")
    assert flags.n_images_waiting(cast.project) == 1
    with pytest.raises(ValidationError, match="already"):
        flags.decide(flagged, "keep", cast.carla)
    assert flags.reopen(flagged) == 2
    flagged.refresh_from_db()
    assert flagged.state == "active"
    assert flags.n_images_waiting(cast.project) == 2


def test_kept_images_are_not_asked_of_the_same_people_but_given_back_ones_are(
    cast: Cast, flagged: Image
) -> None:
    flags.decide(flagged, "keep", cast.carla)
    assert states(flagged) == {State.FLAGGED}
    flags.reopen(flagged)
    flags.decide(flagged, "give_back", cast.carla)
    assert states(flagged) == {State.LAPSED}
    drawn = labelling.top_up(cast.annotator(cast.alice), 10)
    assert flagged.pk in [assignment.image_id for assignment in drawn]


def test_an_image_given_back_and_flagged_again_waits_again(cast: Cast, flagged: Image) -> None:
    flags.decide(flagged, "give_back", cast.carla)
    alice = cast.annotator(cast.alice)
    labelling.top_up(alice, 10)
    mine = alice.assignments.get(image=flagged)
    labelling.flag_assignment(mine.pk, alice, "broken")
    now = flags.flagged(cast.project)
    assert flags.n_images_waiting(cast.project) == 2
    assert now is not None
    labelling.flag_assignment(mine.pk, alice, "broken")  # a resend
    flags.decide(flagged, "keep", cast.carla)
    labelling.flag_assignment(mine.pk, alice, "broken")  # a resend that comes late
    assert flags.n_images_waiting(cast.project) == 1


def test_the_page_shows_notes_as_text_and_goes_on_with_the_queue(
    cast: Cast, flagged: Image
) -> None:
    carla = cast.client(cast.carla)
    shown = carla.get(PAGE).content.decode()
    assert "&lt;b&gt;two people&lt;/b&gt;" in shown
    assert 'data-hotkey="e"' in shown
    answer = carla.post(f"{PAGE}{flagged.uid}/", {"deed": "exclude", "at": "0"})
    assert answer.url == PAGE
    after = carla.get(PAGE)
    assert after.context["now"].image != flagged
    assert [flag.assignment.image for flag in after.context["lately"]] == [flagged]
    carla.post(f"{PAGE}{flagged.uid}/", {"deed": "reopen"})
    assert carla.get(PAGE).context["now"].image == flagged
    assert carla.get(f"{PAGE}?at=1").context["now"].image != flagged


def test_api_lists_and_decides(cast: Cast, flagged: Image) -> None:
    carla = cast.client(cast.carla)
    address = "/api/v1/projects/faces/flags/"
    assert len(carla.get(address).json()["results"]) == 3
    decision = f"{address}{flagged.uid}/decision/"
    json = {"content_type": "application/json"}
    assert carla.put(decision, {"decision": "burn"}, **json).status_code == 400
    assert carla.put(decision, {"decision": "keep"}, **json).json() == {"n_flags": 2}
    assert carla.put(decision, {"decision": "keep"}, **json).status_code == 400
    assert Flag.objects.filter(decided_by=cast.carla).count() == 2
