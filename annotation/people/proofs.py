"""Who sends a request, as something that a statement of SQL can prove while it does its work.

For the one request that is made a million times. Nothing is believed from an earlier request: what
a session was proved by once (its row, the person's password) must be equal in the same statement,
so that signing out, a new password, a revoked token and a person's end count from that moment on.
Whoever cannot be proved so is left to the ordinary authentication.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.http import HttpRequest
from rest_framework.authentication import CSRFCheck

from .models import Person
from .services import token_digest

MAX_KNOWN = 10_000
_csrf = CSRFCheck(lambda _: None)


@dataclass(frozen=True)
class Proof:
    """Tables that ``people_person p`` is joined with and what must hold of them."""

    kind: str
    join: str
    holds: tuple[str | int, ...]
    """For the placeholders of ``join``."""
    token: str = ""
    """The digest of the token, where it is one."""


_BEARER = """
    JOIN people_token t ON t.person_id = p.id AND t.digest = %s
     AND t.scope IN ('annotator', 'curator') AND t.revoked_at IS NULL
     AND (t.expires_at IS NULL OR t.expires_at > {now}) AND t.last_used_at > {lately}
"""
"""``last_used_at`` is kept to within ten minutes by the ordinary authentication."""
_BROWSER = """
    JOIN django_session s ON s.session_key = %s AND s.session_data = %s AND s.expire_date > {now}
     AND p.id = %s AND p.password = %s
"""
_known: dict[str, Proof] = {}
"""By session key, what a session was proved by; the statement asks whether it is still so."""


def proof_of(request: HttpRequest) -> Proof | None:
    """What proves the sender; ``None`` where that is for the ordinary authentication to say."""
    words = request.META.get("HTTP_AUTHORIZATION", "").split()
    if words:
        if len(words) != 2 or words[0].lower() != "bearer":
            return None
        digest = token_digest(words[1])
        return Proof("token", _BEARER, (digest,), digest)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key or _csrf.process_view(request, None, (), {}) is not None:
        return None
    return _known.get(key) or _learn(key, request)


def forget(request: HttpRequest) -> None:
    """What was known of the session did not hold."""
    _known.pop(request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""), None)


def _learn(key: str, request: HttpRequest) -> Proof | None:
    """Prove a session as Django does, and keep by what."""
    row = Session.objects.filter(session_key=key, expire_date__gt=Now()).first()
    person = request.user
    if row is None or not isinstance(person, Person):
        return None
    told = row.get_decoded()
    if told.get(SESSION_KEY) != str(person.pk):
        return None
    if told.get(HASH_SESSION_KEY) != person.get_session_auth_hash():
        return None
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    holds = (key, row.session_data, person.pk, person.password)
    return _known.setdefault(key, Proof("session", _BROWSER, holds))
