"""Manners that every endpoint shares: one error shape, keyset pages, access to a project."""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_exception_handler

from annotation.people.models import Token
from annotation.people.queries import Access, access
from annotation.tables import TABLE_RENDERERS


class Conflict(exceptions.APIException):
    """409: the request is sound but the state of things does not allow it."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The present state does not allow this."
    default_code = "conflict"


class Gone(exceptions.APIException):
    """410: it was here and is not any more."""

    status_code = status.HTTP_410_GONE
    default_detail = "This is no longer available."
    default_code = "gone"


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A serializer that names fields it does not know instead of passing them over."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                known = ", ".join(n for n, f in self.fields.items() if not f.read_only)
                raise serializers.ValidationError(
                    {name: [f"Unknown field. Known are: {known}."] for name in unknown}
                )
        return super().to_internal_value(data)


class KeysetPagination(CursorPagination):
    """Pages that stay stable while rows are added: by primary key, never by offset."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    ordering = "-id"

    def get_page_size(self, request: Request) -> int:
        told = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (told.isascii() and told.isdigit()) or not 1 <= int(told[:9]) <= self.max_page_size:
            raise exceptions.ValidationError(
                {"page_size": [f"{told!r} is not a whole number from 1 to {self.max_page_size}."]}
            )
        return int(told)


class ProjectView(APIView):
    """An endpoint below ``/projects/{slug}/``. ``roles`` says who may call it (any if empty)."""

    roles: tuple[str, ...] = ()

    def access(self, *roles: str) -> Access:
        """The caller's access to the project in the path; 404 for everybody else."""
        token = self.request.auth if isinstance(self.request.auth, Token) else None
        return access(self.request.user, self.kwargs["slug"], *(roles or self.roles), token=token)


class TableView(ProjectView):
    """A list below a project: in pages, as JSON or as CSV (``Accept: text/csv``)."""

    pagination_class = KeysetPagination
    renderer_classes = TABLE_RENDERERS

    def table(self, rows: Any, serializer: Any, ordering: str = "-id", **context: Any) -> Response:
        """One page of the rows; ``ordering`` must name unique values that never change."""
        paginator = self.pagination_class()
        paginator.ordering = ordering
        page = paginator.paginate_queryset(rows, self.request, view=self)
        return paginator.get_paginated_response(serializer(page, many=True, context=context).data)


def problem(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Every error as RFC 9457 ``application/problem+json`` with ``errors`` by field."""
    if isinstance(exc, ValidationError):
        exc = exceptions.ValidationError(
            exc.message_dict if hasattr(exc, "error_dict") else {"non_field_errors": exc.messages}
        )
    response = drf_exception_handler(exc, context)
    if response is None:
        return None
    detail, errors = _told(response.data)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _title(exc),
        "status": response.status_code,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    extra = getattr(exc, "extra", None)
    if extra:
        body.update(extra)
    response.data = body
    response.content_type = "application/problem+json"
    return response


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """The same shape for addresses below ``/api/`` that lead nowhere."""
    body = {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "No such address.",
    }
    return JsonResponse(body, status=404, content_type="application/problem+json")


def unknown_parameters(request: Request, *known: str) -> None:
    """Refuse query parameters nobody reads: a mistyped filter must not return everything."""
    unknown = sorted(set(request.query_params) - set(known) - {"cursor", "page_size", "format"})
    if unknown:
        raise exceptions.ValidationError(
            {name: [f"Unknown parameter. Known are: {', '.join(known)}."] for name in unknown}
        )


def _told(data: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(data, dict) and set(data) == {"detail"}:
        return str(data["detail"]), {}
    if isinstance(data, list):
        return " ".join(map(str, data)), {}
    errors = {str(k): v if isinstance(v, (list, dict)) else [v] for k, v in data.items()}
    first, told = next(iter(errors.items()))
    text = told[0] if isinstance(told, list) and told else told
    return (str(text) if first == "non_field_errors" else f"{first}: {text}"), errors


def _title(exc: Exception) -> str:
    if isinstance(exc, Http404):
        return "Not Found"
    if isinstance(exc, PermissionDenied):
        return "Permission Denied"
    code = getattr(exc, "default_code", type(exc).__name__)
    return str(code).replace("_", " ").title()
