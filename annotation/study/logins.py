"""The logins of the demonstration, made at random on first start and kept for its owner only."""

import json
from pathlib import Path

from django.conf import settings


def read_logins() -> list[dict[str, str]]:
    """``[{"role", "username", "password"}]`` of the demonstration; empty where there is none."""
    try:
        logins: list[dict[str, str]] = json.loads(_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return logins


def write_logins(logins: list[dict[str, str]]) -> None:
    """Keep the logins in ``var/``, readable by the owner of the files alone."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(logins, indent=1) + "\n", encoding="utf-8")


def _path() -> Path:
    path: Path = settings.VAR_DIR / "demo-logins.json"
    return path
