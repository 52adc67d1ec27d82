"""Tables of the API as CSV: ``Accept: text/csv`` or ``?format=csv``.

One page of a list as one table; the ``Link`` header names the next page. Apart from ``api``
because the REST framework loads it early.
"""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class TableRenderer(BaseRenderer):
    """Rows as CSV with a header; lists and objects in a cell are JSON. Problems stay JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None and response.status_code >= 400:
            problem: bytes = JSONRenderer().render(data)
            return problem
        rows = data.get("results", [data]) if isinstance(data, Mapping) else data
        if response is not None and isinstance(data, Mapping) and data.get("next"):
            response["Link"] = f'<{data["next"]}>; rel="next"'
        return written(rows).encode()


TABLE_RENDERERS = [JSONRenderer, TableRenderer]


def written(rows: list[Mapping[str, Any]]) -> str:
    """The rows as CSV with LF; the first row's keys make the header."""
    sink = io.StringIO()
    table = csv.writer(sink, lineterminator="\n")
    names = list(rows[0]) if rows else []
    table.writerow(names)
    table.writerows([_cell(row[name]) for name in names] for row in rows)
    return sink.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return value
