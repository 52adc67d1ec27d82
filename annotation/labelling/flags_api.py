"""REST endpoints of flags: what could not be labelled, and a curator's decision."""

import uuid
from typing import Any

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, TableView, unknown_parameters
from annotation.images.queries import images_of
from annotation.people.models import Role

from . import flags
from .models import Flag


class FlagRow(serializers.ModelSerializer[Flag]):
    image = serializers.UUIDField(source="assignment.image.uid")
    file_name = serializers.CharField(source="assignment.image.file_name")
    annotator = serializers.CharField(source="assignment.annotator.code")

    class Meta:
        model = Flag
        fields = ["id", "image", "file_name", "annotator", "reason", "note", "flagged_at"]


class FlagDecisionBody(StrictSerializer):
    decision = serializers.ChoiceField(choices=Flag.Decision)


class Decided(serializers.Serializer[Any]):
    n_flags = serializers.IntegerField(help_text="How many flags it decided.")


class FlagList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=FlagRow(many=True), operation_id="flags_list")
    def get(self, request: Request, slug: str) -> Response:
        """The flags that wait for a decision."""
        unknown_parameters(request)
        rows = flags.waiting(self.access().project)
        return self.table(
            rows.select_related("assignment__image", "assignment__annotator"), FlagRow
        )


class FlagDecision(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(request=FlagDecisionBody, responses=Decided)
    def put(self, request: Request, slug: str, uid: uuid.UUID) -> Response:
        """Decide on every flag that waits on an image: exclude it, keep it, or give it back."""
        who = self.access()
        image = images_of(who.project).filter(uid=uid).select_related("project").first()
        if image is None:
            raise Http404("No such image.")
        body = FlagDecisionBody(data=request.data)
        body.is_valid(raise_exception=True)
        n = flags.decide(image, body.validated_data["decision"], who.person)
        return Response({"n_flags": n})


project_urls = [
    path("flags/", FlagList.as_view(), name="flag-list"),
    path("flags/<uuid:uid>/decision/", FlagDecision.as_view(), name="flag-decision"),
]
