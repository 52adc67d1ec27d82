"""Where deeds come in: requests and commands; and what is not logged, with the reason.

A request that changes something and of which no service told anything is logged by its address:
a new route cannot be forgotten, only be told badly. ``tests/audit`` walks every route.
"""

import getpass
from collections.abc import Callable
from typing import Any

from django.contrib.messages import constants
from django.core.management.base import BaseCommand
from django.http import HttpRequest, HttpResponse

from annotation.people.models import Project
from annotation.takedowns.api import sender_of

from .models import Door, Kind
from .services import Edge, opened, tell

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
VOTES = "a vote or a flag is its own record, with its time"
OWN = "a person's own step, kept with its time where it belongs"
NOTHING = "it changes nothing that lasts"
NOT_LOGGED = {
    "api:assignment-vote": VOTES,
    "api:assignment-flag": VOTES,
    "api:coding-detail": "a coding is its own record, with its coder",
    "api:consent-mine": OWN,
    "consent": OWN,
    "api:withdrawal": OWN,
    "withdraw": OWN,
    "api:tutorial-done": OWN,
    "tutorial": OWN,
    "api:qualification": OWN,
    "api:qualification-face": OWN,
    "qualification": OWN,
    "api:agreement-acceptance": OWN,
    "agreement-accept": OWN,
    "notice-read": OWN,
    "letter-read": OWN,
    "api:letter-read": OWN,
    "api:upload-list": "the import of what was uploaded is logged",
    "api:upload-detail": "the import of what was uploaded is logged",
    "api:takedown-ask": "open to everybody; the request is its own record",
    "takedown-ask": "open to everybody; the request is its own record",
    "api:run-predict": NOTHING,
    "run-try": NOTHING,
    "sign-in": "signing in does nothing to a project; failures are counted apart",
    "sign-out": "signing in does nothing to a project; failures are counted apart",
    "set_language": NOTHING,
}
"""Routes whose requests are no deeds of a curator, each with the reason."""
COMMANDS_NOT_LOGGED = {
    "serve": "starts the site",
    "demo": "makes a study of its own",
    "draw_database": "writes files outside the site",
    "draw_examples": "writes files outside the site",
    "draw_faces": "writes files outside the site",
}
HIDDEN_OPTIONS = frozenset(
    {
        *("verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"),
        *("skip_checks", "project"),
    }
)

Answer = Callable[[HttpRequest], HttpResponse]


def log_requests(get_response: Answer) -> Answer:
    """Middleware: names the edge for what services tell. No query of its own for a vote."""

    def middleware(request: HttpRequest) -> HttpResponse:
        door = Door.API if request.path.startswith("/api/") else Door.PAGE
        with opened(Edge(door, request, sender=sender_of)) as edge:
            response = get_response(request)
            if request.method not in SAFE and not edge.n_told and not edge.is_quiet:
                _tell_of(request, response)
        return response

    return middleware


class OperatorCommand(BaseCommand):
    """A command whose runs are in the log, with its words."""

    def execute(self, *args: Any, **options: Any) -> Any:
        with opened(Edge(Door.COMMAND, operator=_operator())):
            told = super().execute(*args, **options)
            project = Project.objects.filter(slug=options.get("project", "")).first()
            given = {k: v for k, v in options.items() if k not in HIDDEN_OPTIONS}
            words = " ".join(f"{k}={v}" for k, v in given.items() if v not in (None, "", False, []))
            name = type(self).__module__.rpartition(".")[2]
            tell(Kind.COMMANDS, f"ran {name}", project=project, subject=words)
            return told


def _tell_of(request: HttpRequest, response: HttpResponse) -> None:
    """Log a change that no service told of, by the name of its route."""
    match = request.resolver_match
    if match is None or match.view_name in NOT_LOGGED:
        return  # before the person is asked for, which takes queries that a vote does without
    if not getattr(request.user, "is_authenticated", False):
        return
    is_form_again = response.status_code == 200 and not request.path.startswith("/api/")
    if response.status_code >= 400 or is_form_again or _was_refused(request):
        return
    project = Project.objects.filter(slug=match.kwargs.get("slug", "")).first()
    named = ", ".join(f"{k} {v}" for k, v in match.kwargs.items() if k not in ("slug", "secret"))
    words = f"sent {request.method} {match.view_name}"
    tell(Kind.OTHER, words, project=project, subject=named)


def _was_refused(request: HttpRequest) -> bool:
    """Whether a page answers by leading back with words on what was wrong."""
    told = getattr(getattr(request, "_messages", None), "_queued_messages", ())
    return any(message.level >= constants.WARNING for message in told)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "operator"
