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
        key = f"requests-{request.auth.pk}-{int(time.time() // WINDOW_S)}"
        cache.add(key, 0, 2 * WINDOW_S)
        try:
            used: int = cache.incr(key)
        except ValueError:  # thrown out of the cache between the two
            return True
        return used <= settings.API_REQUESTS_PER_MINUTE

    def wait(self) -> float:
        return WINDOW_S - time.time() % WINDOW_S
