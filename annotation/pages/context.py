"""What every template may use."""

from typing import Any

from django.http import HttpRequest

from annotation import __version__


def site(request: HttpRequest) -> dict[str, Any]:
    """The running version, for the footer and for cache-safe links."""
    return {"version": __version__}
