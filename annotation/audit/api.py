"""REST endpoint of the log, below ``/api/v1/projects/{slug}/``; curators only."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import StrictSerializer, TableView, unknown_parameters
from annotation.people.models import Role

from .models import Entry, Kind
from .queries import Wanted, entries_of


class EntryRow(serializers.ModelSerializer[Entry]):
    class Meta:
        model = Entry
        fields = [
            "id", "at", "who", "door", "token", "network", "kind", "words", "subject", "before",
            "after",
        ]  # fmt: skip


class WantedBody(StrictSerializer):
    """Which entries: the query's parameters, and the page's form."""

    who = serializers.CharField(max_length=150, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=Kind, required=False, allow_blank=True)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)
    words = serializers.CharField(max_length=100, required=False, allow_blank=True)


def wanted_of(said: Any) -> Wanted:
    """Checked parameters; raises the API's ``ValidationError``."""
    asked = WantedBody(data=said)
    asked.is_valid(raise_exception=True)
    return Wanted(**asked.validated_data)


class AuditList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(
        responses=EntryRow(many=True),
        operation_id="audit_list",
        parameters=[
            OpenApiParameter("who", str, description="A user name."),
            OpenApiParameter("kind", str, enum=Kind.values),
            OpenApiParameter("since", str, description="A day, YYYY-MM-DD."),
            OpenApiParameter("until", str, description="A day, YYYY-MM-DD; it is still wanted."),
            OpenApiParameter("words", str, description="Part of what was done, or to what."),
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        """What curators and operators did in this project, newest first."""
        names = ("who", "kind", "since", "until", "words")
        unknown_parameters(request, *names)
        said = {n: request.query_params[n] for n in names if n in request.query_params}
        return self.table(entries_of(self.access().project, wanted_of(said)), EntryRow)


project_urls = [path("audit/", AuditList.as_view(), name="audit-list")]
