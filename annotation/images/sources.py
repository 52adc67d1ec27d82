"""Where photographs come from: a folder or a zip. Both are read, never unpacked.

A zip that is built to harm (overlapping entries, absurd sizes) is refused whole; a single entry
that may not be read (a path outside, a link, a device, an encrypted one) is refused by name while
the good ones beside it are taken.
"""

import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Protocol

from . import sidecar
from .pictures import MAX_BYTES, Refused

MAX_ENTRIES = 500_000
MAX_EXPANSION = 20
"""Photographs hardly compress: an archive that unpacks to more than so many times its size (and
64 MB) is a bomb."""
FREE_EXPANSION = 64 * 2**20
LOCAL_HEADER = 30
MAX_NAME = 300


class BadSource(Exception):
    """Nothing can be taken from here; the message says why."""


@dataclass(frozen=True)
class Entry:
    """One file of a source. ``refusal`` is why it may not even be read."""

    name: str
    refusal: str = ""


class Folder:
    """A folder on the server, with its subfolders; links are not followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_name: dict[str, Path] = {}

    def entries(self) -> list[Entry]:
        return sorted(self._walk(), key=lambda entry: entry.name)

    def read(self, name: str) -> bytes:
        return self._read(self._by_name[name], MAX_BYTES)

    def sidecar(self) -> sidecar.Sidecar:
        if not (self._path / sidecar.NAME).is_file():
            return sidecar.Sidecar()
        return read_sidecar(self._read(self._path / sidecar.NAME, sidecar.MAX_BYTES))

    def open(self, name: str, limit: int) -> BinaryIO:
        """One file as a stream of at most ``limit`` bytes, for what no memory should hold."""
        path = self._by_name[name]
        if path.stat().st_size > limit:
            raise BadSource(f"{name}: larger than {limit:,} bytes")
        return path.open("rb")

    def close(self) -> None:
        """Nothing stays open."""

    def _walk(self) -> Iterator[Entry]:
        for folder, folders, files in os.walk(self._path, onerror=_unreadable):
            folders[:] = sorted(f for f in folders if not is_clutter(f))
            here = Path(folder)
            for name in files + [f for f in folders if (here / f).is_symlink()]:
                path = here / name
                relative = sidecar.plain_name(path.relative_to(self._path).as_posix())
                if is_clutter(name) or relative == sidecar.NAME:
                    continue
                refusal = refusal_by_name(relative) or _refusal_by_mode(path.lstat().st_mode)
                if not refusal and self._by_name.setdefault(relative, path) != path:
                    refusal = "a second file of this name"
                yield Entry(relative.encode("utf-8", "replace").decode(), refusal)

    def _read(self, path: Path, limit: int) -> bytes:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise Refused(f"cannot be opened: {error.strerror}") from None
        with open(handle, "rb") as file:
            return _within(file.read(limit + 1), limit)


class Archive:
    """A zip file, checked before anything is read from it."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BadSource(f"not a readable zip file: {error}") from None
        try:
            self._check(path.stat().st_size)
        except BadSource:
            self.close()
            raise
        self._files = [info for info in self._zip.infolist() if _is_file(info)]
        self._top = _common_folder([sidecar.plain_name(info.filename) for info in self._files])
        self._by_name: dict[str, zipfile.ZipInfo] = {}

    def entries(self) -> list[Entry]:
        found: list[Entry] = []
        self._by_name.clear()  # they may be asked for twice
        for info in self._files:
            name = self._name(info)
            refusal = _refusal(info)
            if not refusal and name in self._by_name:
                refusal = "a second file of this name in the archive"
            elif not refusal:
                self._by_name[name] = info
            if name != sidecar.NAME:
                found.append(Entry(name.encode("utf-8", "replace").decode(), refusal))
        return sorted(found, key=lambda entry: entry.name)

    def read(self, name: str) -> bytes:
        return self._read(self._by_name[name], MAX_BYTES)

    def sidecar(self) -> sidecar.Sidecar:
        for info in self._files:
            if self._name(info) == sidecar.NAME:
                try:
                    return read_sidecar(self._read(info, sidecar.MAX_BYTES))
                except Refused as error:
                    raise BadSource(f"{sidecar.NAME}: {error}") from None
        return sidecar.Sidecar()

    def open(self, name: str, limit: int) -> IO[bytes]:
        """One file as a stream; its size is what the archive says, and that is checked."""
        info = self._by_name[name]
        if info.file_size > limit:
            raise BadSource(f"{name}: larger than {limit:,} bytes")
        return self._zip.open(info)

    def close(self) -> None:
        self._zip.close()

    def _name(self, info: zipfile.ZipInfo) -> str:
        """As seen from the one folder that holds everything, if there is one."""
        return sidecar.plain_name(info.filename).removeprefix(self._top)

    def _check(self, n_bytes: int) -> None:
        infos = sorted(self._zip.infolist(), key=lambda info: info.header_offset)
        if len(infos) > MAX_ENTRIES:
            raise BadSource(f"{len(infos):,} entries; at most {MAX_ENTRIES:,} are taken")
        unpacked = sum(info.file_size for info in infos)
        if unpacked > FREE_EXPANSION + MAX_EXPANSION * n_bytes:
            raise BadSource(f"{n_bytes:,} bytes that unpack to {unpacked:,}: refused as a bomb")
        ends = [info.header_offset for info in infos[1:]] + [self._zip.start_dir]
        for info, end in zip(infos, ends, strict=False):  # an empty archive has an end only
            least = LOCAL_HEADER + len(info.orig_filename) + info.compress_size
            if info.header_offset + least > end:
                raise BadSource(f"entries overlap at {info.filename[:100]!r}: refused")

    def _read(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        if info.file_size > limit:
            raise Refused(f"{info.file_size:,} bytes; the limit is {limit:,}")
        try:
            with self._zip.open(info) as file:
                data = file.read(min(limit, info.file_size) + 1)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise Refused(f"damaged in the archive: {error}") from None
        except Exception as error:  # zlib.error and others of the decompressors
            raise Refused(f"damaged in the archive: {error}") from None
        if len(data) != info.file_size:
            raise Refused("damaged in the archive: another size than the archive says")
        return data


class Source(Protocol):
    """What the importer takes from: names, bytes by name, and what is known of them."""

    def entries(self) -> list[Entry]: ...
    def read(self, name: str) -> bytes: ...
    def sidecar(self) -> sidecar.Sidecar: ...
    def close(self) -> None: ...


def open_source(path: Path) -> Folder | Archive:
    """The source at a path; raises ``BadSource`` where there is none."""
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise BadSource(f"{path.name}: there is no such file or folder on the server")
    with path.open("rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            raise BadSource(f"{path.name}: neither a folder nor a zip file")
    return Archive(path)


def _refusal(info: zipfile.ZipInfo) -> str:
    """Why an entry of an archive may not be read, by its header alone."""
    name = sidecar.plain_name(info.filename)
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or (len(name) > 1 and name[1] == ":"):
        return "its path leads outside the archive"
    if refusal := refusal_by_name(name):
        return refusal
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"compression method {info.compress_type} is not read; use deflate"
    return _refusal_by_mode(info.external_attr >> 16)


def refusal_by_name(name: str) -> str:
    if not name.isprintable():
        return "its name holds control characters or is not UTF-8"
    return "its name is longer than 300 signs" if len(name) > MAX_NAME else ""


def _refusal_by_mode(mode: int) -> str:
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return "a link, not a file"
    return "" if kind in (stat.S_IFREG, 0) else "a device or pipe, not a file"


def _is_file(info: zipfile.ZipInfo) -> bool:
    return not info.is_dir() and not is_clutter(sidecar.plain_name(info.filename))


def _common_folder(names: list[str]) -> str:
    """``photos/`` where every file lies in that folder: many people zip a folder as such."""
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1 or not all("/" in name for name in names):
        return ""
    top = tops.pop()
    return "" if top in ("", "..") else f"{top}/"


def is_clutter(name: str) -> bool:
    """What operating systems leave behind: hidden files, thumbnails' databases, forks."""
    parts = PurePosixPath(name).parts
    return any(p.startswith(".") and p != ".." for p in parts) or parts[-1:] in (
        ("Thumbs.db",),
        ("desktop.ini",),
    ) or "__MACOSX" in parts  # fmt: skip


def read_sidecar(data: bytes) -> sidecar.Sidecar:
    try:
        return sidecar.read(data)
    except ValueError as error:
        raise BadSource(str(error)) from None


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise Refused(f"larger than {limit:,} bytes")
    return data


def _unreadable(error: OSError) -> None:
    raise BadSource(f"{Path(error.filename).name}: {error.strerror}")
