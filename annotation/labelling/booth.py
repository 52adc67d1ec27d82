"""The short way of a plain vote from its request to its row, past everything it does not need.

What is not one without a doubt (see ``ballot``) is not answered here: the REST framework then takes
the same request, says what is wrong with it in the one shape of errors, or does what was asked.
"""

import json
from typing import Any

from django.http import HttpRequest

from annotation import throttling
from annotation.people.proofs import forget, proof_of
from annotation.strict_json import no_constant, no_doubles
from reliability.expressions import NAMES

from .ballot import Answer, Plain, plain_vote
from .models import Device

MAX_BODY_BYTES = 1000
DEVICES = frozenset(Device.values)
_WHOLE_NUMBERS = {"revision": (1, 1000), "response_ms": (0, 2**31 - 1), "position": (0, 6)}


def plain_vote_in(
    request: HttpRequest, slug: str, assignment_id: int
) -> tuple[Plain, Answer] | None:
    """The vote that this request brought, stored; ``None`` where it is not a plain one."""
    answer = _answer_in(request)
    sender = answer and proof_of(request)
    if answer is None or sender is None or not throttling.has_room(sender.token):
        return None
    stored = plain_vote(slug, assignment_id, sender, answer)
    if stored is None:
        forget(request)
        return None
    throttling.count(sender.token)
    return stored, answer


def expression_of(value: Any) -> int | None:
    """0–6 of an expression's name or its number 1–7 as in RAF-DB's files; ``None`` of all else."""
    if isinstance(value, str) and value in NAMES:
        return NAMES.index(value)
    return value - 1 if type(value) is int and 1 <= value <= len(NAMES) else None


def _answer_in(request: HttpRequest) -> Answer | None:
    meta = request.META
    length = meta.get("CONTENT_LENGTH") or "0"
    if (
        request.method != "PUT"
        or request.content_type != "application/json"
        or meta.get("QUERY_STRING")
        or meta.get("HTTP_ACCEPT", "*/*") not in ("*/*", "application/json")
        or not length.isdecimal()
        or not 0 < int(length) <= MAX_BODY_BYTES
    ):
        return None
    try:
        told = json.loads(request.body, object_pairs_hook=no_doubles, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return None
    return _answer(told) if isinstance(told, dict) else None


def _answer(told: dict[str, Any]) -> Answer | None:
    expression = expression_of(told.pop("expression", None))
    device = told.pop("device", None)
    if expression is None or not (device is None or (type(device) is str and device in DEVICES)):
        return None
    for name, value in told.items():
        low, high = _WHOLE_NUMBERS.get(name, (1, 0))
        if type(value) is not int or not low <= value <= high:
            return None
    return Answer(expression=expression, device=device or "", **told)
