"""The personas that tests speak of: two annotators, a curator, a researcher, an outsider."""

from dataclasses import dataclass

import pytest
from django.test import Client

from annotation.people import services as people
from annotation.people.models import Membership, Person, Project, Role

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Cast:
    """A project with its people. ``alice`` and ``bob`` annotate; ``olga`` is an outsider."""

    project: Project
    alice: Person
    bob: Person
    carla: Person
    rafik: Person
    olga: Person

    def annotator(self, person: Person) -> Membership:
        return Membership.objects.get(project=self.project, person=person, role=Role.ANNOTATOR)

    def client(self, person: Person) -> Client:
        """A browser in which this person is signed in."""
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def token(self, person: Person, scope: str) -> dict[str, str]:
        """Headers that authenticate as this person with a token of a scope."""
        _, secret = people.create_token(person, "test", scope)
        return {"authorization": f"Bearer {secret}"}


@pytest.fixture
def cast(db: None) -> Cast:
    alice, bob, carla, rafik, olga = (
        people.create_person(name, PASSWORD) for name in ("alice", "bob", "carla", "rafik", "olga")
    )
    project = people.create_project("Faces", curator=carla, target_votes=2)
    people.join(project, alice, Role.ANNOTATOR)
    people.join(project, bob, Role.ANNOTATOR)
    people.join(project, rafik, Role.RESEARCHER)
    return Cast(project, alice, bob, carla, rafik, olga)
