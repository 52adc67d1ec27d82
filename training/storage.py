"""Files that appear whole or not at all: written aside, synced, renamed."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.errors import TrainingError


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path``; what was written there takes its place when the block ends.

    After an exception the aside file is gone and ``path`` is what it was. A full disk raises
    TrainingError.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.replace(path)
    except BaseException as error:
        aside.unlink(missing_ok=True)
        if is_disk_full(error):
            raise TrainingError(f"the disk is full: {path.name} could not be written") from error
        raise


def is_disk_full(error: BaseException) -> bool:
    """Whether an exception says that there is no room: some libraries only say it in words."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left" in str(error) or f"os error {errno.ENOSPC}" in str(error)


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole, readable and with sorted keys."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
