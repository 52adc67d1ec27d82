"""What curators do about people: find them, invite many, change roles, watch."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from annotation.labelling import parting, watch
from annotation.labelling import services as labelling
from annotation.labelling.models import Vote
from annotation.labelling.pulse import take_pulse
from annotation.pages.bars import bars
from annotation.pages.crowd import crowd_of
from annotation.people import inviting, services
from annotation.people.models import Invitation, Membership, Project, Role
from tests.conftest import Cast
from tests.labelling.conftest import images_in as images_in

ImagesIn = Callable[[Project, int], list[int]]


def vote(cast: Cast, person: Any, n: int) -> Membership:
    me = cast.annotator(person)
    for assignment in labelling.top_up(me, n):
        labelling.record_vote(assignment.pk, me, labelling.Answer(3, response_ms=1_500))
    return me


def codes(cast: Cast, **asked: str) -> list[str]:
    return [row.member.code for row in crowd_of(cast.project, asked).rows]


def test_people_are_sorted_and_chosen_by_what_they_did(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 5)
    alice, bob = vote(cast, cast.alice, 2), vote(cast, cast.bob, 4)
    assert codes(cast, role="annotator", sort="-votes") == [bob.code, alice.code]
    assert codes(cast, role="annotator", sort="votes") == [alice.code, bob.code]
    assert codes(cast, q="ali") == [alice.code]
    parting.exclude(bob, "presses one key")
    assert codes(cast, state="inactive") == [bob.code]
    assert codes(cast, sort="nonsense") == codes(cast)


def test_the_table_of_people_takes_as_many_queries_for_many_as_for_few(cast: Cast) -> None:
    def n_queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            crowd_of(cast.project, {})
        return len(seen)

    few = n_queries()
    for i in range(40):
        services.join(cast.project, services.create_person(f"p{i}", None), Role.ANNOTATOR)
    assert len(crowd_of(cast.project, {}).rows) == 44
    assert n_queries() == few


def test_a_column_is_sorted_by_its_head_and_back_again(cast: Cast) -> None:
    carla = cast.client(cast.carla)
    page = f"/p/{cast.project.slug}/people/"
    shown = carla.get(page + "?role=annotator&sort=-votes").content.decode()
    assert 'aria-sort="descending"><a href="?role=annotator&amp;sort=votes"' in shown
    assert 'aria-sort="none"><a href="?role=annotator&amp;sort=-week"' in shown


def test_a_table_of_names_makes_a_table_of_links_that_open(cast: Cast) -> None:
    carla = cast.client(cast.carla)
    table = "﻿name,role,days\nAda,,\nGrace,coder,30\n".encode()
    answer = carla.post(
        f"/p/{cast.project.slug}/people/invitations/table/",
        {"table": SimpleUploadedFile("people.csv", table)},
    )
    links = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["name"] for row in links] == ["Ada", "Grace"]
    assert [row["role"] for row in links] == ["annotator", "coder"]
    secret = links[1]["link"].rstrip("/").rpartition("/")[2]
    opened = services.open_invitation(secret)
    assert opened is not None
    assert (opened.role, opened.max_uses, opened.note) == ("coder", 1, "Grace")
    assert answer["Cache-Control"].startswith("no-store")


def test_wrong_lines_are_all_named_and_no_link_is_made(cast: Cast) -> None:
    table = b"name,role,days\nAda,boss,14\n,annotator,14\nGrace,annotator,soon\nLise,coder,7\n"
    answer = cast.client(cast.carla).post(
        f"/p/{cast.project.slug}/people/invitations/table/",
        {"table": SimpleUploadedFile("people.csv", table)},
    )
    assert answer.status_code == 400
    shown = answer.content.decode()
    for told in ("line 2: role: 'boss'", "line 3: name:", "line 4: days: 'soon'"):
        assert escape(told) in shown
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("text", ["", "who,role\nAda,coder", "name,name\nA,B", "name\n\n"])
def test_a_table_without_its_columns_or_people_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        inviting.read(text)


def test_a_closed_link_opens_no_more(cast: Cast) -> None:
    made, secret = services.invite(cast.project, Role.CODER, cast.carla, note="Lise")
    carla = cast.client(cast.carla)
    page = f"/p/{cast.project.slug}/people/invitations/"
    assert "Lise" in carla.get(page).content.decode()
    carla.post(f"{page}{made.pk}/close/")
    assert services.open_invitation(secret) is None


def test_a_role_is_given_beside_or_instead(cast: Cast) -> None:
    alice = cast.annotator(cast.alice)
    coder = parting.change_role(alice, Role.CODER, keep=True)
    assert services.roles_of(alice) == ["annotator", "coder"]
    parting.change_role(coder, Role.RESEARCHER)
    assert services.roles_of(alice) == ["annotator", "researcher"]
    with pytest.raises(ValidationError, match="already"):
        parting.change_role(alice, Role.RESEARCHER)


def test_the_last_curator_stays_one(cast: Cast) -> None:
    carla = cast.project.memberships.get(role=Role.CURATOR)
    with pytest.raises(ValidationError, match="needs a curator"):
        parting.change_role(carla, Role.ANNOTATOR)
    assert services.roles_of(carla) == ["curator"]


def test_histogram_counts_answers_and_not_what_is_drawn(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 4)
    vote(cast, cast.alice, 3)
    labelling.top_up(cast.annotator(cast.bob), 4)
    assert watch.votes_per_image(cast.project) == [(0, 1), (1, 3), (2, 0)]


def test_days_sum_pulses_and_what_no_pulse_wrote(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 5)
    now = timezone.now()
    vote(cast, cast.alice, 2)
    take_pulse(cast.project, now - timedelta(days=3))
    vote(cast, cast.bob, 3)
    days = watch.votes_by_day(cast.project, now)
    assert [n for _, n in days][-4:] == [2, 0, 0, 3]
    assert len(days) == 14


def test_the_last_minutes_name_who_labels_and_forget_who_stopped(
    cast: Cast, images_in: ImagesIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    images_in(cast.project, 5)
    bob, alice = vote(cast, cast.bob, 3), vote(cast, cast.alice, 2)
    now = timezone.now()
    Vote.objects.filter(assignment__annotator=bob).update(voted_at=now - timedelta(minutes=20))
    seen = watch.lately(cast.project, now)
    assert [(one.member, one.n_votes, one.median_s) for one in seen.people] == [(alice, 2, 1.5)]
    assert seen.minutes[-1] == (0, 2)
    monkeypatch.setattr(watch, "TAIL", 1)
    shorter = watch.lately(cast.project, now + timedelta(seconds=30))
    assert shorter.window < timedelta(minutes=2)
    assert shorter.n_votes <= 1


def test_the_part_about_now_comes_alone(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 3)
    vote(cast, cast.alice, 2)
    page = f"/p/{cast.project.slug}/progress/"
    carla = cast.client(cast.carla)
    whole = carla.get(page).content.decode()
    part = carla.get(page, headers={"hx-request": "true"}).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    assert 'hx-trigger="every 15s"' in part


def test_bars_reach_from_nothing_to_the_top() -> None:
    low, none, high = bars([("a", 1), ("b", 0), ("c", 1000)])
    assert (low.height, none.height, high.height) == (1.5, 0.0, 100.0)
    assert high.x + high.width < 1000
