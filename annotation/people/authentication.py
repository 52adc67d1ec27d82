"""How a request to the API says who it is: a personal token, or the browser's session."""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import Person, Token
from .services import token_digest

NOTE_USE_EVERY = timedelta(minutes=10)


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer rafter_…``; tokens are kept as digests and may expire."""

    def authenticate(self, request: Request) -> tuple[Person, Token] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() not in (b"bearer", b"token"):
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Authorization: expected 'Bearer <token>'.")
        token = self._find(words[1].decode("latin-1"))
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="rafter"'

    @staticmethod
    def _find(secret: str) -> Token | None:
        usable = Token.objects.filter(revoked_at=None, person__is_active=True).filter(
            Q(expires_at=None) | Q(expires_at__gt=Now())
        )
        token = usable.filter(digest=token_digest(secret)).select_related("person").first()
        if token and _is_stale(token):
            Token.objects.filter(pk=token.pk).update(last_used_at=Now())
        return token


class SignedInAuthentication(SessionAuthentication):
    """The browser's session; unsafe methods need the CSRF token."""


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = SignedInAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def _is_stale(token: Token) -> bool:
    return token.last_used_at is None or timezone.now() - token.last_used_at > NOTE_USE_EVERY
