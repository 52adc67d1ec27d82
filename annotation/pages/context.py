"""What every template may use."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from annotation import __version__
from annotation.releases.queries import unread_notices


def site(request: HttpRequest) -> dict[str, Any]:
    """The running version, and what the person must be told about releases they downloaded."""
    return {
        "version": __version__,
        "unread_notices": SimpleLazyObject(lambda: _notices(request)),
    }


def _notices(request: HttpRequest) -> list[Any]:
    person = getattr(request, "user", None)
    return unread_notices(person) if person is not None and person.is_authenticated else []
