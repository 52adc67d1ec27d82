"""Whole campaigns through the API by people who work at once, and how they are recounted."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from annotation.labelling.models import Assignment, Coverage, Vote
from annotation.people import services as people
from annotation.people.models import Membership, Project


@dataclass
class Worker:
    """One person with a token; ``ledger`` is what the site said it stored."""

    membership: Membership
    ledger: dict[int, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    n_left: int | None = None
    """Votes until this person stops, with assignments still open; ``None`` for no such moment."""

    def __post_init__(self) -> None:
        _, secret = people.create_token(self.membership.person, "campaign", "annotator")
        self.client = Client(headers={"authorization": f"Bearer {secret}"})
        self.path = f"/api/v1/projects/{self.membership.project.slug}/assignments/"

    def work(self) -> None:
        """Label until no face is waiting."""
        try:
            while waiting := self._ask():
                for one in waiting:
                    if self.n_left == 0:
                        return
                    self._vote(one["id"])
        except Exception as error:
            self.failures.append(repr(error))

    def _ask(self) -> list[dict[str, Any]]:
        answer = self.client.get(self.path)
        if answer.status_code != 200:
            self.failures.append(f"{answer.status_code} {answer.content.decode()}")
            return []
        waiting: list[dict[str, Any]] = answer.json()["results"]
        return waiting

    def _vote(self, pk: int) -> None:
        body = json.dumps({"expression": pk % 7 + 1})
        answer = self.client.put(f"{self.path}{pk}/vote/", body, content_type="application/json")
        if answer.status_code == 200:
            self.ledger[pk] = answer.json()["stored"]["expression"]
            self.n_left = None if self.n_left is None else self.n_left - 1
        elif answer.status_code != 410:  # an image that was closed meanwhile is no failure
            self.failures.append(f"{answer.status_code} {answer.content.decode()}")


class Sampler(threading.Thread):
    """Recounts live assignments row by row while people work: how far images are apart."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project, self.spreads, self.stop = project, Counter[int](), threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.05):
            self.spreads[spread(self.project)] += 1
        connection.close()


def live_rows(project: Project) -> Counter[int]:
    """Live assignments by image, from the rows themselves."""
    rows = Assignment.objects.filter(
        annotator__project=project, state__in=Assignment.LIVE, image__coverage__is_open=True
    )
    return Counter(rows.values_list("image", flat=True))


def spread(project: Project) -> int:
    images = Coverage.objects.filter(project=project, is_open=True).values_list("pk", flat=True)
    live = live_rows(project)
    counts = [live[image] for image in images]
    return max(counts) - min(counts)


def together(workers: list[Worker], n_threads: int = 12) -> None:
    """Twelve at a time; each works until they stop, then the next takes the chair."""

    def in_turn(some: list[Worker]) -> None:
        try:
            for worker in some:
                worker.work()
        finally:
            connection.close()

    chairs = [workers[i::n_threads] for i in range(min(n_threads, len(workers)))]
    threads = [threading.Thread(target=in_turn, args=(some,)) for some in chairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def campaign(project: Project, workers: list[Worker], rounds: int = 4) -> Counter[int]:
    """Work until nothing is left for anybody; returns how often each spread was seen.

    Who stopped while others still held places comes back, as people do.
    """
    sampler = Sampler(project)
    sampler.start()
    try:
        for _ in range(rounds):
            together(workers)
            if not Assignment.objects.filter(annotator__project=project, state="open").exists():
                break
        for worker in workers:
            worker.work()
    finally:
        time.sleep(0.06)
        sampler.stop.set()
        sampler.join()
    return sampler.spreads


def recount(project: Project) -> tuple[Counter[int], Counter[int]]:
    """Current votes by image and by person; refuses a pair that is there twice."""
    pairs = list(
        Vote.objects.filter(is_current=True, assignment__annotator__project=project).values_list(
            "assignment__image", "assignment__annotator"
        )
    )
    assert len(set(pairs)) == len(pairs), "an image came to one person twice"
    return Counter(image for image, _ in pairs), Counter(person for _, person in pairs)


def stored(workers: Iterable[Worker]) -> bool:
    """Whether what the site said it stored is what it has: each once, with its label."""
    from reliability.expressions import NAMES

    told = {pk: label for worker in workers for pk, label in worker.ledger.items()}
    rows = Vote.objects.filter(is_current=True).values_list("assignment", "expression")
    return told == {pk: NAMES[expression] for pk, expression in rows} and len(rows) == len(told)
