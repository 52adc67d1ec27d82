"""Uploads that can be interrupted: a file that grows, and how far it came. No database.

The manner is that of the tus protocol: create with a size, append at an offset, ask for the
offset. Each upload is a folder ``UPLOADS_ROOT/<project>/<id>/`` with ``about.json`` and ``data``.
"""

import fcntl
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings

PIECE = 256 * 1024
SPARE_BYTES = 512 * 2**20
"""Free space that an upload must leave on the disk."""
FORGOTTEN_AFTER_S = 3 * 24 * 3600
MAX_WAITING = 20


class Unacceptable(Exception):
    """An upload that may not begin, or bytes that do not belong where they came."""


@dataclass(frozen=True)
class Upload:
    """A file on its way. ``person`` is the id of who sends it."""

    id: str
    project: int
    person: int
    name: str
    size: int

    @property
    def folder(self) -> Path:
        return _root(self.project) / self.id

    @property
    def offset(self) -> int:
        """How many bytes have arrived."""
        return (self.folder / "data").stat().st_size

    @property
    def is_complete(self) -> bool:
        return self.offset == self.size


class Stream(Protocol):
    def read(self, n: int, /) -> bytes: ...


def create(project: int, person: int, name: str, size: int) -> Upload:
    """Begin an upload; raises ``Unacceptable`` where it cannot fit."""
    forget_old(project)
    waiting = len(list(uploads_of(project)))
    if waiting >= MAX_WAITING:
        raise Unacceptable(f"{waiting} uploads are waiting; import or discard one first.")
    if size > settings.UPLOAD_MAX_BYTES:
        raise Unacceptable(f"{size:,} bytes; at most {settings.UPLOAD_MAX_BYTES:,} are taken.")
    upload = Upload(str(uuid.uuid4()), project, person, name, size)
    _root(project).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(_root(project)).free
    if size + SPARE_BYTES > free:
        raise Unacceptable(f"{size:,} bytes do not fit: the disk has {free:,} left.")
    upload.folder.mkdir()
    (upload.folder / "data").touch()
    (upload.folder / "about.json").write_text(json.dumps(asdict(upload)), encoding="utf-8")
    return upload


def find(project: int, upload_id: str) -> Upload | None:
    """The upload of a project, if it is there."""
    try:
        about = _root(project) / str(uuid.UUID(upload_id)) / "about.json"
        return Upload(**json.loads(about.read_text(encoding="utf-8")))
    except (ValueError, OSError):
        return None


def uploads_of(project: int) -> Iterator[Upload]:
    """All uploads of a project, complete or not."""
    root = _root(project)
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        upload = find(project, folder.name)
        if upload is not None:
            yield upload


def append(upload: Upload, offset: int, stream: Stream) -> int:
    """Add what the stream brings at ``offset``; returns the new offset.

    What arrived before a broken connection is kept. Raises ``Unacceptable`` where the offset is
    not the present one or more comes than was announced.
    """
    with _locked(upload) as file:
        present = file.seek(0, 2)
        if offset != present:
            raise Unacceptable(f"Upload-Offset is {offset}, but {present} bytes have arrived.")
        while piece := stream.read(PIECE):
            if present + len(piece) > upload.size:
                raise Unacceptable(f"More bytes than the {upload.size:,} announced.")
            file.write(piece)
            present += len(piece)
        return present


def discard(project: int, upload_id: str) -> None:
    """Remove an upload with what has arrived of it."""
    upload = find(project, upload_id)
    if upload is not None:
        shutil.rmtree(upload.folder, ignore_errors=True)


def path_of(project: int, upload_id: str) -> Path:
    """Where the bytes of an upload lie, for the importer."""
    return _root(project) / str(uuid.UUID(upload_id)) / "data"


def forget_old(project: int) -> None:
    """Remove unfinished uploads that nobody has continued for three days."""
    for upload in uploads_of(project):
        age = time.time() - (upload.folder / "data").stat().st_mtime
        if age > FORGOTTEN_AFTER_S and not upload.is_complete:
            discard(project, upload.id)


@contextmanager
def _locked(upload: Upload) -> Iterator[IO[bytes]]:
    """The growing file, for one writer at a time."""
    with (upload.folder / "data").open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unacceptable("Another connection is sending this upload.") from None
        yield file


def _root(project: int) -> Path:
    return Path(settings.UPLOADS_ROOT) / str(project)
