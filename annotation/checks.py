"""System checks that explain wrong combinations of settings before anybody is hurt by them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured


@register(Tags.security)
def secret_key_is_given(**_: Any) -> list[CheckMessage]:
    try:
        if len(settings.SECRET_KEY) >= 32:
            return []
    except ImproperlyConfigured:  # Django's own word for an empty one, without a hint
        pass
    hint = "Run `make up`, which makes one in var/rafter.env, or set SECRET_KEY (50 random signs)."
    return [Error("SECRET_KEY is missing or shorter than 32 signs.", hint=hint, id="rafter.E001")]


@register(Tags.database)
def sqlite_stays_on_one_machine(**_: Any) -> list[CheckMessage]:
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not is_sqlite or settings.BROKER_URL.startswith("filesystem"):
        return []
    hint = "Set DATABASE_URL to PostgreSQL, or leave BROKER_URL empty for the embedded default."
    return [
        Warning("A network broker with SQLite: workers elsewhere cannot open the database file.",
                hint=hint, id="rafter.W001")
    ]  # fmt: skip


@register(Tags.security)
def served_over_https(**_: Any) -> list[CheckMessage]:
    local = {"localhost", "127.0.0.1", "[::1]", "testserver"}
    public = [h for h in settings.ALLOWED_HOSTS if h not in local]
    if not public or settings.BEHIND_HTTPS:
        return []
    hint = (
        "Put a TLS proxy in front and set BEHIND_HTTPS=true; passwords travel in clear otherwise."
    )
    return [Warning(f"Served to {', '.join(public)} without HTTPS.", hint=hint, id="rafter.W002")]


@register(Tags.security)
def debug_is_off_in_public(**_: Any) -> list[CheckMessage]:
    if not (settings.DEBUG and settings.BEHIND_HTTPS):
        return []
    return [Error("DEBUG=true on a public server.", hint="Unset DEBUG.", id="rafter.E002")]


@register(Tags.urls)
def lease_outlives_the_reaper(**_: Any) -> list[CheckMessage]:
    if settings.JOB_LEASE_S + settings.REAPER_INTERVAL_S <= 60:
        return []
    return [
        Warning("A lost job is found later than 60 s: JOB_LEASE_S + REAPER_INTERVAL_S > 60.",
                hint="Lower one of them.", id="rafter.W003")
    ]  # fmt: skip
