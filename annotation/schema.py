"""What the OpenAPI schema says beyond the serializers: problems, and bodies without extras."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `errors` names the fields that were wrong, each with its reasons.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": True},
    },
    "required": ["type", "title", "status", "detail"],
}
REFUSAL = {
    "description": "Refused: 400 a field is wrong, 401 nobody is signed in, 403 not yet, 404 not "
    "there for you, 409 not in this state, 410 gone, 429 too often.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
METHODS = ("get", "put", "post", "patch", "delete")


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation may answer with a problem; one shape for all of them."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for method in METHODS:
            if method in operations:
                operations[method]["responses"]["default"] = REFUSAL
    return result


class StrictBody(OpenApiSerializerExtension):
    """Bodies in which a field that nobody knows is an error."""

    target_class = "annotation.api.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        told = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return told | {"additionalProperties": False}
