"""A folder being written aside: every file's digest is taken as it is written.

``SHA256SUMS`` lists them sorted by path, so that one file's digest is found by bisection.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

SUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
BUFFER = 1 << 16
SUMS_WIDTH, INDEX_WIDTH = 66, 96
"""Signs before the path in a line of ``SHA256SUMS`` and of an archive's index."""


class Entry(NamedTuple):
    """One file of a release, by its path within it."""

    path: str
    sha256: str
    size: int


@dataclass
class Folder:
    """Files go in once, by relative path; ``entries`` says what is there."""

    root: Path
    entries: list[Entry] = field(default_factory=list)
    _made: set[Path] = field(default_factory=set)

    def put(self, path: str, content: bytes | str) -> Entry:
        """Write one file. May be called by several threads."""
        data = content.encode() if isinstance(content, str) else content
        goal = self._prepared(path)
        goal.write_bytes(data)
        return self._added(Entry(path, hashlib.sha256(data).hexdigest(), len(data)))

    @contextmanager
    def written(self, path: str) -> Iterator[Callable[[str], None]]:
        """One file of text, written piece by piece, so that none of it is held."""
        goal, sha, size = self._prepared(path), hashlib.sha256(), 0
        with goal.open("wb", buffering=BUFFER) as file:

            def write(text: str) -> None:
                nonlocal size
                data = text.encode()
                sha.update(data)
                size += file.write(data)

            yield write
        self._added(Entry(path, sha.hexdigest(), size))

    def place(self, path: str) -> Path:
        """Where somebody else may write a file; ``take`` it when it is whole."""
        return self._prepared(path)

    def link(self, other: "Folder", entry: Entry) -> Entry:
        """A file of another folder under the same path, without a second copy on the disk."""
        os.link(other.root / entry.path, self._prepared(entry.path))
        return self._added(entry)

    def take(self, path: str) -> Entry:
        """Count a file that was written in its place as one of the folder's."""
        there = self.root / path
        with there.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return self._added(Entry(path, digest, there.stat().st_size))

    def _added(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        return entry

    def _prepared(self, path: str) -> Path:
        goal = self.root / path
        if goal.parent not in self._made:
            goal.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(goal.parent)
        return goal

    def write_manifest(self, facts: dict[str, Any]) -> Entry:
        """``manifest.json``: the facts, then every file so far, one a line."""
        with self.written(MANIFEST) as write:
            write(json.dumps(facts, ensure_ascii=False, indent=1)[:-2])
            write(',\n "files": {')
            for i, e in enumerate(self.in_order()):
                told = f'{json.dumps(e.path)}: {{"sha256": "{e.sha256}", "size": {e.size}}}'
                write(f"{',' if i else ''}\n  {told}")
            write("\n }\n}\n")
        return self.entries[-1]

    def write_sums(self, others: Iterable[Entry] = ()) -> Entry:
        """``SHA256SUMS`` of everything so far and of ``others``, for ``sha256sum --check``."""
        listed = in_order([*self.entries, *others])
        with self.written(SUMS) as write:
            for e in listed:
                write(f"{e.sha256}  {e.path}\n")
        return self.entries[-1]

    def in_order(self) -> list[Entry]:
        return in_order(self.entries)


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """By path, code point by code point, which is also the order of the bytes in UTF-8: the
    order of the sums and of the archives.
    """
    return sorted(entries, key=attrgetter("path"))


@contextmanager
def written_aside(goal: Path, attempt: str) -> Iterator[Path]:
    """A folder beside ``goal`` for one attempt; gone afterwards unless it was moved.

    What dead attempts left is removed first: one live release job per project owns the parent.
    """
    for left in goal.parent.glob(".*-*"):
        shutil.rmtree(left, ignore_errors=True)
    aside = goal.with_name(f".{goal.name}.{attempt}")
    aside.mkdir(parents=True)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


class Spot(NamedTuple):
    """Where one file's bytes are within an archive."""

    sha256: str
    offset: int
    size: int


def write_index(goal: Path, spots: dict[str, Spot]) -> None:
    """Every file of an archive with its place there, by path: what ``spot_in`` looks up."""
    with goal.open("w", encoding="utf-8") as file:
        for path in sorted(spots):
            sha256, offset, size = spots[path]
            file.write(f"{sha256}{offset:>16}{size:>14}  {path}\n")


def digest_in(sums: Path, path: str) -> str | None:
    """The SHA-256 of one file by ``SHA256SUMS``; None where it is not listed."""
    return _head_of(sums, path, SUMS_WIDTH)


def spot_in(index: Path, path: str) -> Spot | None:
    """Where one file is in an archive, by its index; None where it is not listed."""
    head = _head_of(index, path, INDEX_WIDTH)
    return None if head is None else Spot(head[:64], int(head[64:80]), int(head[80:94]))


def _head_of(listing: Path, path: str, width: int) -> str | None:
    """What stands before a path in a sorted list, ``width`` signs and two of them blank.

    By bisection: a dozen seeks in a file of a hundred thousand lines, and constant memory.
    """
    wanted = path.encode()
    with listing.open("rb") as file:
        low, high = 0, listing.stat().st_size
        while low < high:
            start, line = _line_over(file, (low + high) // 2)
            name = line[width:]
            if name == wanted:
                return line[: width - 2].decode()
            if name < wanted:
                low = start + len(line) + 1
            else:
                high = start
    return None


def _line_over(file: Any, position: int) -> tuple[int, bytes]:
    """Where the line that covers a position starts, and what it says."""
    back = max(0, position - 512)
    file.seek(back)
    block = file.read(1024)
    start = block.rfind(b"\n", 0, position - back) + 1
    return back + start, block[start : block.index(b"\n", start)]


def lines_of(sums: Path, width: int = SUMS_WIDTH) -> Iterator[tuple[str, str]]:
    """Path and digest of every listed file, in order; an index is wider than the sums."""
    with sums.open(encoding="utf-8") as file:
        for line in file:
            yield line[width:-1], line[:64]
