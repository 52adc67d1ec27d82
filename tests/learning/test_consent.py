"""Nobody votes before they agreed; whoever withdraws is gone with their votes, as was said."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from annotation.labelling import parting, queries, services
from annotation.labelling.models import Assignment, Coverage, Vote
from annotation.learning import consent
from annotation.learning.models import Consent, ConsentText
from annotation.people import services as people
from annotation.people.models import Role
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ImagesIn = Callable[[Any, int], list[int]]
API = "/api/v1/projects/faces"
JSON = "application/json"


@pytest.fixture
def asked(cast: Cast, images_in: ImagesIn) -> Cast:
    """The project asks for consent, and has faces."""
    images_in(cast.project, 4)
    consent.write_consent(cast.project, "Please agree.", cast.carla, "Some cry.")
    return cast


def answer(cast: Cast, person: Any, n: int = 4) -> list[Assignment]:
    """The person answers ``n`` faces through the service."""
    me = cast.annotator(person)
    drawn = services.top_up(me, n)
    for one in drawn:
        services.record_vote(one.pk, me, services.Answer(3))
    return drawn


def test_annotator_gets_no_face_and_gives_no_vote_before_consent(asked: Cast) -> None:
    client = asked.client(asked.alice)
    told = client.get(f"{API}/assignments/")
    assert told.status_code == 409
    assert told.json()["step"] == "consent"
    assert client.get(told.json()["url"]).status_code == 200
    mine = services.top_up(asked.annotator(asked.alice), 1)[0]
    put = client.put(f"{API}/assignments/{mine.pk}/vote/", {"expression": 4}, JSON)
    assert put.status_code == 409
    assert client.get("/p/faces/label/")["Location"] == "/p/faces/consent/"
    assert not Vote.objects.exists()


def test_accepting_opens_the_faces_and_is_recorded_once(asked: Cast) -> None:
    client = asked.client(asked.alice)
    page = client.get("/p/faces/consent/").content.decode()
    assert "Please agree." in page
    assert "Some cry." in page
    for _ in range(2):
        assert client.put(f"{API}/consent/mine/", {"version": 1}, JSON).status_code == 200
    assert Consent.objects.count() == 1
    assert client.get(f"{API}/assignments/").status_code == 200
    assert client.post("/p/faces/consent/", {"version": "1"})["Location"] == "/p/faces/label/"


def test_new_text_asks_again_and_loses_no_vote_under_way(asked: Cast) -> None:
    client = asked.client(asked.alice)
    client.put(f"{API}/consent/mine/", {"version": 1}, JSON)
    mine = client.get(f"{API}/assignments/").json()["results"]
    curator = asked.client(asked.carla)
    told = curator.put(f"{API}/consent/", {"text": "Please agree anew."}, JSON)
    assert told.json()["version"] == 2
    put = client.put(f"{API}/assignments/{mine[0]['id']}/vote/", {"expression": 4}, JSON)
    assert put.status_code == 200, "it was given under a standing consent"
    assert put.json()["next"] == []
    assert client.get(f"{API}/assignments/").json()["step"] == "consent"
    assert client.put(f"{API}/consent/mine/", {"version": 1}, JSON).status_code == 400
    assert client.put(f"{API}/consent/mine/", {"version": 2}, JSON).status_code == 200
    assert client.get(f"{API}/assignments/").status_code == 200


def test_same_words_make_no_new_version_and_texts_never_share_one(asked: Cast) -> None:
    again = consent.write_consent(asked.project, "Please agree.\r\n", asked.carla, "Some cry.")
    assert again.version == 1
    with pytest.raises(ValidationError):
        consent.write_consent(asked.project, "  ", asked.carla)
    with pytest.raises(IntegrityError), transaction.atomic():
        ConsentText.objects.create(project=asked.project, version=1, text="Other words.")


def test_only_curators_write_what_people_agree_to(asked: Cast) -> None:
    for person in (asked.alice, asked.rafik, asked.olga):
        put = asked.client(person).put(f"{API}/consent/", {"text": "Mine."}, JSON)
        assert put.status_code == 404
    assert asked.client(asked.carla).delete(f"{API}/consent/").status_code == 204
    assert asked.client(asked.alice).get(f"{API}/assignments/").status_code == 200


def test_withdrawal_discards_votes_and_draws_the_images_again(asked: Cast) -> None:
    me = asked.annotator(asked.alice)
    consent.give_consent(me, 1)
    answer(asked, asked.alice, 3)
    services.top_up(me, 1)
    done = asked.client(asked.alice).post(f"{API}/withdrawal/", {"withdraw": True}, JSON)
    assert done.json() == {"n_places": 4, "votes": "discard"}
    assert len(queries.votes_of(asked.project)[0]) == 0
    assert Vote.objects.count() == 3, "nothing is erased"
    assert set(Coverage.objects.values_list("n_live", "target")) == {(0, 2)}
    assert asked.client(asked.alice).get("/p/faces/").status_code == 404
    assert not Consent.objects.filter(ended_at=None).exists()
    with pytest.raises(ValidationError, match="withdrew"):
        parting.readmit(asked.annotator(asked.alice))


def test_withdrawal_keeps_votes_where_the_project_says_so(asked: Cast) -> None:
    asked.project.after_withdrawal = "keep"
    asked.project.save()
    consent.give_consent(asked.annotator(asked.alice), 1)
    answer(asked, asked.alice)
    page = asked.client(asked.alice).get("/p/faces/me/").content.decode()
    assert "Your answers stay in the project" in page
    gone = asked.client(asked.alice).post("/p/faces/me/withdraw/", follow=True)
    assert "Your answers stay under a code" in gone.content.decode()
    assert len(queries.votes_of(asked.project)[0]) == 4


def test_who_comes_back_by_invitation_is_asked_again(asked: Cast) -> None:
    consent.give_consent(asked.annotator(asked.alice), 1)
    consent.withdraw(asked.annotator(asked.alice))
    invitation, _ = people.invite(asked.project, Role.ANNOTATOR, asked.carla)
    people.accept_invitation(invitation, asked.alice)
    client = asked.client(asked.alice)
    assert client.get(f"{API}/assignments/").json()["step"] == "consent"
    client.put(f"{API}/consent/mine/", {"version": 1}, JSON)
    assert client.get(f"{API}/assignments/").status_code == 200
    assert Consent.objects.count() == 2


@pytest.mark.parametrize(
    ("stand", "n_counting", "coverage"),
    [("count", 4, (1, 2)), ("replaced", 0, (0, 2)), ("dropped", 0, (0, 1))],
)
def test_exclusion_does_to_votes_what_was_chosen_and_can_be_undone(
    cast: Cast, images_in: ImagesIn, stand: str, n_counting: int, coverage: tuple[int, int]
) -> None:
    images_in(cast.project, 4)
    answer(cast, cast.alice)
    me = cast.annotator(cast.alice)
    change = f"/p/faces/people/{me.code}/change/"
    curator = cast.client(cast.carla)
    curator.post(change, {"deed": "exclude", "reason": "one key only", "votes": stand})
    assert len(queries.votes_of(cast.project)[0]) == n_counting
    assert set(Coverage.objects.values_list("n_live", "target")) == {coverage}
    curator.post(change, {"deed": "readmit"})
    assert len(queries.votes_of(cast.project)[0]) == 4
    assert set(Coverage.objects.values_list("n_live", "target")) == {(1, 2)}
    assert queries.live_counts(cast.project)[me.pk] == 4


def test_readmitted_votes_whose_places_are_taken_stay_out(
    cast: Cast, images_in: ImagesIn, annotators_in: Any
) -> None:
    images_in(cast.project, 4)
    answer(cast, cast.alice)
    parting.exclude(cast.annotator(cast.alice), "careless", "replaced")
    for other in (*annotators_in(cast.project, 2), cast.annotator(cast.bob)):
        for one in services.top_up(other, 4):
            services.record_vote(one.pk, other, services.Answer(1))
    n_free = Coverage.objects.filter(n_live__lt=2).count()
    assert n_free < 4
    back = parting.readmit(cast.annotator(cast.alice))
    assert (back.n_votes, back.n_lost) == (n_free, 4 - n_free)
    assert set(Coverage.objects.values_list("n_live", "target")) == {(2, 2)}
    assert len(queries.votes_of(cast.project)[0]) == 8


def test_project_opened_on_its_page_asks_for_consent(cast: Cast) -> None:
    cast.carla.is_staff = True
    cast.carla.save()
    cast.client(cast.carla).post(
        "/new-project/", {"name": "Street", "target_votes": "3", "licence": ""}
    )
    text = ConsentText.objects.get(project__slug="street")
    assert (text.version, text.project.consent_version) == (1, 1)
    assert "withdraw" in text.text
