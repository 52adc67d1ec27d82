"""The personas that tests speak of: two annotators, a curator, a researcher, an outsider.

The researcher has accepted the data-use agreement.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import Client
from playwright.sync_api import Browser, sync_playwright
from xdist.scheduler import LoadScopeScheduling

from annotation.agreements import services as agreements
from annotation.audit import protection
from annotation.people import services as people
from annotation.people.models import Membership, Person, Project, Role

_flush = BaseDatabaseOperations.execute_sql_flush


def _flush_with_log(self: Any, sql_list: Any) -> None:
    """Tests that empty their database empty the log too, which only grows elsewhere."""
    protection.lift(self.connection)
    _flush(self, sql_list)
    protection.protect(self.connection)


BaseDatabaseOperations.execute_sql_flush = _flush_with_log
PASSWORD = "correct horse battery"
FLAGS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


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
    return make_cast()


def make_cast() -> Cast:
    alice, bob, carla, rafik, olga = (
        people.create_person(name, PASSWORD) for name in ("alice", "bob", "carla", "rafik", "olga")
    )
    project = people.create_project("Faces", curator=carla, target_votes=2)
    people.join(project, alice, Role.ANNOTATOR)
    people.join(project, bob, Role.ANNOTATOR)
    people.join(project, rafik, Role.RESEARCHER)
    agreements.accept(agreements.agreement_of(project), rafik, "Institute", "A comparison.")
    return Cast(project, alice, bob, carla, rafik, olga)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("*** SKIPPED: no Chromium found; browser tests did not run ***")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs a loop in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class ByFile(LoadScopeScheduling):
    """Spread over processes file by file; the acceptance tests share one installation.

    pytest-xdist's own groups do not reach the scheduler under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "acceptance" if "/acceptance/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
