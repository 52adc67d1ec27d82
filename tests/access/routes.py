"""Every address of the site with its methods, and the table that states who gets what answer."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from .world import WHO

TABLE = Path(__file__).with_name("roles.txt")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """One address. ``methods`` is None where the view does not say which it answers."""

    name: str
    arguments: frozenset[str]
    methods: tuple[str, ...] | None


@dataclass(frozen=True)
class Row:
    """One line of the table: what each persona is answered. ``body`` goes with the request.

    ``route`` may end in a query (``api:image-file?size=thumb``).
    """

    method: str
    route: str
    answers: tuple[int, ...]
    body: dict[str, Any]

    def __str__(self) -> str:
        answers = " ".join(map(str, self.answers))
        return f"{self.method:<6} {self.route:<28} {answers}  {_told(self.body)}".rstrip()

    @property
    def name(self) -> str:
        return self.route.partition("?")[0]

    @property
    def query(self) -> str:
        return self.route.removeprefix(self.name)

    def answer(self, who: str) -> int:
        return self.answers[WHO.index(who)]


@cache
def routes() -> dict[str, Route]:
    """Every route of the site by its name, or by its pattern where it has none."""
    return {route.name: route for route in _walk(get_resolver().url_patterns)}


@cache
def rows() -> list[Row]:
    """The table, in its order."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [_parsed(line) for line in lines if line and not line.startswith("#")]


def _parsed(line: str) -> Row:
    method, route, *rest = line.split(maxsplit=2 + len(WHO))
    body = json.loads(rest[len(WHO)]) if len(rest) > len(WHO) else {}
    return Row(method, route, tuple(map(int, rest[: len(WHO)])), body)


def _told(body: dict[str, Any]) -> str:
    return json.dumps(body) if body else ""


def _walk(patterns: list[Any], space: str = "", above: frozenset[str] = frozenset()) -> Any:
    for pattern in patterns:
        arguments = above | set(pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _walk(pattern.url_patterns, inner, arguments)
        elif isinstance(pattern, URLPattern):
            name = f"{space}{pattern.name or pattern.pattern}"
            yield Route(name, arguments, _methods(pattern.callback))


def _methods(view: Any) -> tuple[str, ...] | None:
    for cell in view.__closure__ or ():  # ``require_http_methods`` keeps its list there
        kept = cell.cell_contents
        if isinstance(kept, list) and set(kept) <= {*METHODS, "HEAD", "OPTIONS"}:
            return tuple(m for m in METHODS if m in kept)
    kind = getattr(view, "view_class", None)
    if kind is None:
        return None
    return tuple(
        m for m in METHODS if m.lower() in kind.http_method_names and hasattr(kind, m.lower())
    )
