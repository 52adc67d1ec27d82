"""Writing the log. Services say what they did with ``tell``; the edges say who asked for it.

An edge (a request or a command) is open while it is served; ``tell`` adds an entry in the deed's
own transaction, so that neither stands without the other. Outside an edge, in workers and
simulations, nobody did the deed and nothing is written: the job they work for was logged when it
was asked for.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from annotation.people.models import Person, Project, Token

from .models import Door, Entry, Kind

LONGEST_VALUE = 120


@dataclass
class Edge:
    """What is open now: a request, or a command with its operator."""

    door: Door
    request: Any = None
    operator: str = ""
    sender: Callable[[Any], str] = lambda request: ""
    """The network address that a request came from."""
    n_told: int = 0
    is_quiet: bool = False
    """Whether the edge said itself that there was nothing to tell."""

    @property
    def person(self) -> Person | None:
        """Who asks, known once they are authenticated; the API does that late."""
        user = getattr(self.request, "user", None)
        return user if isinstance(user, Person) else None

    @property
    def token(self) -> str:
        auth = getattr(self.request, "auth", None)
        return auth.name if isinstance(auth, Token) else ""


_open: ContextVar[Edge | None] = ContextVar("edge", default=None)


@contextmanager
def opened(edge: Edge) -> Iterator[Edge]:
    """Everything that is told meanwhile was done by this edge."""
    before = _open.set(edge)
    try:
        yield edge
    finally:
        _open.reset(before)


def tell(
    kind: Kind,
    words: str,
    *,
    project: Project | int | None = None,
    subject: object = "",
    before: object = "",
    after: object = "",
) -> None:
    """Add an entry: ``words`` say in the past tense what was done, ``subject`` to what.

    ``before`` and ``after`` are words too. Nothing is written outside an edge. One insert.
    """
    edge = _open.get()
    if edge is None:
        return
    person = edge.person
    Entry.objects.create(
        project_id=project.pk if isinstance(project, Project) else project,
        person=person,
        who=person.username if person else edge.operator or "a stranger",
        door=edge.door,
        token=edge.token,
        network=network_of(edge.sender(edge.request)),
        kind=Kind(kind),
        subject=str(subject)[:200],
        words=words[:300],
        before=str(before)[:500],
        after=str(after)[:500],
    )
    edge.n_told += 1


def tell_nothing() -> None:
    """This request changed nothing (a preview, say), so that no entry is missing."""
    edge = _open.get()
    if edge is not None:
        edge.is_quiet = True


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """``before`` and ``after`` of ``tell`` for fields by name: those that differ, shortened."""
    names = [name for name in after if before.get(name) != after[name]]
    return {
        "before": "; ".join(f"{name}: {_short(before.get(name))}" for name in names),
        "after": "; ".join(f"{name}: {_short(after[name])}" for name in names),
    }


def network_of(address: str) -> str:
    """The /24 or /48 an address is in: enough to tell a house from the world, not a person."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if found.is_loopback:
        return "this machine"
    bits = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False))


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text):,} signs)"
