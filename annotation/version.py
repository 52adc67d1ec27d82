"""Which code made a result: every record of the line carries it."""

import functools
import os
import subprocess
from pathlib import Path

from annotation import __version__


@functools.cache
def code_version() -> str:
    """The release number and, where it can be known, the commit: ``0.1.0+1a2b3c4d``.

    ``RAFTER_COMMIT`` is set in containers, which carry no ``.git``.
    """
    commit = os.environ.get("RAFTER_COMMIT") or _commit_of_checkout()
    return f"{__version__}+{commit}" if commit else __version__


def _commit_of_checkout() -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    command = [
        "git",
        "-C",
        str(root),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=8",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
