"""REST endpoints of collections, below ``/api/v1/projects/{slug}/``; for curators."""

import json
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import Conflict, ProjectView, StrictSerializer, unknown_parameters
from annotation.jobs.models import Job
from annotation.jobs.tasks import wake
from annotation.people.models import Role

from . import orders, queries, services
from .models import Collection


class CollectionRow(serializers.ModelSerializer[Collection]):
    job = serializers.IntegerField(source="job_id")
    state = serializers.CharField(source="job.state")

    class Meta:
        model = Collection
        fields = ["id", "door", "name", "job", "state", "order", "created_at"]


class CollectionDetail(CollectionRow):
    course = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()

    class Meta(CollectionRow.Meta):
        fields = [*CollectionRow.Meta.fields, "course", "reasons"]

    def get_course(self, collection: Collection) -> dict[str, int]:
        return queries.course_of(collection)

    def get_reasons(self, collection: Collection) -> dict[str, int]:
        return dict(queries.reasons_of(collection))


class CollectionRequest(StrictSerializer):
    keywords = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), required=False,
        help_text="Words by expression; the paper's where left out.",
    )  # fmt: skip
    limit = serializers.IntegerField(required=False, default=2000)
    licences = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Flickr's numbers."
    )
    uploaded_from = serializers.DateField(required=False)
    uploaded_to = serializers.DateField(required=False)


class ManifestRequest(StrictSerializer):
    photographs = serializers.ListField(
        child=serializers.DictField(), min_length=1, max_length=20_000,
        help_text="Each has url, and may have the columns of metadata.csv.",
    )  # fmt: skip
    name = serializers.CharField(required=False, default="manifest", max_length=200)


class JobOfCollection(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")


class CollectionView(ProjectView):
    roles = (Role.CURATOR,)

    @staticmethod
    def accepted(job: Job, is_new: bool) -> Response:
        if not is_new:
            raise Conflict(f"Job {job.pk} is collecting for this project; wait for its end.")
        wake(job)
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)


class CollectionList(CollectionView):
    @extend_schema(responses=CollectionRow(many=True), operation_id="collection_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        rows = queries.collections_of(self.access().project)[:100]
        return Response(CollectionRow(rows, many=True).data)

    @extend_schema(
        request=CollectionRequest,
        responses={202: JobOfCollection},
        operation_id="collection_create",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Search Flickr, fetch what is found, import it."""
        found = self.access()
        asked = CollectionRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            order = orders.checked(**asked.validated_data)
            job, is_new = services.request_collection(found.project, order, found.person)
        except Invalid as error:
            raise serializers.ValidationError(_told(error)) from None
        return self.accepted(job, is_new)


class CollectionManifest(CollectionView):
    @extend_schema(
        request=ManifestRequest,
        responses={202: JobOfCollection},
        operation_id="collection_manifest",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Fetch the photographs of a list of addresses and import them."""
        found = self.access()
        asked = ManifestRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        lines = "\n".join(json.dumps(row) for row in asked.validated_data["photographs"])
        name = asked.validated_data["name"]
        try:
            made = services.request_manifest(found.project, lines.encode(), name, found.person)
        except Invalid as error:
            raise serializers.ValidationError(_told(error)) from None
        return self.accepted(*made)


class CollectionOne(CollectionView):
    @extend_schema(responses=CollectionDetail, operation_id="collection_detail")
    def get(self, request: Request, slug: str, pk: int) -> Response:
        record = queries.collections_of(self.access().project).filter(pk=pk).first()
        if record is None:
            raise Http404("No such collection.")
        return Response(CollectionDetail(record).data)


def _told(error: Invalid) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages}


project_urls = [
    path("collections/", CollectionList.as_view(), name="collection-list"),
    path("collections/manifest/", CollectionManifest.as_view(), name="collection-manifest"),
    path("collections/<int:pk>/", CollectionOne.as_view(), name="collection-detail"),
]
