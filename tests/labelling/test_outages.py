"""Every vote that a person saw as saved is stored once, whatever dies meanwhile."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from reliability.expressions import NAMES

from .outages import Missing, Outages, until

PATH = "/api/v1/projects/load/assignments/"


@pytest.fixture
def site() -> Iterator[Outages]:
    made = Outages()
    try:
        made.start()
        yield made
    except Missing as missing:
        pytest.skip(f"*** SKIPPED: no {missing}; nothing was killed under load ***")
    finally:
        made.stop()


class Person(threading.Thread):
    """Somebody whose page sends a vote again until it is answered; ``ledger`` is what they saw."""

    def __init__(self, port: int, token: str, stop: threading.Event, is_hasty: bool) -> None:
        super().__init__()
        self.port, self.token, self.stop, self.is_hasty = port, token, stop, is_hasty
        self.ledger: dict[int, str] = {}
        self.n_lost = 0
        """Requests that ended without an answer, or with the server's own error."""

    def run(self) -> None:
        queue: list[int] = []
        while not self.stop.is_set():
            if not queue:
                queue = [one["id"] for one in self._until_answered("GET", PATH)["results"]]
                continue
            pk = queue.pop()
            said = {"expression": NAMES[pk % 7], "revision": 1}
            told = self._until_answered("PUT", f"{PATH}{pk}/vote/", said)
            self.ledger[pk] = said["expression"] if self.is_hasty else told["stored"]["expression"]

    def _until_answered(self, method: str, path: str, body: Any = None) -> Any:
        """The answer; a hasty person looks for none of a vote, and sends it once."""
        while True:
            try:
                status, answer = self._ask(method, path, body)
                if status == 200:
                    return json.loads(answer)
                assert status >= 500, answer
            except (OSError, http.client.HTTPException):
                pass
            self.n_lost += 1
            if self.is_hasty and method == "PUT":
                return None
            time.sleep(0.02)

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()


class Crowd:
    """Everybody at once, while something is done to the site."""

    def __init__(self, site: Outages, *, is_hasty: bool = False) -> None:
        self.stop, port = threading.Event(), site.ports["web"]
        self.people = [Person(port, token, self.stop, is_hasty) for token in site.tokens]

    def __enter__(self) -> "Crowd":
        for one in self.people:
            one.start()
        self.go_on()
        return self

    def __exit__(self, *why: object) -> None:
        self.stop.set()
        for one in self.people:
            one.join()

    @property
    def saved(self) -> dict[int, str]:
        return {pk: label for one in self.people for pk, label in dict(one.ledger).items()}

    def go_on(self, n: int = 30) -> None:
        """Until so many more votes were seen as saved."""
        reached = len(self.saved) + n
        until(lambda: len(self.saved) >= reached, f"{n} more votes")


def stored(site: Outages) -> list[tuple[int, str]]:
    rows = site.ask_database("SELECT assignment_id, expression FROM labelling_vote")
    return [(pk, NAMES[expression]) for pk, expression in rows]


@pytest.mark.slow
def test_votes_seen_as_saved_are_stored_once_though_all_is_killed(site: Outages) -> None:
    with Crowd(site) as crowd:
        for deed in (site.kill_workers, site.restart_database, site.end_redis, site.kill_workers):
            deed()
            crowd.go_on()
    rows = stored(site)
    assert dict(rows) == crowd.saved
    assert len(rows) == len(crowd.saved), "once each"
    assert sum(one.n_lost for one in crowd.people) > 0, "or nothing was hit"
    counted = """
        SELECT count(*) FROM labelling_coverage c WHERE n_live <> (
            SELECT count(*) FROM labelling_assignment a
            WHERE a.image_id = c.image_id AND a.state IN ('planned', 'open', 'answered'))
    """
    assert site.ask_database(counted) == [(0,)], "evenness is counted as it is"
    with Crowd(site, is_hasty=True) as hasty:  # the negative control: saved once it is sent
        site.restart_database()
        hasty.go_on()
    assert hasty.saved.items() - dict(stored(site)).items(), "a lost vote would have been seen"
