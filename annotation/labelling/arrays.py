"""Votes from the database as arrays, a million in a second or two on either database."""

import io
from typing import Any, NamedTuple

import numpy as np
from django.db import connection, transaction

from annotation.images.models import Image
from annotation.people.models import Project

Integers = np.ndarray[Any, np.dtype[np.int64]]

_FROM = """
    FROM labelling_vote v
    CROSS JOIN labelling_assignment a
    WHERE a.id = v.assignment_id AND v.is_current AND a.state = 'answered'
    AND a.annotator_id IN (SELECT id FROM people_membership WHERE project_id = %s)
"""  # CROSS: SQLite then walks the index of current votes, twice as fast as by images
_SECONDS = {
    "postgresql": "CAST(extract(epoch FROM v.voted_at) AS bigint)",
    "sqlite": "unixepoch(v.voted_at)",
}
_AT_ONCE = 200_000  # assignments whose votes are one text at a time
_HEAD_BYTES = 19  # of PostgreSQL's binary format: signature, flags, length of an extension


class GivenVotes(NamedTuple):
    """The current votes on active images, ordered by image and annotator; all ``(n_votes,)``."""

    image_ids: Integers
    annotator_ids: Integers
    """Memberships."""
    expressions: Integers
    """0–6."""
    voted_at: Integers
    """Seconds since 1970."""
    response_ms: Integers
    """Milliseconds from seeing the face to the vote; −1 where it was not measured."""
    position: Integers
    """Where the chosen button stood, 0–6; −1 where that is not known."""


def given_votes(project: Project) -> GivenVotes:
    """All of the project's current votes; the same votes always make the same arrays."""
    columns = (
        "a.image_id", "a.annotator_id", "v.expression", _SECONDS[connection.vendor],
        "coalesce(v.response_ms, -1)", "coalesce(v.position, -1)",
    )  # fmt: skip
    return GivenVotes(*_read(project, columns))


def timed_votes(project: Project) -> tuple[Integers, Integers, Integers, Integers]:
    """The first three of ``given_votes`` and ``response_ms``, in half the time."""
    columns = ("a.image_id", "a.annotator_id", "v.expression", "coalesce(v.response_ms, -1)")
    images, annotators, expressions, response_ms = _read(project, columns)
    return images, annotators, expressions, response_ms


def _read(project: Project, columns: tuple[str, ...]) -> Integers:
    """``columns``, image and annotator first, of the votes on active images in their order."""
    read = _copied_by_hash if connection.vendor == "postgresql" else _joined_in_slices
    with connection.cursor() as cursor:
        table = read(cursor, columns, _FROM, [project.pk])
    active = Image.objects.filter(project=project, state=Image.State.ACTIVE)
    is_active = np.zeros(int(table[0].max(initial=0)) + 1, dtype=bool)
    ids = np.fromiter(active.values_list("pk", flat=True), dtype=np.int64)
    is_active[ids[ids < len(is_active)]] = True
    table = table[:, is_active[table[0]]]  # a join with the images would double the time
    return table[:, np.lexsort((table[1], table[0]))]


def read_numbers(cursor: Any, columns: tuple[str, ...], source: str, told: list[int]) -> Integers:
    """Whole numbers of the rows that ``source`` (FROM and WHERE) names, ``(n_columns, n_rows)``."""
    read = _copied if connection.vendor == "postgresql" else _joined
    return read(cursor, columns, source, told)


def _joined_in_slices(
    cursor: Any, columns: tuple[str, ...], source: str, told: list[int]
) -> Integers:
    """``_joined``, an equal part of the assignments at a time; one is read in one piece."""
    cursor.execute("SELECT coalesce(max(id), 0) FROM labelling_assignment")
    (last,) = cursor.fetchone()
    within = f"{source} AND v.assignment_id > %s AND v.assignment_id <= %s"
    blocks = [
        _joined(cursor, columns, within, [*told, start, start + _AT_ONCE])
        for start in range(0, last, _AT_ONCE)
    ]
    return np.concatenate([np.zeros((len(columns), 0), dtype=np.int64), *blocks], axis=1)


def _joined(cursor: Any, columns: tuple[str, ...], source: str, told: list[int]) -> Integers:
    """SQLite's rows. It joins the numbers of many rows into one text, which is read at once: no
    number becomes an object."""
    joined = ", ".join(f"group_concat({column})" for column in columns)
    cursor.execute(f"SELECT {joined} {source}", told)
    texts = cursor.fetchone()
    if texts[0] is None:
        return np.zeros((len(columns), 0), dtype=np.int64)
    return np.stack([np.fromstring(text, np.int64, sep=",") for text in texts])


def _copied(cursor: Any, columns: tuple[str, ...], source: str, told: list[int]) -> Integers:
    """PostgreSQL's rows, by COPY in binary, where all rows have one length."""
    whole = ", ".join(f"CAST({column} AS bigint)" for column in columns)
    query = cursor.mogrify(f"SELECT {whole} {source}", told).decode()
    out = io.BytesIO()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", out)
    cell = np.dtype([("length", ">i4"), ("value", ">i8")])
    row = np.dtype([("n", ">i2"), ("cells", cell, (len(columns),))])
    n_rows = (out.tell() - _HEAD_BYTES) // row.itemsize
    rows = np.frombuffer(out.getbuffer(), row, n_rows, _HEAD_BYTES)
    return rows["cells"]["value"].T.astype(np.int64)


def _copied_by_hash(
    cursor: Any, columns: tuple[str, ...], source: str, told: list[int]
) -> Integers:
    """``_copied`` of nearly all votes: where these are too new for statistics, PostgreSQL expects a
    few and walks an index a million times."""
    with transaction.atomic():
        cursor.execute("SET LOCAL enable_nestloop = off")
        return _copied(cursor, columns, source, told)
