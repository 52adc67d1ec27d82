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

from annotation.api import (
    Conflict,
    ProjectView,
    StrictSerializer,
    TableView,
    unknown_parameters,
)
from annotation.images import pictures
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.releases.models import Release
from annotation.releases.serving import serve_file

from . import queries, services, trying
from .models import Run


class RunRow(serializers.ModelSerializer[Run]):
    release = serializers.CharField(source="release.version")
    release_withdrawn = serializers.CharField(
        source="release.withdrawn_reason",
        help_text="Why the release it was trained on was withdrawn; empty where it stands.",
    )
    job = serializers.IntegerField(source="job_id")
    state = serializers.CharField()
    progress = serializers.FloatField(source="job.progress")
    message = serializers.CharField(source="job.message")

    class Meta:
        model = Run
        fields = [
            "number", "release", "release_withdrawn", "recipe", "parameters", "seed",
            "code_version", "job", "state", "progress", "message", "error", "metrics", "created_at",
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


class SweepRequest(StrictSerializer):
    release = serializers.CharField(max_length=20, help_text="A version, or 'latest'.")
    recipes = serializers.ListField(
        child=serializers.CharField(max_length=40), allow_empty=False, max_length=services.MAX_SWEEP
    )
    seeds = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**31 - 1),
        allow_empty=False,
        max_length=services.MAX_SWEEP,
    )
    epochs = serializers.IntegerField(min_value=1, required=False, allow_null=True)


class SweepReference(serializers.Serializer[Any]):
    runs = serializers.ListField(child=serializers.IntegerField())
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/; cancel it there.")
    created = serializers.BooleanField(help_text="False where one was already under way.")


class ContenderRow(serializers.Serializer[Any]):
    """One recipe on one release, over its seeds; shares 0–1."""

    recipe = serializers.CharField()
    release = serializers.CharField()
    epochs = serializers.IntegerField(allow_null=True)
    runs = serializers.SerializerMethodField()
    seeds = serializers.SerializerMethodField()
    mean_diagonal = serializers.SerializerMethodField()
    half_interval = serializers.SerializerMethodField()
    accuracy = serializers.FloatField(allow_null=True)
    recalls = serializers.DictField(child=serializers.FloatField(allow_null=True))
    n_test = serializers.IntegerField()

    def get_runs(self, row: queries.Contender) -> list[int]:
        return [run.number for run in row.runs]

    def get_seeds(self, row: queries.Contender) -> list[int]:
        return [run.seed for run in row.runs]

    def get_mean_diagonal(self, row: queries.Contender) -> float:
        return row.mean_diagonal[0]

    def get_half_interval(self, row: queries.Contender) -> float | None:
        return row.mean_diagonal[1]


class EpochRow(serializers.Serializer[Any]):
    """A line of ``metrics.jsonl``."""

    epoch = serializers.IntegerField()
    loss = serializers.FloatField()
    fit = serializers.FloatField()
    pull = serializers.FloatField()
    rate = serializers.FloatField()
    seconds = serializers.FloatField()
    images_per_s = serializers.FloatField()
    val_mean_diagonal = serializers.FloatField(allow_null=True)
    val_accuracy = serializers.FloatField(allow_null=True)
    val_loss = serializers.FloatField(allow_null=True)
    best = serializers.BooleanField()


class AnswerRow(serializers.Serializer[Any]):
    probabilities = serializers.DictField(
        source="shares", child=serializers.FloatField(), help_text="By class; they sum to 1."
    )
    seen_by = serializers.ChoiceField(
        choices=["face", "aligned", "centre"],
        help_text="A face was found; a small square counts as aligned; else the centre.",
    )


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

    def published(self, version: str) -> Release:
        rows = self.access().project.releases.filter(state=Release.State.PUBLISHED)
        found = rows.first() if version == "latest" else rows.filter(version=version).first()
        if found is None:
            raise ValidationError({"release": [f"There is no published release {version!r}."]})
        return found


class RunList(TableView, RunView):
    @extend_schema(responses=RunRow(many=True), operation_id="runs_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        return self.table(queries.runs_of(self.access().project), RunRow)

    @extend_schema(request=RunRequest, responses={202: RunReference})
    def post(self, request: Request, slug: str) -> Response:
        who = self.access(Role.CURATOR)
        body = RunRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        run, created = services.request_run(
            who.project,
            self.published(asked["release"]),
            asked["recipe"],
            who.person,
            seed=asked["seed"],
            epochs=asked.get("epochs"),
        )
        if created:
            wake(run.job)
        told = {"run": run.number, "job": run.job_id, "created": created}
        return Response(told, status=status.HTTP_202_ACCEPTED)


class Sweep(RunView):
    @extend_schema(request=SweepRequest, responses={202: SweepReference})
    def post(self, request: Request, slug: str) -> Response:
        """Train every recipe with every seed, one after another, as one job."""
        who = self.access(Role.CURATOR)
        body = SweepRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        runs, created = services.request_sweep(
            who.project,
            self.published(asked["release"]),
            asked["recipes"],
            asked["seeds"],
            who.person,
            epochs=asked.get("epochs"),
        )
        if created:
            wake(runs[0].job)
        told = {"runs": [r.number for r in runs], "job": runs[0].job_id, "created": created}
        return Response(told, status=status.HTTP_202_ACCEPTED)


class RunComparison(RunView):
    @extend_schema(responses=ContenderRow(many=True), operation_id="runs_compare")
    def get(self, request: Request, slug: str) -> Response:
        """Finished runs side by side: every recipe on every release, over its seeds."""
        unknown_parameters(request)
        return Response(ContenderRow(queries.comparison(self.access().project), many=True).data)


class RunEpochs(RunView):
    @extend_schema(responses=EpochRow(many=True), operation_id="run_epochs")
    def get(self, request: Request, slug: str, number: int) -> Response:
        """The epochs so far, while the run goes on and after."""
        unknown_parameters(request)
        return Response(EpochRow(queries.epochs_of(self.run(number)), many=True).data)


class RunResume(RunView):
    @extend_schema(request=None, responses=RunRow)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Go on with a failed or cancelled run (and the rest of its sweep) where it stopped."""
        self.access(Role.CURATOR)
        run = self.run(number)
        if not services.resume_run(run):
            raise Conflict(f"Run {number} is {run.state}, or another training is under way.")
        wake(run.job)
        return Response(RunRow(self.run(number)).data)


class RunPredict(RunView):
    @extend_schema(
        request=dict.fromkeys(("image/jpeg", "image/png"), OpenApiTypes.BINARY),
        responses=AnswerRow,
        operation_id="run_predict",
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Seven probabilities for the picture in the body. The picture is not stored."""
        run = self.run(number)
        data = request._request.read(pictures.MAX_BYTES + 1)
        try:
            return Response(AnswerRow(trying.ask(run, data)).data)
        except pictures.Refused as refused:
            raise ValidationError({"picture": [str(refused)]}) from None
        except trying.NoModel as missing:
            raise Conflict(str(missing)) from None


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
    path("runs/sweep/", Sweep.as_view(), name="run-sweep"),
    path("runs/compare/", RunComparison.as_view(), name="run-compare"),
    path("runs/<int:number>/", RunOne.as_view(), name="run-detail"),
    path("runs/<int:number>/epochs/", RunEpochs.as_view(), name="run-epochs"),
    path("runs/<int:number>/resume/", RunResume.as_view(), name="run-resume"),
    path("runs/<int:number>/predict/", RunPredict.as_view(), name="run-predict"),
    path("runs/<int:number>/files/<path:file>", RunFile.as_view(), name="run-file"),
]
