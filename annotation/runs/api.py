"""REST endpoints of runs, below ``/api/v1/projects/{slug}/``.

Researchers and curators read and download; curators start.
"""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import KeysetPagination, ProjectView, StrictSerializer, unknown_parameters
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.releases.models import Release
from annotation.releases.serving import serve_file

from . import queries, services
from .models import Run


class RunRow(serializers.ModelSerializer[Run]):
    release = serializers.CharField(source="release.version")
    job = serializers.IntegerField(source="job_id")
    state = serializers.CharField(source="job.state")
    progress = serializers.FloatField(source="job.progress")
    message = serializers.CharField(source="job.message")

    class Meta:
        model = Run
        fields = [
            "number", "release", "recipe", "parameters", "seed", "code_version", "job", "state",
            "progress", "message", "metrics", "created_at",
        ]  # fmt: skip


class RunFileRow(serializers.Serializer[Any]):
    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()


class RunDetail(RunRow):
    files = RunFileRow(many=True)

    class Meta(RunRow.Meta):
        fields = [*RunRow.Meta.fields, "files"]


class RunRequest(StrictSerializer):
    release = serializers.CharField(max_length=20, help_text="A version, or 'latest'.")
    recipe = serializers.CharField(max_length=40)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    epochs = serializers.IntegerField(min_value=1, required=False, allow_null=True)


class RunReference(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")
    created = serializers.BooleanField(help_text="False where one was already under way.")


class RunView(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    def run(self, number: int) -> Run:
        found = queries.runs_of(self.access().project).filter(number=number).first()
        if found is None:
            raise Http404(f"No run {number}.")
        return found


class RunList(RunView):
    @extend_schema(responses=RunRow(many=True), operation_id="runs_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        paginator = KeysetPagination()
        rows = queries.runs_of(self.access().project)
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(RunRow(page, many=True).data)

    @extend_schema(request=RunRequest, responses={202: RunReference})
    def post(self, request: Request, slug: str) -> Response:
        who = self.access(Role.CURATOR)
        body = RunRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        run, created = services.request_run(
            who.project,
            self._release(asked["release"]),
            asked["recipe"],
            who.person,
            seed=asked["seed"],
            epochs=asked.get("epochs"),
        )
        if created:
            wake(run.job)
        told = {"run": run.number, "job": run.job_id, "created": created}
        return Response(told, status=status.HTTP_202_ACCEPTED)

    def _release(self, version: str) -> Release:
        rows = self.access().project.releases.filter(state=Release.State.PUBLISHED)
        found = rows.first() if version == "latest" else rows.filter(version=version).first()
        if found is None:
            raise ValidationError({"release": [f"There is no published release {version!r}."]})
        return found


class RunOne(RunView):
    @extend_schema(responses=RunDetail)
    def get(self, request: Request, slug: str, number: int) -> Response:
        return Response(RunDetail(self.run(number)).data)


class RunFile(RunView):
    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, number: int, file: str) -> HttpResponseBase:
        run = self.run(number)
        known = queries.file_of(run, file)
        if known is None:
            raise Http404(f"No file {file!r} in run {number}.")
        path = queries.folder_of(run) / known["path"]
        return serve_file(request, path, known["sha256"], is_attachment=True)


project_urls = [
    path("runs/", RunList.as_view(), name="run-list"),
    path("runs/<int:number>/", RunOne.as_view(), name="run-detail"),
    path("runs/<int:number>/files/<path:file>", RunFile.as_view(), name="run-file"),
]
