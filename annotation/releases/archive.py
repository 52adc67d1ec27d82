"""Archives: the same files give the same bytes, whoever builds them and when."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, NamedTuple

from .folder import Entry

EPOCH = 315_532_800  # 1 January 1980, UTC: the archive knows no other time
BUFFER = 1 << 20


class Sealed(NamedTuple):
    """An archive that is written, by its digest and size."""

    sha256: str
    size: int


class _Hashing(io.RawIOBase):
    """Passes writes on and keeps their digest, so that nothing is read again."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.sha, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.sha.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size


def write_archive(
    goal: Path,
    root: Path,
    entries: Iterable[Entry],
    top: str,
    done: Callable[[int], None] = lambda n: None,
) -> Sealed:
    """Store the entries of ``root`` in an uncompressed tar under the folder ``top``.

    Faces are JPEG already: compressing them again costs minutes and saves a hundredth.
    ``done`` hears how many files are in.
    """
    with goal.open("xb", buffering=BUFFER) as file:
        sink = _Hashing(file)
        with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for n, entry in enumerate(entries, start=1):
                tar.addfile(_header(f"{top}/{entry.path}", entry.size), _open(root / entry.path))
                if n % 500 == 0:
                    done(n)
    return Sealed(sink.sha.hexdigest(), sink.size)


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = size, EPOCH, 0o644
    return header


def _open(path: Path) -> io.BytesIO:
    return io.BytesIO(path.read_bytes())
