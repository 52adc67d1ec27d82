"""Immutable files over HTTP: strong ETag, one byte range, resumable, in constant memory.

RFC 9110 §§ 13–15 as far as downloads need it; RFC 9530 for ``Repr-Digest``. With ``BEHIND_NGINX``
the bytes are nginx's work (``X-Accel-Redirect``), ranges included.
"""

import base64
import io
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase

from .folder import Spot

CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".svg": "image/svg+xml",
    ".tar": "application/x-tar",
    ".parquet": "application/vnd.apache.parquet",
    ".cff": "application/yaml",
}
ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class _Chunked(FileResponse):
    block_size = 1 << 18


class Part(NamedTuple):
    """A piece of a large file: its number from 1, where it begins and how long it is, in bytes."""

    number: int
    offset: int
    length: int


class Slice(io.RawIOBase):
    """``length`` bytes of a file from where it stands. Servers may send it by ``fileno``."""

    def __init__(self, file: io.FileIO, length: int) -> None:
        self.file, self.left = file, length

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(self.left if size < 0 else min(size, self.left)) or b""
        self.left -= len(data)
        return data

    def fileno(self) -> int:
        return self.file.fileno()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """``socket.sendfile`` leaves the file where it stopped; nothing else may move it."""
        return self.file.seek(offset, whence)

    def close(self) -> None:
        self.file.close()
        super().close()


def serve_file(
    request: HttpRequest | Any,
    path: Path,
    sha256: str,
    *,
    name: str | None = None,
    is_attachment: bool = False,
    part: Part | None = None,
    inside: Spot | None = None,
) -> HttpResponseBase:
    """Answer GET or HEAD for a file that never changes; ``sha256`` is its hexadecimal digest.

    200, 206 for one satisfiable range (``If-Range`` obeyed), 304, 412, or 416 with the length.
    Several ranges and malformed ones are answered whole, as the standard allows. With ``part``
    that part is what is answered: ranges count within it. With ``inside`` the file is one that
    lies within ``path``, an archive.
    """
    etag = etag_of(sha256, part)
    if inside is not None:
        offset, size = inside.offset, inside.size
    else:
        offset, size = (part.offset, part.length) if part else (0, path.stat().st_size)
    headers = _headers(etag, None if part else sha256, name or path.name, is_attachment)
    if "If-Match" in request.headers and not _names(request.headers["If-Match"], etag):
        return HttpResponse(status=412, headers=headers)
    if _names(request.headers.get("If-None-Match", ""), etag):
        return HttpResponseNotModified(headers=headers)
    is_whole = part is None and inside is None
    if settings.BEHIND_NGINX and is_whole and "If-Match" not in request.headers:
        return _handed_to_nginx(path, headers)
    asked = _range(request, etag, size)
    if asked is None:
        return _body(request, path, offset, offset + size, 200, headers)
    start, stop = asked
    if start >= stop:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return _body(request, path, offset + start, offset + stop, 206, headers)


def parts_of(size: int, part_size: int) -> list[Part]:
    """A file of ``size`` bytes in parts of ``part_size``, the last one smaller; in order."""
    return [
        Part(n, offset, min(part_size, size - offset))
        for n, offset in enumerate(range(0, size, part_size), start=1)
    ]


def etag_of(sha256: str, part: Part | None = None) -> str:
    """The strong ETag of a file, or of a part of it."""
    return f'"{sha256}"' if part is None else f'"{sha256}.{part.offset}.{part.length}"'


def bytes_to_send(request: HttpRequest | Any, etag: str, size: int) -> int:
    """How many bytes of a file a request is going to be answered, by whoever sends them."""
    if request.method != "GET" or _names(request.headers.get("If-None-Match", ""), etag):
        return 0
    start, stop = _range(request, etag, size) or (0, size)
    return max(0, stop - start)


def _headers(etag: str, sha256: str | None, name: str, is_attachment: bool) -> dict[str, str]:
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Type": CONTENT_TYPES.get(Path(name).suffix, "application/octet-stream"),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    if sha256 is not None:
        digest = base64.b64encode(bytes.fromhex(sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    if is_attachment:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return headers


def _names(field: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match field names this ETag."""
    tags = {tag.strip().removeprefix("W/") for tag in field.split(",")}
    return etag in tags or "*" in tags


def _range(request: HttpRequest | Any, etag: str, size: int) -> tuple[int, int] | None:
    """Start and stop of the one range asked for; None to send all, start ≥ stop for 416."""
    found = ONE_RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if request.method != "GET" or found is None or found.groups() == ("", ""):
        return None
    if request.headers.get("If-Range", etag) != etag:
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _body(
    request: HttpRequest | Any,
    path: Path,
    start: int,
    stop: int,
    status: int,
    headers: dict[str, str],
) -> HttpResponseBase:
    headers["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    file = path.open("rb", buffering=0)
    file.seek(start)
    return _Chunked(Slice(file, stop - start), status=status, headers=headers)


def _handed_to_nginx(path: Path, headers: dict[str, str]) -> HttpResponse:
    """nginx sends the bytes and answers ranges; ``deploy/nginx.conf`` passes our ETag on.

    It takes ``If-Match`` for unmet before it knows that ETag, so those requests stay here.
    """
    return HttpResponse(headers=headers | {"X-Accel-Redirect": internal_address(path)})


def internal_address(path: Path) -> str:
    """Where nginx's internal location has a file: ``/protected/releases/…`` and so on."""
    for name in ("RELEASES_ROOT", "RUNS_ROOT", "ESTIMATES_ROOT", "MEDIA_ROOT"):
        root = getattr(settings, name)
        if path.is_relative_to(root):
            return quote(f"/protected/{name[:-5].lower()}/{path.relative_to(root)}")
    raise ValueError(f"{path} is below none of the served roots")
