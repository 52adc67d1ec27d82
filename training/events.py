"""TensorBoard's event files, written by ourselves: a few dozen bytes of format need no package.

A file is a row of records: length (u64), its masked CRC-32C (u32), an ``Event`` of protocol
buffers, its masked CRC-32C, all little-endian. An ``Event`` has wall_time (1, double), step
(2, varint), and either file_version (3, string) or summary (5), whose values (1) have a tag
(1, string) and a simple_value (2, float).
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.storage import written_aside

FILE_NAME = "events.out.tfevents.rafter"


def _table() -> tuple[int, ...]:
    """CRC-32C (Castagnoli), byte by byte, reflected polynomial 0x82F63B78."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The checksum; of ``b"123456789"`` it is 0xE3069283."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def write(path: Path, lines: Sequence[Mapping[str, object]], started: float) -> None:
    """One event for each line of ``metrics.jsonl``: its numbers as scalars at its epoch.

    ``started`` is the time of the first line's beginning, in seconds since 1970; the lines'
    ``seconds`` lead on from there. Written whole, so that a resumed run has no line twice.
    """
    now, records = started, [_record(_event(started, 0, _field(3, b"brain.Event:2")))]
    for line in lines:
        now += float(str(line.get("seconds", 0.0)))
        values = b"".join(
            _field(1, _field(1, name.encode()) + b"\x15" + struct.pack("<f", value))
            for name, value in line.items()
            if isinstance(value, int | float) and name not in ("epoch", "best")
        )
        records.append(_record(_event(now, int(str(line["epoch"])), _field(5, values))))
    with written_aside(path) as aside:
        aside.write_bytes(b"".join(records))


def _event(wall_time: float, step: int, what: bytes) -> bytes:
    return b"\x09" + struct.pack("<d", wall_time) + b"\x10" + _varint(step) + what


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes: its key, its length, itself."""
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
