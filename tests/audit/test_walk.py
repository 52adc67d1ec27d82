"""Every deed of a curator is in the log: a walk over all routes and commands that change something.

The world and the addresses are those of the table of roles (``tests/access``).
"""

import importlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command, get_commands
from django.db import transaction
from django.db.models.functions import Now
from django.test import override_settings

from annotation.audit import edges, services
from annotation.audit.edges import COMMANDS_NOT_LOGGED, NOT_LOGGED, OperatorCommand
from annotation.audit.models import Entry, Kind
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.labelling import services as labelling
from annotation.labelling.models import Coverage
from annotation.learning import gold
from annotation.people import services as people
from annotation.people.models import Role
from tests.access.routes import Row, routes, rows
from tests.access.test_roles import _quiet as _quiet
from tests.access.test_roles import address_of
from tests.access.test_roles import world as world
from tests.access.world import World

pytestmark = pytest.mark.django_db
PHOTOGRAPHS = {"photographs": [{"url": "https://live.staticflickr.com/1/x.jpg"}]}


def votes_csv(world: World) -> SimpleUploadedFile:
    """A vote of somebody new."""
    project, image = world.cast.project, world.cast.project.images.first()
    Coverage.objects.update(target=9)
    code = people.join(project, world.people["staff"], Role.ANNOTATOR).code
    table = f"item,annotator,expression\n{image.uid},{code},fear\n"
    return SimpleUploadedFile("votes.csv", table.encode())


BODIES: dict[str, Callable[[World], Any]] = {
    "POST api:vote-table": lambda w: votes_csv(w).read(),
    "POST votes": lambda w: {"table": votes_csv(w)},
    "POST api:import-list": lambda w: {"path": "access"},
    "POST api:collection-list": lambda w: {"keywords": {"anger": ["rage"]}, "limit": 10},
    "POST api:collection-manifest": lambda w: PHOTOGRAPHS,
    "POST invite-table": lambda w: {"table": SimpleUploadedFile("p.csv", b"name\nAda\n")},
    "POST collect": lambda w: {"door": "flickr", "anger": "rage", "limit": 10, "licences": ["4"]},
    "POST api:takedown-list": lambda w: {"images": [w.objects["uid"]], "reason": "asked"},
    "POST code": lambda w: {
        "form": "plan", "coders_for_points": 3, "coders_for_attributes": 3, "coders_for_units": 2,
        "unit_set": "paper",
    },
    "POST change-consent": lambda w: {"deed": "stop"},
    "PUT api:flag-decision": lambda w: {"decision": "keep"},
    "POST flag-decide": lambda w: {"deed": "exclude"},
    "POST mark-gold": lambda w: {"expression": "fear"},
    "POST estimate-rule": lambda w: {"threshold": "0.25", "confidence": "0.9", "min_votes": "10"},
    "POST edit-tutorial": lambda w: {"deed": "save", "text": "# One step"},
    "POST change-rules": lambda w: {
        "qualification_faces": 0, "qualification_pass_percent": 60, "qualification_tries": 3,
        "qualification_wait_hours": 1,
    },
}  # fmt: skip
"""Bodies of deeds that succeed, where the table of roles is content with a refusal."""


def _hold(world: World) -> None:
    Image.objects.update(state=Image.State.HELD, box=None)


def _end(world: World) -> None:
    Job.objects.filter(kind="import").update(state=Job.State.CANCELLED)


def _fail(world: World) -> None:
    Job.objects.filter(kind="train").update(state=Job.State.FAILED)


def _overrule(world: World) -> None:
    from annotation.estimates.services import overrule

    overrule(world.cast.annotator(world.cast.alice), True, "known to us", world.cast.carla)


def _know(world: World) -> None:
    gold.mark(Image.objects.get(uid=world.objects["uid"]), 1, world.cast.carla)


def _import_one(world: World) -> None:
    """An image that nobody was given."""
    image = Image.objects.first()
    image.pk, image.uid = None, uuid.uuid4()
    image.digest, image.pixel_digest = "a" * 64, "b" * 64
    image.save(force_insert=True)
    labelling.open_images(world.cast.project, [image.pk])


def _flag(world: World) -> None:
    image = Image.objects.get(uid=world.objects["uid"])
    alice = world.cast.annotator(world.cast.alice)
    assignment, _ = alice.assignments.get_or_create(
        image=image, defaults={"expires_at": Now(), "state": "lapsed"}
    )
    labelling.flag_assignment(assignment.pk, alice, "no_face")


BEFORE: dict[str, Callable[[World], None]] = {
    "POST api:face-search": _hold,
    "POST faces": _hold,
    "POST api:import-list": _end,
    "POST api:run-resume": _fail,
    "POST run-resume": _fail,
    "DELETE api:overruling": _overrule,
    "DELETE api:gold": _know,
    "POST api:plan": _import_one,
    "POST draw-plan": _import_one,
    "PUT api:flag-decision": _flag,
    "POST flag-decide": _flag,
}
"""What must be so for a deed to succeed."""


def candidates() -> list[Row]:
    return [
        row
        for row in rows()
        if row.method != "GET"
        and row.name not in NOT_LOGGED
        and (row.answer("curator") != 404 or row.answer("staff") != 404)
    ]


def entries_after(world: World, row: Row) -> tuple[int, list[Entry]]:
    """The answer to one request of a curator, and what it left in the log; rolled back."""
    who = "curator" if row.answer("curator") != 404 else "staff"
    key = f"{row.method} {row.name}"
    with transaction.atomic():
        BEFORE.get(key, lambda world: None)(world)
        body = BODIES[key](world) if key in BODIES else row.body
        options: dict[str, Any] = {"data": body}
        if row.name.startswith("api:"):
            is_table = isinstance(body, bytes)
            options["content_type"] = "text/csv" if is_table else "application/json"
        address = address_of(world, routes()[row.name], who)
        response = getattr(world.client(who), row.method.lower())(address, **options)
        entries = list(Entry.objects.select_related("person"))
        transaction.set_rollback(True)
    return response.status_code, entries


def untold(world: World, only: str = "") -> list[str]:
    """The deeds that failed, or of which no service told by whom and what."""
    wrong = []
    with override_settings(IMPORT_ROOT=settings.BASE_DIR / "tests", FLICKR_API_KEY="key"):
        for row in candidates():
            if only and row.name != only:
                continue
            status, entries = entries_after(world, row)
            told = [e for e in entries if e.kind != Kind.OTHER and e.person and e.network]
            if status >= 400 or not told:
                wrong.append(f"{row.method} {row.name}: {status}, {[str(e) for e in entries]}")
    return wrong


def test_every_deed_of_a_curator_is_told_in_the_log(world: World) -> None:
    wrong = untold(world)
    assert not wrong, "\n".join(wrong)


def test_negative_control_a_deed_that_no_service_tells_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gold, "tell", lambda *args, **kwargs: None)
    assert untold(world, "mark-gold") == ["POST mark-gold: 302, ['carla sent POST mark-gold']"]


def test_what_is_not_logged_is_there_and_has_a_reason() -> None:
    assert NOT_LOGGED.keys() <= routes().keys()
    assert all(NOT_LOGGED.values())


def test_a_vote_and_a_refusal_leave_no_entry(world: World) -> None:
    for row in rows():
        is_vote = row.name == "api:assignment-vote"
        is_refused = row.name == "mark-gold"  # its body in the table chooses nothing
        if row.method == "GET" or not (is_vote or is_refused):
            continue
        with transaction.atomic():
            address = address_of(world, routes()[row.name], "annotator" if is_vote else "curator")
            client = world.client("annotator" if is_vote else "curator")
            kind = {"content_type": "application/json"} if is_vote else {}
            answer = getattr(client, row.method.lower())(address, row.body, **kind)
            assert answer.status_code == (200 if is_vote else 302)
            assert not Entry.objects.exists()
            transaction.set_rollback(True)


def test_a_deed_that_is_rolled_back_leaves_no_entry(world: World) -> None:
    edge = services.Edge(edges.Door.COMMAND, operator="ops")
    with services.opened(edge), transaction.atomic():
        _know(world)
        assert Entry.objects.get().who == "ops"
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


def test_every_command_is_logged_or_has_a_reason_not_to_be() -> None:
    for name, app in get_commands().items():
        if not str(app).startswith("annotation"):
            continue
        command = importlib.import_module(f"{app}.management.commands.{name}").Command
        assert issubclass(command, OperatorCommand) is not (name in COMMANDS_NOT_LOGGED), name


def test_a_command_appears_with_its_operator_and_project(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges.getpass, "getuser", lambda: "ops")
    with transaction.atomic():
        call_command("invite", "faces", "annotator", uses=3)
        told, run = Entry.objects.order_by("pk")
        transaction.set_rollback(True)
    assert (told.who, told.door, told.words) == (
        "ops", "command", "invited up to 3 as annotator for 14 days"
    )  # fmt: skip
    assert (run.words, run.project) == ("ran invite", world.cast.project)
    assert "uses=3" in run.subject
    assert "/invitation/" in capsys.readouterr().out
