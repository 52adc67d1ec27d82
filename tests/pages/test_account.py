"""Coming in: signing in, accepting an invitation, tokens."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from annotation.people import services
from annotation.people.models import Membership, Person, Role, Token
from tests.conftest import PASSWORD, Cast

pytestmark = pytest.mark.django_db
NEWCOMER = {"username": "nora", "display_name": "Nora", "password": "a long enough phrase"}


def invited(cast: Cast, role: str = Role.ANNOTATOR, **limits: int) -> tuple[str, object]:
    invitation, secret = services.invite(cast.project, role, cast.carla, **limits)
    return reverse("invitation", args=[secret]), invitation


def test_person_signs_in_and_lands_in_their_only_project(cast: Cast) -> None:
    cache.clear()
    answer = Client().post(
        reverse("sign-in"), {"username": "alice", "password": PASSWORD}, follow=True
    )
    assert answer.request["PATH_INFO"] == f"/p/{cast.project.slug}/"


def test_stranger_is_sent_to_sign_in_and_outsider_finds_nothing(cast: Cast) -> None:
    address = reverse("project", args=[cast.project.slug])
    assert Client().get(address).headers["Location"] == f"/sign-in/?next={address}"
    assert cast.client(cast.olga).get(address).status_code == 404


def test_newcomer_joins_by_invitation(cast: Cast) -> None:
    address, _ = invited(cast)
    answer = Client().post(address, NEWCOMER)
    assert answer.status_code == 302
    member = Membership.objects.get(person__username="nora")
    assert (member.project, member.role) == (cast.project, Role.ANNOTATOR)


def test_invitation_opens_only_as_often_as_it_says(cast: Cast) -> None:
    address, _ = invited(cast, max_uses=1)
    Client().post(address, NEWCOMER)
    assert Client().get(address).status_code == 410
    assert Client().post(address, {**NEWCOMER, "username": "second"}).status_code == 410
    assert not Person.objects.filter(username="second").exists()


def test_taken_name_is_refused_beside_its_field_and_uses_nothing_up(cast: Cast) -> None:
    address, invitation = invited(cast)
    answer = Client().post(address, {**NEWCOMER, "username": "alice"})
    assert answer.status_code == 200
    assert answer.context["form"].errors["username"]
    invitation.refresh_from_db()
    assert invitation.n_uses == 0


def test_member_accepts_with_the_account_they_have(cast: Cast) -> None:
    address, _ = invited(cast, Role.RESEARCHER)
    cast.client(cast.olga).post(address)
    assert Membership.objects.filter(person=cast.olga, role=Role.RESEARCHER).exists()


def test_excluded_person_cannot_come_back_by_an_old_link(cast: Cast) -> None:
    address, _ = invited(cast, max_uses=5)
    services.exclude(cast.annotator(cast.alice), "presses one key")
    cast.client(cast.alice).post(address)
    assert not cast.annotator(cast.alice).is_active


def test_last_curator_cannot_be_excluded(cast: Cast) -> None:
    curator = Membership.objects.get(person=cast.carla)
    with pytest.raises(Exception, match="needs a curator"):
        services.exclude(curator, "no reason")


def test_token_is_shown_once_and_kept_as_digest(cast: Cast) -> None:
    client = cast.client(cast.rafik)
    answer = client.post(
        reverse("account-tokens"), {"name": "cluster", "scope": "researcher", "days": "30"}
    )
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert secret not in client.get(reverse("account")).content.decode()
    assert Token.objects.get().digest == services.token_digest(secret)


def test_nobody_revokes_the_token_of_another(cast: Cast) -> None:
    token, _ = services.create_token(cast.rafik, "mine", "researcher")
    address = reverse("account-token-revoke", args=[token.pk])
    assert cast.client(cast.alice).post(address).status_code == 404
    assert cast.client(cast.rafik).post(address).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_wrong_new_password_is_refused_and_the_old_one_stays(cast: Cast) -> None:
    answer = cast.client(cast.alice).post(
        reverse("account-password"),
        {"old_password": PASSWORD, "new_password1": "12345", "new_password2": "12345"},
    )
    assert answer.status_code == 400
    cast.alice.refresh_from_db()
    assert cast.alice.check_password(PASSWORD)
