"""TensorBoard's files hold the epochs' numbers; decoded here by Google's own protocol buffers."""

import struct
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from training import events

LINES = [
    {"epoch": 1, "loss": 2.5, "seconds": 3.0, "val_loss": None, "best": True},
    {"epoch": 300, "loss": 1.25, "seconds": 4.0, "val_loss": 0.5, "best": False},
]


def event_class() -> Any:
    """TensorFlow's ``Event``, the part that we write, from its public field numbers."""
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in {
        "Value": [("tag", 1, kinds.TYPE_STRING, ""), ("simple_value", 2, kinds.TYPE_FLOAT, "")],
        "Summary": [("value", 1, kinds.TYPE_MESSAGE, ".t.Value")],
        "Event": [
            ("wall_time", 1, kinds.TYPE_DOUBLE, ""),
            ("step", 2, kinds.TYPE_INT64, ""),
            ("file_version", 3, kinds.TYPE_STRING, ""),
            ("summary", 5, kinds.TYPE_MESSAGE, ".t.Summary"),
        ],
    }.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            repeated = kinds.LABEL_REPEATED if field == "value" else kinds.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, type=kind, label=repeated)
            if of:
                added.type_name = of
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Event"))


def records(path: Path) -> list[bytes]:
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        found.append(data[12 : 12 + length])
        data = data[16 + length :]
    return found


def test_the_checksum_is_castagnolis() -> None:
    assert events.crc32c(b"123456789") == 0xE3069283


def test_every_epoch_is_an_event_with_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / events.FILE_NAME
    events.write(path, LINES, started=1000.0)
    kind = event_class()
    first, *rest = (kind.FromString(record) for record in records(path))
    assert first.file_version == "brain.Event:2"
    assert [(e.step, e.wall_time) for e in rest] == [(1, 1003.0), (300, 1007.0)]
    assert [{v.tag: v.simple_value for v in e.summary.value} for e in rest] == [
        {"loss": 2.5, "seconds": 3.0},
        {"loss": 1.25, "seconds": 4.0, "val_loss": 0.5},
    ]
