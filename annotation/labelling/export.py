"""Raw votes as CSV or Parquet, streamed: a million in seconds, and never many in memory.

Assignments are read in slices of their numbers, the first one small, so that the first byte leaves
at once. Within a slice the database writes the text itself (PostgreSQL by COPY, SQLite by joining
lines); no vote becomes an object here.
"""

import io
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from django.db import connection

from annotation.people.models import Project
from reliability.expressions import NAMES

from .arrays import read_numbers

COLUMNS = ("item", "annotator", "expression", "voted_at", "response_ms")
FIRST_SLICE, SLICE = 2_000, 100_000
_FROM = """
    FROM labelling_vote v
    CROSS JOIN labelling_assignment a
    CROSS JOIN images_image i
    CROSS JOIN people_membership m
    WHERE a.id = v.assignment_id AND i.id = a.image_id AND m.id = a.annotator_id
    AND v.is_current AND a.state = 'answered' AND i.project_id = %s AND i.state = 'active'
    AND v.assignment_id > %s AND v.assignment_id <= %s AND a.id > %s AND a.id <= %s
"""  # CROSS: SQLite then walks the slice of votes first. The slice twice: PostgreSQL concludes no
#      range of assignments from that of their votes, and would read all of them for every slice.
_NAMED = (
    "CASE v.expression " + "".join(f"WHEN {k} THEN '{n}' " for k, n in enumerate(NAMES)) + "END"
)
_DASHED = " || '-' || ".join(
    f"substr(i.uid, {start}, {n})" for start, n in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
)
_LINE = {
    "postgresql": (
        f"i.uid, m.code, {_NAMED},"
        " to_char(v.voted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00',"
        " v.response_ms"
    ),
    "sqlite": (
        f"{_DASHED} || ',' || m.code || ',' || {_NAMED} || ',' || replace(v.voted_at, ' ', 'T')"
        " || '+00:00,' || coalesce(v.response_ms, '') || char(10)"
    ),
}
_MICROSECONDS = {
    "postgresql": "CAST(extract(epoch FROM v.voted_at) * 1000000 AS bigint)",
    "sqlite": (
        "unixepoch(v.voted_at) * 1000000"
        " + CAST(substr(v.voted_at || '000000', 21, 6) AS integer)"  # SQLite 3.40 has no subsec
    ),
}


def write_csv(project: Project) -> Iterator[bytes]:
    """``votes.csv`` of the project's votes that count, in blocks; annotators by code."""
    yield (",".join(COLUMNS) + "\n").encode()
    read = _copied if connection.vendor == "postgresql" else _joined
    for start, end in _slices():
        with connection.cursor() as cursor:
            block = read(cursor, [project.pk, start, end, start, end])
        if block:
            yield block


def write_parquet(project: Project) -> Iterator[bytes]:
    """The same table as Parquet, one row group a slice; items and annotators as dictionaries."""
    import pyarrow
    import pyarrow.parquet

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # gives back what it does not need
    words = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    time = pyarrow.timestamp("us", tz="UTC")
    schema = pyarrow.schema(zip(COLUMNS, (words, words, words, time, pyarrow.int32()), strict=True))
    out = io.BytesIO()
    with pyarrow.parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        yield from _emptied(out)  # the first bytes leave before anything is read
        images = _Names(project.images.order_by("pk").values_list("pk", "uid").iterator())
        people = _Names(project.memberships.order_by("pk").values_list("pk", "code").iterator())
        names = _Names(enumerate(NAMES))
        for start, end in _slices():
            table = _numbers(project, start, end)
            if table.shape[1]:
                ms = table[4]
                columns = [
                    *(
                        n.encoded(row)
                        for n, row in zip((images, people, names), table, strict=False)
                    ),
                    _column(table[3], time, np.int64),
                    _column(ms, pyarrow.int32(), np.int32, ms >= 0),
                ]
                writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
            yield from _emptied(out)
    yield from _emptied(out)


class _Names:
    """Numbers of rows in the database as words of a Parquet dictionary."""

    def __init__(self, rows: Iterable[tuple[int, Any]]) -> None:
        import pyarrow

        keys, ends, letters = array("q"), array("i", [0]), bytearray()
        for pk, name in rows:
            keys.append(pk)
            letters += str(name).encode()
            ends.append(len(letters))
        self.keys = np.frombuffer(keys, dtype=np.int64)
        self.words = pyarrow.StringArray.from_buffers(  # from a list, it would load pandas
            len(keys), pyarrow.py_buffer(ends), pyarrow.py_buffer(bytes(letters))
        )

    def encoded(self, column: Any) -> Any:
        import pyarrow

        places = _column(np.searchsorted(self.keys, column), pyarrow.int32(), np.int32)
        return pyarrow.DictionaryArray.from_arrays(places, self.words)


def _column(values: Any, kind: Any, width: Any, known: Any = None) -> Any:
    """Numbers as a column of Arrow by their bytes; ``pyarrow.array`` would load pandas, 40 MB."""
    import pyarrow

    is_known = None if known is None else pyarrow.py_buffer(np.packbits(known, bitorder="little"))
    told = pyarrow.py_buffer(np.ascontiguousarray(values, dtype=width))
    return pyarrow.Array.from_buffers(kind, len(values), [is_known, told])


def _numbers(project: Project, start: int, end: int) -> Any:
    """``(5, n_votes)`` in the order of assignments: image, annotator, 0–6, µs, ms or −1."""
    columns = (
        "a.image_id", "a.annotator_id", "v.expression", _MICROSECONDS[connection.vendor],
        "coalesce(v.response_ms, -1)",
    )  # fmt: skip
    with connection.cursor() as cursor:
        return read_numbers(cursor, columns, _FROM, [project.pk, start, end, start, end])


def _slices() -> Iterator[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM labelling_assignment")
        (last,) = cursor.fetchone()
    start, size = 0, FIRST_SLICE
    while start < last:
        yield start, start + size
        start, size = start + size, SLICE


def _copied(cursor: Any, told: list[int]) -> bytes:
    query = f"SELECT {_LINE['postgresql']} {_FROM} ORDER BY v.assignment_id"
    out = io.BytesIO()
    whole = cursor.mogrify(query, told).decode()
    cursor.copy_expert(f"COPY ({whole}) TO STDOUT (FORMAT csv)", out)
    return out.getvalue()


def _joined(cursor: Any, told: list[int]) -> bytes:
    cursor.execute(f"SELECT group_concat({_LINE['sqlite']}, '') {_FROM}", told)
    return (cursor.fetchone()[0] or "").encode()


def _emptied(out: io.BytesIO) -> Iterator[bytes]:
    """What was written so far; the writer goes on at its own count of bytes."""
    block = out.getvalue()
    if block:
        out.seek(0)
        out.truncate()
        yield block
