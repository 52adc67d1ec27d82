"""A project in which every kind of object exists, and everybody who might ask for one.

``kwargs(route, who)`` says which object stands in an address when a persona calls it: their own
where the object is personal, else the project's.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.test import Client

from annotation.agreements import services as agreements
from annotation.collecting.models import Collection as Gathering
from annotation.estimates.models import Estimate
from annotation.estimates.planning import request_plan
from annotation.estimates.services import request_estimate
from annotation.faces.models import Finding
from annotation.images import uploads
from annotation.images.models import Import
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling import services as labelling
from annotation.labelling.models import Assignment
from annotation.learning.tutorial import write_tutorial
from annotation.letters import services as letters
from annotation.people import services as people
from annotation.people.models import Membership, Person, Project, Role
from annotation.releases.models import Release
from annotation.runs.models import Run
from annotation.takedowns import services as takedowns
from annotation.webhooks import services as webhooks
from reliability import Subset
from tests.conftest import PASSWORD, Cast, make_cast
from tests.releases.conftest import Collection, built, make_collection

SESSION = "django.contrib.auth.backends.ModelBackend"
PEOPLE = ("anonymous", "outsider", "annotator", "coder", "researcher", "curator", "staff")
TOKENS = ("annotator-token", "researcher-token", "curator-token")
WHO = (*PEOPLE, *TOKENS)
"""The columns of the table. ``outsider`` holds every role in another project; ``staff`` none
anywhere; the tokens belong to one person who holds every role in this project."""


@dataclass
class World:
    """Everything that an address may name, and headers or cookies for every persona."""

    cast: Cast
    people: dict[str, Person]
    elsewhere: Project
    objects: dict[str, Any]
    """By ``kwarg`` or ``route kwarg``: what stands there in an address."""
    own: dict[tuple[str, str], Any] = field(default_factory=dict)
    """By (``route kwarg``, persona): personal objects."""
    _headers: dict[str, dict[str, str]] = field(default_factory=dict)
    _cookies: dict[str, str] = field(default_factory=dict)

    def kwargs(self, route: str, names: set[str], who: str) -> dict[str, Any]:
        """The keyword arguments of a route's address."""
        return {name: self._value(route.removeprefix("api:"), name, who) for name in names}

    def _value(self, route: str, name: str, who: str) -> Any:
        key = f"{route} {name}"
        if (key, who) in self.own:
            return self.own[key, who]
        family = f"{route.split('-')[0]} {name}"
        found = self.objects.get(key, self.objects.get(family, self.objects.get(name)))
        assert found is not None, f"give <{name}> of {route} a value in tests/access/world.py"
        return found() if callable(found) else found

    def client(self, who: str, **options: Any) -> Client:
        """A fresh browser or script of this persona."""
        client = Client(
            headers=self._headers.get(who, {}), raise_request_exception=False, **options
        )
        if who in self._cookies:
            client.cookies["sessionid"] = self._cookies[who]
        return client

    def sign_in(self) -> None:
        for who, person in self.people.items():
            if who in TOKENS:
                scope = who.removesuffix("-token")
                _, secret = people.create_token(person, scope, scope)
                self._headers[who] = {"authorization": f"Bearer {secret}"}
            else:
                client = Client()
                client.force_login(person, backend=SESSION)
                self._cookies[who] = client.cookies["sessionid"].value


def make_world() -> World:
    """The project ``faces`` of the cast, filled; and the project ``elsewhere`` of an outsider."""
    cast = make_cast()
    cody, polly, sam = (people.create_person(n, PASSWORD) for n in ("cody", "polly", "sam"))
    Person.objects.filter(pk=sam.pk).update(is_staff=True)
    sam.refresh_from_db()
    people.join(cast.project, cody, Role.CODER)
    agreements.accept(agreements.agreement_of(cast.project), polly, "Institute", "Everything.")
    elsewhere = people.create_project("Elsewhere", curator=cast.olga)
    for role in Role:
        people.join(cast.project, polly, role)
        people.join(elsewhere, cast.olga, role)
    everybody = {
        "outsider": cast.olga,
        "annotator": cast.alice,
        "coder": cody,
        "researcher": cast.rafik,
        "curator": cast.carla,
        "staff": sam,
        **dict.fromkeys(TOKENS, polly),
    }
    world = World(cast, everybody, elsewhere, _objects(cast, make_collection(cast)))
    _give_everybody_their_own(world)
    world.objects["estimate number"] = _estimate(cast).number
    world.sign_in()
    return world


def _objects(cast: Cast, collection: Collection) -> dict[str, Any]:
    members = Membership.objects.filter(pk=cast.annotator(cast.alice).pk)
    members.update(code="A777")  # codes are counted in each project: this one is only here
    images = collection.add(8, has_display=False)
    labelling.open_images(cast.project, [image.pk for image in images])
    collection.estimate({i: (Subset.SINGLE_LABEL, i % 7) for i in range(8)})
    assert built(cast).state == "succeeded"
    release = Release.objects.get()
    run = _run(cast, release)
    failed = Job.objects.create(project=cast.project, kind="train", state=Job.State.FAILED)
    queued = Job.objects.create(project=cast.project, kind="import")
    asked = takedowns.ask(takedowns.Wish(image=images[1].uid), "203.0.113.1")
    other = takedowns.ask(takedowns.Wish(source_url="https://photos.example/"), "203.0.113.1")
    invitation, secret = people.invite(cast.project, Role.ANNOTATOR, cast.carla)
    tries = cast.annotator(cast.alice).attempts
    tries.create(number=7, ended_at=Now())
    tries.create(number=8).faces.create(position=9, image=images[0], expected=1)
    hook, _ = webhooks.create_webhook(cast.project, cast.carla, "https://hooks.example/faces")
    steps = "".join(f"# Step {i}\n" for i in range(1, 31))  # more than the default has
    write_tutorial(cast.project, steps, cast.carla)
    return {
        "slug": cast.project.slug,
        "tutorial-step number": 30,
        "qualification-try number": 7,
        "qualification-face position": 9,
        "uid": images[0].uid,
        "code": cast.annotator(cast.alice).code,
        "secret": secret,
        "invitation pk": invitation.pk,
        "letter pk": letters.send(cast.project, "Thank you.", cast.carla).pk,
        "version": release.version,
        "run number": run.number,
        "estimate-file file": "report.json",
        "estimate-plan-file file": "plan.json",
        "release-file file": "SHA256SUMS",
        "release-part size": 100_000,
        "release-part number": 1,
        "run-file file": "model.onnx",
        "collection pk": _collection(cast),
        "part": "points",
        "finding-decide pk": Finding.objects.create(image=images[1], kind="none").pk,
        "import pk": Import.objects.get().pk,
        "upload pk": lambda: _upload(cast),
        "takedown pk": asked.matches.get().pk,
        "takedown-close pk": other.pk,
        "takedown-outcome reference": asked.reference,
        "notice-read pk": 1,
        "webhook pk": hook.pk,
        "webhook-again pk": webhooks.ping(hook).pk,
        "job pk": failed.pk,
        "job-cancel pk": queued.pk,
    }


def _collection(cast: Cast) -> int:
    job = Job.objects.create(project=cast.project, kind="collect", state=Job.State.SUCCEEDED)
    made = Gathering.objects.create(job=job, project=cast.project, door="manifest", name="list")
    return made.pk


def _upload(cast: Cast) -> str:
    """An upload under way; a row of the table may have thrown the last one away."""
    waiting = [upload.id for upload in uploads.uploads_of(cast.project.pk)]
    return waiting[0] if waiting else uploads.create(cast.project.pk, 1, "faces.zip", 3).id


def _estimate(cast: Cast) -> Estimate:
    """A real one, of the first votes of everybody who has assignments."""
    for assignment in Assignment.objects.select_related("annotator").order_by("pk"):
        left = assignment.annotator.assignments.filter(state=Assignment.State.OPEN)
        if left.count() > 1:
            answer = labelling.Answer(assignment.image_id % 7)
            labelling.record_vote(assignment.pk, assignment.annotator, answer)
    job, _ = request_estimate(cast.project, cast.carla)
    perform(job.pk, "test")
    made = Estimate.objects.get(job=job)
    planned, _ = request_plan(made, cast.carla)
    perform(planned.pk, "test")
    return made


def _run(cast: Cast, release: Release) -> Run:
    content = b"a network"
    job = Job.objects.create(project=cast.project, kind="train", state=Job.State.SUCCEEDED)
    digest = hashlib.sha256(content).hexdigest()
    run = Run.objects.create(
        project=cast.project,
        number=1,
        release=release,
        job=job,
        recipe="demo",
        code_version="test",
        folder=f"{cast.project.slug}/0001",
        metrics={"mean_diagonal": 0.5},
        files=[{"path": "model.onnx", "size": len(content), "sha256": digest}],
    )
    _write(settings.RUNS_ROOT / run.folder / "model.onnx", content)
    return run


def _give_everybody_their_own(world: World) -> None:
    """A token each; an assignment for whoever annotates. Others name those of ``alice``."""
    for who, person in world.people.items():
        token, _ = people.create_token(person, "own", "annotator")
        world.own["token-detail pk", who] = token.pk
        world.own["account-token-revoke token_id", who] = token.pk
    world.objects["token-detail pk"] = world.own["token-detail pk", "annotator"]
    world.objects["account-token-revoke token_id"] = world.own["token-detail pk", "annotator"]
    members = Membership.objects.filter(project=world.cast.project, role=Role.ANNOTATOR)
    for who, person in world.people.items():
        member = members.filter(person=person).first()
        if member is not None:
            labelling.top_up(member, 4)
            world.own["assignment pk", who] = member.assignments.last().pk
    alices = world.own["assignment pk", "annotator"]
    for route in ("assignment-vote", "assignment-flag"):
        world.objects[f"{route} pk"] = alices
        for who in world.people:
            mine = world.own.get(("assignment pk", who), alices)
            world.own[f"{route} pk", who] = mine


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
