"""REST endpoints of jobs, below ``/api/v1/projects/{slug}/``; curators, and researchers to look."""

from typing import Any

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import Conflict, ProjectView, TableView, unknown_parameters
from annotation.people.models import Role

from . import queries, services
from .models import Job
from .tasks import wake

UNTOLD: dict[str, Any] = {"parameters": {}, "claimed_by": "", "error": ""}
"""What researchers are told instead of paths and machines of the server."""


class JobRow(serializers.ModelSerializer[Job]):
    elapsed_s = serializers.SerializerMethodField()
    remaining_s = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "progress", "message", "error", "attempt", "claimed_by",
            "cancel_requested", "parameters", "result", "created_at", "started_at", "finished_at",
            "elapsed_s", "remaining_s",
        ]  # fmt: skip

    def to_representation(self, job: Job) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(job)
        return told if self.context.get("is_curator") else {**told, **UNTOLD}

    def get_elapsed_s(self, job: Job) -> float | None:
        spent = queries.elapsed(job)
        return None if spent is None else spent.total_seconds()

    def get_remaining_s(self, job: Job) -> float | None:
        left = queries.expected_remaining(job)
        return None if left is None else left.total_seconds()


class JobLineRow(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    attempt = serializers.IntegerField()
    text = serializers.CharField()


class JobDetail(JobRow):
    log = JobLineRow(source="lines", many=True)

    class Meta(JobRow.Meta):
        fields = [*JobRow.Meta.fields, "log"]

    def to_representation(self, job: Job) -> dict[str, Any]:
        told = super().to_representation(job)
        return told if self.context.get("is_curator") else {**told, "log": []}


class JobView(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    def job(self, pk: int, *roles: str) -> Job:
        found = queries.jobs_of(self.access(*roles).project).filter(pk=pk).first()
        if found is None:
            raise Http404(f"No job {pk}.")
        return found


class JobList(TableView, JobView):
    @extend_schema(responses=JobRow(many=True), operation_id="jobs_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        who = self.access()
        rows = queries.jobs_of(who.project)
        return self.table(rows, JobRow, is_curator=who.is_curator)


class JobOne(JobView):
    @extend_schema(responses=JobDetail)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """One job with its log; parameters, errors and log are for curators only."""
        context = {"is_curator": self.access().is_curator}
        return Response(JobDetail(self.job(pk), context=context).data)


class JobCancel(JobView):
    @extend_schema(request=None, responses=JobRow)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        job = self.job(pk, Role.CURATOR)
        if not job.is_live:
            raise Conflict(f"Job {pk} has {job.state} already.")
        services.cancel_job(job)
        return Response(JobRow(job, context={"is_curator": True}).data)


class JobRetry(JobView):
    @extend_schema(request=None, responses=JobRow)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        job = self.job(pk, Role.CURATOR)
        if not services.retry_job(job):
            raise Conflict(f"Job {pk} is {job.state}, or another of its kind is under way.")
        wake(job)
        return Response(JobRow(job, context={"is_curator": True}).data)


project_urls = [
    path("jobs/", JobList.as_view(), name="job-list"),
    path("jobs/<int:pk>/", JobOne.as_view(), name="job-detail"),
    path("jobs/<int:pk>/cancel/", JobCancel.as_view(), name="job-cancel"),
    path("jobs/<int:pk>/retry/", JobRetry.as_view(), name="job-retry"),
]
