"""Every route × role × method against ``roles.txt``; a route without a row fails.

To add a route: run this file, read the lines that the failure prints, and add them to
``roles.txt`` where they say what should be, each beside its neighbours. An address with a new
kind of argument needs a value in ``world.py``.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse

from .routes import METHODS, Route, Row, routes, rows
from .world import TOKENS, WHO, World, make_world

pytestmark = pytest.mark.django_db
CHOICES = {"part"}
"""Arguments that name a tool, which every project has, and no object of one."""
HOW = """
Below is what every role is answered today ({who}).
Where that is what should be, add these lines to tests/access/roles.txt (a JSON body may end a
line); where it is not, mend the route first.
"""


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[World]:
    """Made once; every test leaves it as it was, for each request is rolled back."""
    names = ("MEDIA_ROOT", "ESTIMATES_ROOT", "RELEASES_ROOT", "RUNS_ROOT", "UPLOADS_ROOT",
             "COLLECTIONS_ROOT")  # fmt: skip
    roots = {name: tmp_path_factory.mktemp(name.lower()) for name in names}
    with django_db_blocker.unblock(), override_settings(**roots), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _quiet(caplog: Any) -> None:
    caplog.set_level("CRITICAL", "django.request")  # refusals by the hundred are no news here


def ask(client: Client, row: Row, address: str) -> int:
    """The status of one request, whose traces are rolled back."""
    content = "application/json"
    body: dict[str, Any] = {"data": row.body}
    if row.method != "GET" and row.route.startswith("api:"):
        body["content_type"] = content
    with transaction.atomic():
        status: int = getattr(client, row.method.lower())(address, **body).status_code
        transaction.set_rollback(True)
    return status


def measured(world: World, row: Row) -> Row:
    """The row as the site answers now."""
    route = routes()[row.name]
    answers = []
    for who in WHO:
        address = address_of(world, route, who) + row.query
        answers.append(ask(world.client(who), row, address))
    return Row(row.method, row.route, tuple(answers), row.body)


def address_of(world: World, route: Route, who: str) -> str:
    if route.name in ("healthz", "^api/"):
        return f"/{route.name.strip('^')}"
    return reverse(route.name, kwargs=world.kwargs(route.name, set(route.arguments), who))


def test_every_role_is_answered_as_the_table_says(world: World) -> None:
    wrong = []
    for row in rows():
        now = measured(world, row)
        if now != row:
            wrong.append(f"states   {row}\nanswers  {now}")
    assert not wrong, f"columns: {' '.join(WHO)}\n" + "\n".join(wrong)


def unstated(stated: list[Row]) -> list[Row]:
    """A row without answers for every route and method that has none."""
    known = {(row.name, row.method) for row in stated}
    return [
        Row(method, route.name, (), {})
        for route in routes().values()
        for method in route.methods or METHODS
        if (route.name, method) not in known
    ]


def test_every_route_and_method_has_its_row(world: World) -> None:
    missing = unstated(rows())
    told = "\n".join(str(measured(world, row)) for row in missing)
    assert not missing, HOW.format(who=" ".join(WHO)) + told


def test_negative_control_a_missing_row_is_found() -> None:
    assert [row.name for row in unstated(rows()[1:])] == [rows()[0].name]


def test_the_table_speaks_of_no_route_that_is_gone() -> None:
    known = {(r.name, m) for r in routes().values() for m in r.methods or METHODS}
    gone = [f"{row.method} {row.route}" for row in rows() if (row.name, row.method) not in known]
    assert not gone, f"take these lines out of roles.txt: {gone}"


def test_other_methods_are_refused(world: World) -> None:
    wrong = []
    for route in routes().values():
        for method in set(METHODS) - set(route.methods or METHODS):
            for who, wanted in (("curator", {405}), ("anonymous", {401, 405})):
                row = Row(method, route.name, (), {})
                status = ask(world.client(who), row, address_of(world, route, who))
                if status not in wanted:
                    wrong.append(f"{method} {route.name} as {who}: {status}")
    assert not wrong, "\n".join(wrong)


def test_objects_of_another_project_are_not_found_under_ones_own(world: World) -> None:
    """The outsider holds every role in their own project and names the objects of this one."""
    wrong = []
    for row in rows():
        route = routes()[row.name]
        if not {"slug"} < route.arguments - CHOICES:
            continue
        kwargs = world.kwargs(route.name, set(route.arguments), "curator")
        address = reverse(route.name, kwargs=kwargs | {"slug": world.elsewhere.slug})
        status = ask(world.client("outsider"), row, address)
        if status != 404:
            wrong.append(f"{row.method} {row.route}: {status}")
    assert not wrong, "\n".join(wrong)


def test_browsers_cannot_be_made_to_write_by_another_site(world: World) -> None:
    """Without the CSRF token every unsafe request of a session is refused."""
    wrong = []
    for row in rows():
        if row.method == "GET" or row.answer("anonymous") == 404 or row.route == "api:takedown-ask":
            continue  # there is nothing to do, or it looks at no session
        client = world.client("curator", enforce_csrf_checks=True)
        status = ask(client, row, address_of(world, routes()[row.name], "curator"))
        if status != 403:
            wrong.append(f"{row.method} {row.route}: {status}")
    assert not wrong, "\n".join(wrong)


def test_tokens_open_no_page(world: World) -> None:
    """Tokens are for the API; a page takes their holder for a stranger."""
    for row in rows():
        if not row.route.startswith("api:"):
            assert {row.answer(who) for who in TOKENS} == {row.answer("anonymous")}, str(row)


def test_negative_control_a_wrong_answer_is_found(world: World) -> None:
    row = next(row for row in rows() if row.route == "api:release-list" and row.method == "GET")
    opened = Row(row.method, row.route, (200,) * len(WHO), row.body)
    assert measured(world, opened) != opened
