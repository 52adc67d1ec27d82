"""What every template may use."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from annotation import __version__
from annotation.letters.queries import unread
from annotation.releases.queries import unread_notices


def site(request: HttpRequest) -> dict[str, Any]:
    """The running version; what the person must be told: messages, releases that are no more."""
    return {
        "version": __version__,
        "unread_notices": SimpleLazyObject(lambda: _notices(request)),
        "unread_letters": SimpleLazyObject(lambda: _letters(request)),
    }


def _notices(request: HttpRequest) -> list[Any]:
    person = getattr(request, "user", None)
    return unread_notices(person) if person is not None and person.is_authenticated else []


def _letters(request: HttpRequest) -> list[Any]:
    person = getattr(request, "user", None)
    return unread(person) if person is not None and person.is_authenticated else []
