"""Take everything but the picture out of JPEG and WebP files without touching a pixel.

What a camera or an editor adds (EXIF, GPS, XMP, comments, thumbnails, a second picture, bytes after
the end) stands in segments of its own; the compressed picture is copied bit for bit.
"""

import re
import struct

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
APP0, APP14 = 0xE0, 0xEE
STANDALONE = {0x01, *range(0xD0, 0xD8)}
NEEDED = {0xC4, 0xCC, 0xDB, 0xDC, 0xDD, *(set(range(0xC0, 0xD0)) - {0xC8})}
"""Tables, frame headers, restart interval: what decoding needs (ITU-T T.81, table B.1)."""
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
JFIF = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


class Damaged(ValueError):
    """The file is not what its first bytes say, or it ends too early."""


def stripped_jpeg(data: bytes) -> bytes:
    """The JPEG with only the segments that decoding needs; raises ``Damaged``."""
    kept = [b"\xff\xd8"]
    at = 2
    while True:
        marker, at = _next_marker(data, at)
        if marker == EOI:
            return b"".join([*kept, b"\xff\xd9"])
        if marker in STANDALONE:
            continue
        end = _segment_end(data, at)
        body = _needed(marker, data[at + 2 : end])
        if body is not None:
            kept.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
        at = end
        if marker == SOS:
            at = _scan_end(data, end)
            kept.append(data[end:at])


def stripped_webp(data: bytes) -> bytes | None:
    """The WebP as one lossy picture; None where it is not simply that (alpha, lossless)."""
    chunks = _chunks(data)
    if "VP8 " not in chunks or "ALPH" in chunks:
        return None
    picture = chunks["VP8 "]
    body = b"WEBPVP8 " + struct.pack("<I", len(picture)) + picture + b"\x00" * (len(picture) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    if data[at : at + 1] != b"\xff":
        raise Damaged("ends too early" if at >= len(data) else "damaged between its segments")
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise Damaged("ends too early")
    return data[at], at + 1


def _segment_end(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise Damaged("ends too early")
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise Damaged("ends too early")
    return at + length


def _needed(marker: int, body: bytes) -> bytes | None:
    """What is kept of a segment; JFIF and Adobe say how colours are coded, and no more."""
    if marker in NEEDED or marker == SOS:
        return body
    if marker == APP0 and body.startswith(b"JFIF\x00"):
        return JFIF
    if marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
        return body[:12]
    return None


def _scan_end(data: bytes, at: int) -> int:
    found = NEXT_MARKER.search(data, at)
    if found is None:
        raise Damaged("ends too early")
    return found.start()


def _chunks(data: bytes) -> dict[str, bytes]:
    chunks: dict[str, bytes] = {}
    end = 8 + int.from_bytes(data[4:8], "little")
    at = 12
    while at + 8 <= min(end, len(data)):
        name = data[at : at + 4].decode("latin-1")
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > len(data):
            raise Damaged("ends too early")
        chunks.setdefault(name, data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    if end > len(data):
        raise Damaged("ends too early")
    return chunks
