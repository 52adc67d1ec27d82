"""How often one token may ask: so many requests a minute, counted in each web process."""

import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from annotation.people.models import Token

WINDOW_S = 60


class TokenThrottle(BaseThrottle):
    """429 with ``Retry-After`` once a token has used up its minute. Browsers are not counted."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, Token):
            return True
        return count(request.auth.digest) <= settings.API_REQUESTS_PER_MINUTE

    def wait(self) -> float:
        return WINDOW_S - time.time() % WINDOW_S


def has_room(digest: str) -> bool:
    """Whether the token may ask once more in this minute; always where there is none."""
    return not digest or cache.get(_key(digest), 0) < settings.API_REQUESTS_PER_MINUTE


def count(digest: str) -> int:
    """Note that the token asked; returns how often it did in this minute."""
    if not digest:
        return 0
    key = _key(digest)
    cache.add(key, 0, 2 * WINDOW_S)
    try:
        used: int = cache.incr(key)
    except ValueError:  # thrown out of the cache between the two
        return 1
    return used


def _key(digest: str) -> str:
    return f"requests-{digest}-{int(time.time() // WINDOW_S)}"
