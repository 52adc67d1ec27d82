"""The API keeps the promises of its schema: no 5xx, no answer that is not described."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.urls import Resolver404, resolve
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from .test_roles import _quiet as _quiet
from .test_roles import world as world
from .world import World

pytestmark = pytest.mark.django_db
EXAMPLES = 2
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
"""Who may do what is the role table's affair."""


def test_schema_is_made_without_a_warning(capsys: Any) -> None:
    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(public=True)
    assert not GENERATOR_STATS, capsys.readouterr().err


@schemathesis.serializer("application/offset+octet-stream")
def piece(context: Any, value: Any) -> bytes:
    """The body of an upload's piece."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests through WSGI leave the test's connection open, as those of Django's client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def wrong_answers(operation: Any, world: World, **named: Any) -> list[str]:
    """What one operation answers against its description, for generated requests."""
    headers = {"Authorization": world._headers["curator-token"]["authorization"]}
    found: list[str] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.path_parameters = {**(case.path_parameters or {}), **named}
        with transaction.atomic():
            try:
                case.call_and_validate(headers=headers, checks=CHECKS)
            except (Exception, BaseExceptionGroup) as error:
                if len(found) < 2:
                    found.append(f"{operation.label}: {error}"[:1500])
            transaction.set_rollback(True)

    check()
    return found


def really_named(operation: Any, world: World) -> dict[str, Any]:
    """Arguments for the operation's address that lead to an object of the project."""
    names = set(re.findall(r"{(\w+)}", operation.path))
    found = next(filter(None, (_route(operation.path, one) for one in (uuid.UUID(int=0), 1, "x"))))
    called = {name: "pk" if name == "id" else name for name in names}  # the schema's word for it
    real = world.kwargs(f"api:{found}", set(called.values()), "curator-token")
    return {name: str(real[called[name]]) for name in names}


def _route(path: str, value: Any) -> str | None:
    """The name of the route of a path whose numbers are of a kind with ``value``."""
    filled = path.replace("{uid}", str(uuid.UUID(int=0)))
    filled = re.sub(r"{(?:slug|version|code|file|reference)}", "x", filled)
    try:
        return resolve(re.sub(r"{\w+}", str(value), filled)).url_name
    except Resolver404:
        return None


def test_every_operation_answers_as_described(world: World, one_connection: None) -> None:
    """Once with real objects in the address, once with the project only and random others."""
    app = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", app)
    wrong = []
    for result in schema.get_all_operations():
        operation = result.ok()
        real = really_named(operation, world)
        wrong += wrong_answers(operation, world, **real)
        if set(real) - {"slug"}:
            wrong += wrong_answers(operation, world, slug=world.cast.project.slug)
    assert not wrong, "\n\n".join(wrong)
