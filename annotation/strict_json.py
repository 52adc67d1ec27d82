"""JSON as the standard has it. Apart from ``api`` because the REST framework loads it early."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_JSON_BYTES = 1_000_000


class StrictJSONParser(JSONParser):
    """JSON as the standard has it: no doubled keys, NaN, bottomless depth or endless size."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise ParseError(f"The body is larger than {MAX_JSON_BYTES:,} bytes.")
        try:
            return json.loads(
                body.decode("utf-8"), object_pairs_hook=no_doubles, parse_constant=no_constant
            )
        except RecursionError:
            raise ParseError("Not valid JSON: nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"Not valid JSON: {error}") from None


def no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = sorted({n for n in names if names.count(n) > 1})
        raise ValueError(f"key given twice: {', '.join(doubled)}")
    return result


def no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
