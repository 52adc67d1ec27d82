"""The table of votes over REST, below ``/api/v1/projects/{slug}/``: out as CSV or Parquet, in as
CSV. The pages use the same functions."""

import io
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, unknown_parameters
from annotation.people.models import Project, Role

from . import services
from .errors import VotesRefused
from .export import write_csv, write_parquet

PARQUET = "application/vnd.apache.parquet"
WRITERS = {"csv": (write_csv, "text/csv; charset=utf-8"), "parquet": (write_parquet, PARQUET)}
MAX_TABLE_BYTES = 20 * 2**20
"""Of votes that come in one request: some 300,000, ten seconds' work."""


class ImportedVotes(serializers.Serializer[Any]):
    n_new = serializers.IntegerField(help_text="Votes that were not there before.")


class TableParser(BaseParser):
    """The body as it is."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return stream


class VoteTable(ProjectView):
    roles = (Role.CURATOR,)
    parser_classes = (TableParser,)

    @extend_schema(
        operation_id="votes_export",
        parameters=[OpenApiParameter("as", enum=list(WRITERS), default="csv")],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, PARQUET): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """All votes that count; annotators by code."""
        unknown_parameters(request, "as")
        kind = request.query_params.get("as", "csv")
        if kind not in WRITERS:
            raise serializers.ValidationError({"as": [f"One of {', '.join(WRITERS)}."]})
        return votes_file(self.access().project, kind)

    @extend_schema(
        operation_id="votes_import",
        request={"text/csv": OpenApiTypes.STR},
        responses={201: ImportedVotes},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store votes that were collected elsewhere; a table with a doubt in it is refused."""
        project = self.access().project
        stream = request.data if hasattr(request.data, "read") else io.BytesIO()
        n_new = take_votes(project, stream)
        return Response({"n_new": n_new}, status=status.HTTP_201_CREATED)


def votes_file(project: Project, kind: str) -> StreamingHttpResponse:
    """The votes as a download that starts at once."""
    write, content_type = WRITERS[kind]
    response = StreamingHttpResponse(write(project), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{project.slug}-votes.{kind}"'
    return response


def take_votes(project: Project, stream: IO[bytes]) -> int:
    """Import a table of at most ``MAX_TABLE_BYTES``; returns how many votes were new.

    Raises Django's ``ValidationError`` that names line, column and value.
    """
    data = stream.read(MAX_TABLE_BYTES + 1)
    if len(data) > MAX_TABLE_BYTES:
        raise ValidationError(
            f"The table is larger than {MAX_TABLE_BYTES:,} bytes; use the command import_votes."
        )
    try:
        return services.import_votes(project, io.BytesIO(data))
    except VotesRefused as refused:
        raise ValidationError(str(refused)) from None


project_urls = [path("votes/", VoteTable.as_view(), name="vote-table")]
