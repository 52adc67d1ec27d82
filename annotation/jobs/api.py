"""REST endpoints of jobs, below ``/api/v1/projects/{slug}/``; curators only."""

from datetime import timedelta
from typing import Any

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import Conflict, KeysetPagination, ProjectView, unknown_parameters
from annotation.people.models import Role

from . import queries, services
from .models import Job
from .tasks import wake


class JobRow(serializers.ModelSerializer[Job]):
    elapsed_s = serializers.SerializerMethodField()
    expected_s = serializers.SerializerMethodField(help_text="Seconds left at the present pace.")

    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "progress", "message", "error", "attempt", "parameters",
            "result", "created_at", "started_at", "finished_at", "elapsed_s", "expected_s",
        ]  # fmt: skip

    def get_elapsed_s(self, job: Job) -> float | None:
        return _seconds(queries.elapsed(job))

    def get_expected_s(self, job: Job) -> float | None:
        return _seconds(queries.expected_remaining(job))


class JobDetail(JobRow):
    log = serializers.SerializerMethodField()

    class Meta(JobRow.Meta):
        fields = [*JobRow.Meta.fields, "log"]

    def get_log(self, job: Job) -> list[str]:
        return [line.text for line in job.lines.all()]


class JobView(ProjectView):
    roles = (Role.CURATOR,)

    def job(self, job_id: int) -> Job:
        found = queries.jobs_of(self.access().project).filter(pk=job_id).first()
        if found is None:
            raise Http404(f"No job {job_id}.")
        return found


class JobList(JobView):
    @extend_schema(
        responses=JobRow(many=True),
        operation_id="jobs_list",
        parameters=[OpenApiParameter("state", enum=Job.State.values)],
    )
    def get(self, request: Request, slug: str) -> Response:
        rows = queries.jobs_of(self.access().project)
        unknown_parameters(request, "state")
        state = request.query_params.get("state")
        if state is not None:
            if state not in Job.State.values:
                known = ", ".join(Job.State.values)
                raise ValidationError({"state": [f"{state!r} is not one of {known}."]})
            rows = rows.filter(state=state)
        paginator = KeysetPagination()
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(JobRow(page, many=True).data)


class JobOne(JobView):
    @extend_schema(responses=JobDetail)
    def get(self, request: Request, slug: str, job_id: int) -> Response:
        return Response(JobDetail(self.job(job_id)).data)


class JobCancel(JobView):
    @extend_schema(request=None, responses=JobRow)
    def post(self, request: Request, slug: str, job_id: int) -> Response:
        job = self.job(job_id)
        if not job.is_live:
            raise Conflict(f"Job {job_id} has ended ({job.state}).")
        services.cancel_job(job)
        return Response(JobRow(job).data)


class JobRetry(JobView):
    @extend_schema(request=None, responses=JobRow)
    def post(self, request: Request, slug: str, job_id: int) -> Response:
        job = self.job(job_id)
        if not services.retry_job(job):
            raise Conflict(
                "Only failed and cancelled jobs are tried again, and only one of a kind at a time."
            )
        wake(job)
        return Response(JobRow(job).data)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 1)


project_urls: list[Any] = [
    path("jobs/", JobList.as_view(), name="job-list"),
    path("jobs/<int:job_id>/", JobOne.as_view(), name="job-detail"),
    path("jobs/<int:job_id>/cancel/", JobCancel.as_view(), name="job-cancel"),
    path("jobs/<int:job_id>/retry/", JobRetry.as_view(), name="job-retry"),
]
