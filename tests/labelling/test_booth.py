"""The short way of a plain vote: as careful as the long one, believing nothing from before."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.labelling import api, ballot, booth, parting, services
from annotation.labelling.models import Assignment, Vote
from annotation.people import proofs
from annotation.people.models import Membership, Person, Project, Token
from tests.conftest import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignments(cast: Cast, images_in: Any) -> list[Assignment]:
    images_in(cast.project, 4)
    return services.top_up(cast.annotator(cast.alice), 4)


def put(client: Client, assignment: Assignment, expression: Any = 4, **headers: str) -> Any:
    path = f"/api/v1/projects/faces/assignments/{assignment.pk}/vote/"
    body = json.dumps({"expression": expression, "response_ms": 700, "device": "keyboard"})
    return client.put(path, body, content_type="application/json", headers=headers)


def by_token(cast: Cast) -> Client:
    return Client(headers=cast.token(cast.alice, "annotator"))


@pytest.mark.parametrize("signed_in", [True, False])
def test_plain_vote_asks_the_database_once(
    cast: Cast, assignments: list[Assignment], signed_in: bool
) -> None:
    client = cast.client(cast.alice) if signed_in else by_token(cast)
    assert put(client, assignments[0]).status_code == 200, "the first proves who this is"
    with CaptureQueriesContext(connection) as asked:
        assert put(client, assignments[1]).status_code == 200
    said = [q["sql"] for q in asked if "SAVEPOINT" not in q["sql"]]
    drawn = [sql for sql in said if "labelling_share" in sql]
    assert drawn, "few are open here, so a draw follows"
    before = said[: said.index(drawn[0])]
    n_vote, n_member = 1 if connection.vendor == "postgresql" else 5, 1
    assert len(before) <= n_vote + n_member, before
    who = [sql for sql in said if "django_session" in sql or "people_token" in sql]
    assert len(who) <= 1, "nor does any middleware ask who this is"
    assert Vote.objects.count() == 2


@pytest.mark.parametrize("signed_in", [True, False])
def test_both_ways_answer_alike(
    cast: Cast, assignments: list[Assignment], signed_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cast.client(cast.alice) if signed_in else by_token(cast)
    put(client, assignments[0])
    short = put(client, assignments[1], "fear")
    monkeypatch.setattr(api.booth, "plain_vote_in", lambda *_: None)
    long = put(client, assignments[2], "fear")
    told = [answer.json()["stored"] for answer in (short, long)]
    assert told == [
        {"assignment": one.pk, "expression": "fear", "revision": 1} for one in assignments[1:3]
    ]
    assert short["Content-Type"] == long["Content-Type"]
    rows = Vote.objects.filter(assignment__in=assignments[1:3])
    kept = ("expression", "revision", "is_current", "response_ms", "device", "position")
    assert len(set(rows.values_list(*kept))) == 1
    assert {row.assignment.state for row in rows} == {"answered"}


def sign_out(cast: Cast, client: Client) -> None:
    cookie = client.cookies["sessionid"].value
    client.post("/sign-out/")
    client.cookies["sessionid"] = cookie


def change_password(cast: Cast, client: Client) -> None:
    cast.alice.set_password("another horse battery")
    cast.alice.save()


def deactivate(cast: Cast, client: Client) -> None:
    Person.objects.filter(pk=cast.alice.pk).update(is_active=False)


def exclude(cast: Cast, client: Client) -> None:
    parting.exclude(cast.annotator(cast.alice), "test")
    Assignment.objects.filter(votes=None).update(state="open")  # only the membership says no


def ask_consent(cast: Cast, client: Client) -> None:
    Project.objects.update(consent_version=1)


def revoke(cast: Cast, client: Client) -> None:
    Token.objects.update(revoked_at=timezone.now())


def expire(cast: Cast, client: Client) -> None:
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


ENDS = [sign_out, change_password, deactivate, exclude, ask_consent]


@pytest.mark.parametrize("end", ENDS)
def test_what_proved_a_session_once_counts_no_more_from_the_moment_it_ends(
    cast: Cast, assignments: list[Assignment], end: Callable[[Cast, Client], None]
) -> None:
    client = cast.client(cast.alice)
    assert put(client, assignments[0]).status_code == 200
    end(cast, client)
    assert put(client, assignments[1]).status_code in (401, 403, 404, 409)
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("end", [deactivate, exclude, ask_consent, revoke, expire])
def test_token_stops_voting_from_the_moment_it_ends(
    cast: Cast, assignments: list[Assignment], end: Callable[[Cast, Client], None]
) -> None:
    client = by_token(cast)
    for one in assignments[:2]:
        assert put(client, one).status_code == 200
    end(cast, client)
    assert put(client, assignments[2]).status_code in (401, 404, 409)
    assert Vote.objects.count() == 2


def test_a_proof_that_is_believed_would_let_votes_in(
    cast: Cast, assignments: list[Assignment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the equality in the statement, a new password ends nothing."""
    client = cast.client(cast.alice)
    believed = proofs.Proof("believed", " AND p.id = %s", (cast.alice.pk,))
    monkeypatch.setitem(ballot._TYPES, "believed", "bigint, ")
    monkeypatch.setattr(booth, "proof_of", lambda request: believed)
    change_password(cast, client)
    assert put(client, assignments[0]).status_code == 200
    assert Vote.objects.count() == 1


def test_researchers_token_and_other_peoples_assignments_store_nothing(
    cast: Cast, assignments: list[Assignment]
) -> None:
    narrow = Client(headers=cast.token(cast.alice, "researcher"))
    assert put(narrow, assignments[0]).status_code == 404
    for person in (cast.bob, cast.carla, cast.olga):
        client = cast.client(person)
        for _ in range(2):
            assert put(client, assignments[0]).status_code == 404
    assert not Vote.objects.exists()


def test_browser_needs_the_csrf_token(cast: Cast, assignments: list[Assignment]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice, backend="django.contrib.auth.backends.ModelBackend")
    client.get("/account/")
    secret = client.cookies["csrftoken"].value
    assert put(client, assignments[0], **{"x-csrftoken": secret}).status_code == 200
    assert put(client, assignments[1]).status_code == 403
    assert put(client, assignments[1], **{"x-csrftoken": "x" * 32}).status_code == 403
    assert Vote.objects.count() == 1


def test_short_way_is_counted_and_slowed_like_the_long_one(
    cast: Cast, assignments: list[Assignment], settings: Any
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    client = by_token(cast)
    told = [put(client, one).status_code for one in assignments[:3]]
    assert told == [200, 200, 429]
    assert Vote.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_vote_survives_a_connection_that_broke(cast: Cast, assignments: list[Assignment]) -> None:
    client = by_token(cast)
    assert put(client, assignments[0]).status_code == 200
    connection.ensure_connection()
    connection.connection.close()
    assert put(client, assignments[1]).status_code == 200
    assert Vote.objects.count() == 2


def test_membership_of_the_other_role_does_not_vote(
    cast: Cast, assignments: list[Assignment]
) -> None:
    Membership.objects.filter(person=cast.alice).update(role="coder")
    assert put(cast.client(cast.alice), assignments[0]).status_code == 404
    assert not Vote.objects.exists()
