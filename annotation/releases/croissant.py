"""``croissant.json``: the release in the words of Croissant 1.0 (MLCommons), as JSON-LD.

Checked in tests by ``mlcroissant``. It describes the layout that it lies in, by relative paths.
"""

import json
from collections.abc import Sequence
from typing import Any

from .columns import Column, Kind
from .folder import Entry
from .layouts import Layout, Table

NAME = "croissant.json"
CITED = (
    "Li, S., Deng, W., Du, J.: Reliable Crowdsourcing and Deep Locality-Preserving Learning for "
    "Expression Recognition in the Wild. CVPR 2017."
)
TYPES = {Kind.TEXT: "sc:Text", Kind.WHOLE: "sc:Integer", Kind.REAL: "sc:Float"}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(told: dict[str, Any], layout: Layout, entries: Sequence[Entry]) -> str:
    """The description of one layout; ``entries`` are its files, for their digests."""
    project = told["project"]
    paths = {table.path for table in layout.tables}
    by_path = {entry.path: entry for entry in entries if entry.path in paths}
    described: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": f"{project['slug']}-{told['version']}",
        "alternateName": project["name"],
        "description": f"{told['n_images']:,} face photographs with the expression that a crowd "
        f"saw in each, as {layout.name.label}.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": told["version"],
        "license": project["licence"] or "not stated",
        "creator": {"@type": "Organization", "name": project["name"]},
        "dateCreated": told["estimate"]["made_on"],
        "citeAs": CITED,
        "isLiveDataset": False,
        "distribution": [_file(by_path[table.path]) for table in layout.tables],
        "recordSet": [_records(layout, table) for table in layout.tables],
    }
    if told["site"]:
        described["url"] = told["site"]
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def _file(entry: Entry) -> dict[str, Any]:
    is_csv = entry.path.endswith(".csv")
    return {
        "@type": "cr:FileObject",
        "@id": entry.path,
        "name": entry.path,
        "contentUrl": entry.path,
        "contentSize": f"{entry.size} B",
        "encodingFormat": "text/csv" if is_csv else "application/x-parquet",
        "sha256": entry.sha256,
    }


def _records(layout: Layout, table: Table) -> dict[str, Any]:
    """One record per row of a table; its name is ``images`` or, say, ``basic-train``."""
    name = f"{table.subset}-{table.split}" if table.subset else "images"
    fields = [_picture(name, table)] if layout.pictures_inside else []
    for column in layout.columns:
        fields += _fields(name, table, column, is_list=layout.pictures_inside)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"One record per image of {table.path}.",
        "key": {"@id": f"{name}/file"},
        "field": fields,
    }


def _fields(records: str, table: Table, column: Column, is_list: bool) -> list[dict[str, Any]]:
    if is_list and column.parts:
        return [_field(records, table, column.name, column) | {"repeated": True}]
    return [_field(records, table, cell, column) for cell in column.cells]


def _field(records: str, table: Table, cell: str, column: Column) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{cell}",
        "name": cell,
        "description": column.says,
        "dataType": TYPES[column.kind],
        "source": {"fileObject": {"@id": table.path}, "extract": {"column": cell}},
    }


def _picture(records: str, table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/image",
        "name": "image",
        "description": "The aligned face, 100×100.",
        "dataType": "sc:ImageObject",
        "source": {
            "fileObject": {"@id": table.path},
            "extract": {"column": "image"},
            "transform": {"jsonPath": "bytes"},
        },
    }
