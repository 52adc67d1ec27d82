"""Parquet: the images of a release as tables, and the votes behind them.

Everything is written in one order and without a time, so that a release can be built again byte for
byte.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .columns import COLUMNS, DECIMALS, Column, Context, Kind
from .crowd import ANNOTATORS, MIN_GROUP, VOTES, Crowd
from .folder import Folder
from .layouts import Layout, Table, dataset_card
from .models import LayoutName
from .plan import Plan
from .tree import Written

ROW_GROUP = 500
"""Images per row group: two megabytes, which is also what the writer holds."""


class Parquet(Layout):
    """``basic/train.parquet``: one row per image, the aligned picture inside."""

    name = LayoutName.PARQUET
    pictures_inside = True
    files = """\
- `basic/train.parquet`, `basic/test.parquet`, `compound/train.parquet` …: one row per image with
  everything that is known of it. `image` holds the aligned face, 100×100, as JPEG (`bytes`) and
  its name (`path`), which `datasets` decodes by itself.
"""

    def __init__(self, own: Folder, tree: Folder, context: Context) -> None:
        super().__init__(own, tree, context)
        self._writers: dict[tuple[str, str], pq.ParquetWriter] = {}
        self._waiting: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)

    @property
    def columns(self) -> list[Column]:
        return list(COLUMNS)

    def front_matter(self, told: dict[str, Any]) -> str:
        return dataset_card(told, "{subset}/{split}.parquet")

    def add(self, written: Written) -> None:
        place = written.face.place
        row = {column.name: column.value(written, self.context) for column in COLUMNS}
        row["image"] = {"bytes": written.picture, "path": place.name}
        rows = self._waiting[place.subset, place.split]
        rows.append(row)
        if len(rows) == ROW_GROUP:
            self._flush(place.subset, place.split)

    def end_tables(self) -> None:
        try:
            for key in sorted(self._waiting):
                self._flush(*key)
        finally:
            super().end_tables()

    def _flush(self, *key: str) -> None:
        rows = self._waiting.pop((key[0], key[1]), [])
        if not rows:
            return
        writer = self._writers.get((key[0], key[1])) or self._writer(*key)
        writer.write_table(pa.Table.from_pylist(rows, SCHEMA))

    def _writer(self, subset: str, split: str) -> pq.ParquetWriter:
        table = Table(f"{subset}/{split}.parquet", subset, split)
        self.tables.append(table)
        writer = pq.ParquetWriter(self.own.place(table.path), SCHEMA, compression="zstd")
        self._open.enter_context(writer)
        self._writers[subset, split] = writer
        return writer


def _arrow(column: Column) -> pa.DataType:
    plain = {Kind.TEXT: pa.string(), Kind.WHOLE: pa.int32(), Kind.REAL: pa.float64()}[column.kind]
    return pa.list_(plain) if column.parts else plain


def _feature(column: Column) -> dict[str, Any]:
    """The column in the words of ``datasets``."""
    dtype = {Kind.TEXT: "string", Kind.WHOLE: "int32", Kind.REAL: "float64"}[column.kind]
    value = {"dtype": dtype, "_type": "Value"}
    return {"feature": value, "_type": "List"} if column.parts else value


def _schema() -> pa.Schema:
    fields = [pa.field(c.name, _arrow(c), metadata={"description": c.says}) for c in COLUMNS]
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {"image": {"_type": "Image"}} | {c.name: _feature(c) for c in COLUMNS}
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema([pa.field("image", picture), *fields], metadata=told)


SCHEMA = _schema()


def write_votes(folder: Folder, plan: Plan, crowd: Crowd, codes: dict[int, str]) -> int:
    """``votes.parquet``: who chose what on each released image; returns how many votes it holds.

    By file, then by code: the order in which people joined or voted is not to be read off.
    """
    place_of = {p.image_id: i for i, p in enumerate(plan.places)}
    where = np.array([place_of.get(i, -1) for i in crowd.image_ids.tolist()], dtype=np.int32)
    people = np.array([codes[i] for i in crowd.annotator_ids.tolist()])
    rank = np.argsort(np.argsort(people)).astype(np.int32)
    place, person = where[crowd.item], rank[crowd.annotator]
    order = np.lexsort((person, place))
    order = order[place[order] >= 0]
    files = [f"{p.subset}/{p.name}" for p in plan.places]
    table = pa.table(
        {
            "file": pa.DictionaryArray.from_arrays(place[order], pa.array(files)),
            "annotator": pa.DictionaryArray.from_arrays(person[order], pa.array(np.sort(people))),
            "expression": pa.array((crowd.expression[order] + 1).astype(np.int8)),
        }
    )
    pq.write_table(table, folder.place(VOTES), compression="zstd")
    folder.take(VOTES)
    return len(order)


def write_annotators(folder: Folder, rows: Iterable[tuple[str, int, float, float, bool]]) -> None:
    """``annotators.parquet``: each code with its votes, reliability, standard error and screening.

    ``kept`` is empty where so few were set aside, or kept, that the group is not broken down.
    """
    columns = list(zip(*sorted(rows), strict=True))
    n_kept = sum(columns[4])
    hides = any(0 < n < MIN_GROUP for n in (n_kept, len(columns[4]) - n_kept))
    table = pa.table(
        {
            "annotator": pa.array(columns[0], pa.string()),
            "n_votes": pa.array(columns[1], pa.int32()),
            "reliability": pa.array([round(v, DECIMALS) for v in columns[2]], pa.float64()),
            "std_error": pa.array([round(v, DECIMALS) for v in columns[3]], pa.float64()),
            "kept": pa.array([None if hides else v for v in columns[4]], pa.bool_()),
        }
    )
    pq.write_table(table, folder.place(ANNOTATORS), compression="zstd")
    folder.take(ANNOTATORS)
