"""Archives: the same files give the same bytes, whoever builds them and when."""

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, NamedTuple

EPOCH = 315_532_800  # 1 January 1980, UTC: the archive knows no other time
BUFFER = 1 << 20
BLOCK, RECORD = 512, 10_240
MAX_PLAIN_NAME, MAX_PLAIN_SIZE = 100, 8**11 - 1


def _tail(kind: bytes) -> tuple[bytes, int]:
    """What follows a header's checksum, and what it and eight blanks add to that."""
    tail = kind + bytes(100) + b"ustar\x0000" + bytes(64 + 16 + 167)
    return tail, sum(tail) + 8 * 32


FILE_TAIL, FOLDER_TAIL = _tail(b"0"), _tail(b"5")


class Member(NamedTuple):
    """One file of an archive: its path there, and the file on the disk that it is.

    A path that ends in ``/`` is an empty folder and has no file.
    """

    path: str
    source: Path | None
    size: int = 0
    sha256: str = ""


class Sealed(NamedTuple):
    """An archive that is written, by its digest and size."""

    sha256: str
    size: int


class _Hashing:
    """Passes writes on and keeps their digest, so that nothing is read again."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.sha.update(data)
        self.size += len(data)
        self.file.write(data)


def write_archive(
    goal: Path,
    members: Iterable[Member],
    top: str,
    done: Callable[[int], None] = lambda n: None,
    placed: Callable[[Member, int], None] = lambda member, offset: None,
) -> Sealed:
    """Store the members in an uncompressed tar under the folder ``top``.

    Faces are JPEG already: compressing them again costs minutes and saves a hundredth.
    ``done`` hears how many files are in, ``placed`` where the bytes of each file begin.
    """
    with goal.open("xb", buffering=BUFFER) as file:
        sink = _Hashing(file)
        for n, member in enumerate(members, start=1):
            sink.write(_header(f"{top}/{member.path}", member.size))
            if member.source is not None:
                placed(member, sink.size)
                _store(member, sink)
            if n % 500 == 0:
                done(n)
        sink.write(bytes(2 * BLOCK))
        sink.write(bytes(-sink.size % RECORD))
    return Sealed(sink.sha.hexdigest(), sink.size)


def _store(member: Member, sink: _Hashing) -> None:
    """The member's bytes, filled up to whole blocks."""
    handle = os.open(str(member.source), os.O_RDONLY)
    try:
        left = member.size
        while left:
            data = os.read(handle, min(left, BUFFER))
            if not data:
                raise OSError(f"{member.path} became shorter while it was archived")
            sink.write(data)
            left -= len(data)
    finally:
        os.close(handle)
    sink.write(bytes(-member.size % BLOCK))


def _header(name: str, size: int) -> bytes:
    """A POSIX.1-1988 header; names and sizes that do not fit there get a POSIX.1-2001 record.

    Written here because ``tarfile`` takes longer for a header than the disk for a small file.
    """
    encoded = name.encode()
    is_folder = name.endswith("/")
    if len(encoded) > MAX_PLAIN_NAME or size > MAX_PLAIN_SIZE or not name.isascii():
        return _extended_header(name, size)
    mode, tail, weight = (0o755, *FOLDER_TAIL) if is_folder else (0o644, *FILE_TAIL)
    fields = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, 0, 0, size, EPOCH)
    head = encoded.ljust(100, b"\0") + fields
    return b"%s%06o\0 %s" % (head, sum(head) + weight, tail)


def _extended_header(name: str, size: int) -> bytes:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = size, EPOCH, 0o644
    if name.endswith("/"):
        header.type, header.mode = tarfile.DIRTYPE, 0o755
    return header.tobuf(tarfile.PAX_FORMAT)
