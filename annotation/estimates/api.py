"""REST endpoints of estimates, below ``/api/v1/projects/{slug}/``.

Researchers read what they see on pages: the estimates and their images. What is said of single
annotators, the tables and the figures about them are for curators.
"""

import zlib
from pathlib import Path
from typing import Any

from django.http import FileResponse, Http404, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, TableView, unknown_parameters
from annotation.images.models import Image
from annotation.jobs.tasks import wake
from annotation.people.models import Membership, Role
from reliability import ScreeningRule, Subset
from reliability.expressions import COMPOUNDS, NAMES

from . import planning, queries, services
from .models import Estimate, VotePlan

CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".npz": "application/octet-stream",
}


class EstimateRow(serializers.ModelSerializer[Estimate]):
    job = serializers.IntegerField(source="job_id")

    class Meta:
        model = Estimate
        fields = [
            "number", "job", "method", "parameters", "seed", "code_version", "votes_digest",
            "n_items", "n_annotators", "n_votes", "n_kept", "converged", "created_at",
        ]  # fmt: skip


class EstimateDetail(EstimateRow):
    report = serializers.JSONField()

    class Meta(EstimateRow.Meta):
        fields = [*EstimateRow.Meta.fields, "report"]


class RuleRequest(StrictSerializer):
    threshold = serializers.FloatField(min_value=-5, max_value=5, default=0.0)
    confidence = serializers.FloatField(min_value=0.5, max_value=0.9999, default=0.99)
    min_votes = serializers.IntegerField(min_value=1, max_value=100_000, default=20)


class EstimateRequest(StrictSerializer):
    method = serializers.ChoiceField(choices=services.METHODS, default="glad")
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    rule = RuleRequest(
        required=False, help_text="Of screening; without it that of the last estimate stands."
    )


class PlanRequest(StrictSerializer):
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class PlanRow(serializers.ModelSerializer[VotePlan]):
    estimate = serializers.IntegerField(source="estimate.number")
    job = serializers.IntegerField(source="job_id")
    summary = serializers.JSONField(
        help_text="Depths, shares that stay the same with their 95 % limits, images settled."
    )

    class Meta:
        model = VotePlan
        fields = ["estimate", "job", "seed", "code_version", "created_at", "summary"]


class JobReference(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="Follow it at jobs/{id}/.")
    created = serializers.BooleanField(help_text="False where one was already under way.")


class AnnotatorRow(serializers.Serializer[Any]):
    code = serializers.CharField(source="annotator.code")
    reliability = serializers.FloatField()
    std_error = serializers.FloatField()
    accuracy = serializers.FloatField(help_text="Implied by the model; not against the truth.")
    n_votes = serializers.IntegerField()
    kept = serializers.BooleanField()
    reason = serializers.CharField()
    before = serializers.FloatField(
        allow_null=True, help_text="Reliability before anybody was left out."
    )
    agreement = serializers.FloatField(
        allow_null=True, help_text="Share of the votes that fall on the consensus."
    )
    median_ms = serializers.IntegerField(allow_null=True)
    random_low = serializers.FloatField(
        allow_null=True, help_text="From here to random_high a random voter would come."
    )
    random_high = serializers.FloatField(allow_null=True)


class ItemRow(serializers.Serializer[Any]):
    image = serializers.UUIDField(source="image.uid")
    n_votes = serializers.IntegerField()
    consensus = serializers.SerializerMethodField()
    confidence = serializers.FloatField()
    easiness = serializers.FloatField()
    entropy = serializers.FloatField()
    subset = serializers.SerializerMethodField()
    compound = serializers.SerializerMethodField()
    is_certain = serializers.BooleanField(help_text="Decided beyond what habits alone could give.")
    posterior = serializers.ListField(child=serializers.FloatField())
    distribution = serializers.ListField(child=serializers.FloatField())

    def get_consensus(self, row: Any) -> str:
        return NAMES[row.consensus]

    def get_subset(self, row: Any) -> str:
        return Subset(row.subset).name.lower()

    def get_compound(self, row: Any) -> str | None:
        return None if row.compound is None else COMPOUNDS[row.compound][0]


class OverrulingRequest(StrictSerializer):
    keep = serializers.BooleanField()
    reason = serializers.CharField(max_length=300)


class EstimateView(ProjectView):
    """Shared by all below: the number is of the caller's project."""

    roles = (Role.CURATOR, Role.RESEARCHER)

    def estimate(self, number: int, *roles: str) -> Estimate:
        found = queries.estimates_of(self.access(*roles).project).filter(number=number).first()
        if found is None:
            raise Http404(f"No estimate {number}.")
        return found


class EstimateList(TableView, EstimateView):
    @extend_schema(responses=EstimateRow(many=True), operation_id="estimates_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        return self.table(queries.estimates_of(self.access().project), EstimateRow)

    @extend_schema(request=EstimateRequest, responses={202: JobReference})
    def post(self, request: Request, slug: str) -> Response:
        who = self.access(Role.CURATOR)
        body = EstimateRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        if "rule" in asked:
            asked = {**asked, "rule": ScreeningRule(**asked["rule"])}
        job, created = services.request_estimate(who.project, who.person, **asked)
        if created:
            wake(job)
        return Response({"job": job.pk, "created": created}, status=status.HTTP_202_ACCEPTED)


class EstimateOne(EstimateView):
    @extend_schema(responses=EstimateDetail)
    def get(self, request: Request, slug: str, number: int) -> Response:
        return Response(EstimateDetail(self.estimate(number)).data)


class EstimateAnnotators(TableView, EstimateView):
    @extend_schema(responses=AnnotatorRow(many=True), operation_id="estimates_annotators")
    def get(self, request: Request, slug: str, number: int) -> Response:
        unknown_parameters(request)
        rows = self.estimate(number, Role.CURATOR).annotators.select_related("annotator")
        return self.table(rows, AnnotatorRow, "id")


class EstimateItems(TableView, EstimateView):
    @extend_schema(
        responses=ItemRow(many=True),
        operation_id="estimates_items",
        parameters=[
            OpenApiParameter("subset", enum=[s.name.lower() for s in Subset]),
            OpenApiParameter("consensus", enum=list(NAMES)),
        ],
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        unknown_parameters(request, "subset", "consensus")
        rows = self.estimate(number).items.select_related("image")
        rows = rows.exclude(image__state=Image.State.TAKEN_DOWN)
        if "subset" in request.query_params:
            names = [s.name.lower() for s in Subset]
            rows = rows.filter(subset=list(Subset)[self._choice("subset", names)])
        if "consensus" in request.query_params:
            rows = rows.filter(consensus=self._choice("consensus", list(NAMES)))
        return self.table(rows, ItemRow, "id")

    def _choice(self, field: str, names: list[str]) -> int:
        value = self.request.query_params[field]
        if value not in names:
            raise ValidationError({field: [f"{value!r} is not one of {', '.join(names)}."]})
        return names.index(value)


class EstimatePlan(EstimateView):
    @extend_schema(responses=PlanRow)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """How many votes are enough: the last plan made from this estimate's votes."""
        found = self.estimate(number, Role.CURATOR).plans.first()
        if found is None:
            raise Http404("No plan was made from this estimate yet.")
        return Response(PlanRow(found).data)

    @extend_schema(request=PlanRequest, responses={202: JobReference})
    def post(self, request: Request, slug: str, number: int) -> Response:
        estimate = self.estimate(number, Role.CURATOR)
        body = PlanRequest(data=request.data)
        body.is_valid(raise_exception=True)
        person = self.access(Role.CURATOR).person
        job, created = planning.request_plan(estimate, person, **body.validated_data)
        if created:
            wake(job)
        return Response({"job": job.pk, "created": created}, status=status.HTTP_202_ACCEPTED)


class EstimatePlanFile(EstimateView):
    @extend_schema(operation_id="estimate_plan_file", responses={(200, "*/*"): OpenApiTypes.ANY})
    def get(self, request: Request, slug: str, number: int, file: str) -> HttpResponseBase:
        """The figure of the last plan, its table, or the table of the images."""
        plan = self.estimate(number, Role.CURATOR).plans.first()
        folder = None if plan is None else planning.folder_of_plan(plan).resolve()
        found = None if folder is None else _file_in(folder, file)
        if found is None:
            raise Http404(f"No file {file!r} in this plan.")
        return FileResponse(found.open("rb"), content_type=_content_type(found))


class EstimateFile(EstimateView):
    @extend_schema(responses={(200, "*/*"): OpenApiTypes.ANY})
    def get(self, request: Request, slug: str, number: int, file: str) -> HttpResponseBase:
        """A table, the report or a figure, as it was written; it never changes."""
        estimate = self.estimate(number, Role.CURATOR)
        found = _file_in(queries.folder_of(estimate).resolve(), file)
        if found is None:
            raise Http404(f"No file {file!r} in this estimate.")
        etag = f'"{estimate.pk}-{estimate.created_at:%Y%m%d%H%M%S%f}-{zlib.crc32(file.encode())}"'
        response: HttpResponseBase = HttpResponseNotModified()
        if etag not in request.headers.get("If-None-Match", ""):
            response = FileResponse(found.open("rb"), content_type=_content_type(found))
        response["ETag"] = etag
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


class OverrulingOne(ProjectView):
    roles = (Role.CURATOR,)

    def _annotator(self, code: str) -> Membership:
        members = self.access().project.memberships.filter(role=Role.ANNOTATOR, code=code)
        found = members.first()
        if found is None:
            raise Http404(f"No annotator {code!r}.")
        return found

    @extend_schema(request=OverrulingRequest, responses={204: None})
    def put(self, request: Request, slug: str, code: str) -> Response:
        annotator = self._annotator(code)
        body = OverrulingRequest(data=request.data)
        body.is_valid(raise_exception=True)
        services.overrule(annotator, by=self.access().person, **body.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, code: str) -> Response:
        if not services.withdraw_overruling(self._annotator(code)):
            raise Http404("Nobody has overruled the screening of this annotator.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def _file_in(folder: Path, name: str) -> Path | None:
    """A file below the folder; None for anything else that a path may say."""
    try:
        found = (folder / name).resolve()
        return found if found.is_relative_to(folder) and found.is_file() else None
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return None


def _content_type(path: Path) -> str:
    return CONTENT_TYPES.get(path.suffix, "application/octet-stream")


project_urls = [
    path("estimates/", EstimateList.as_view(), name="estimate-list"),
    path("estimates/<int:number>/", EstimateOne.as_view(), name="estimate-detail"),
    path(
        "estimates/<int:number>/annotators/",
        EstimateAnnotators.as_view(),
        name="estimate-annotators",
    ),
    path("estimates/<int:number>/items/", EstimateItems.as_view(), name="estimate-items"),
    path("estimates/<int:number>/files/<path:file>", EstimateFile.as_view(), name="estimate-file"),
    path("estimates/<int:number>/plan/", EstimatePlan.as_view(), name="estimate-plan"),
    path(
        "estimates/<int:number>/plan/<str:file>",
        EstimatePlanFile.as_view(),
        name="estimate-plan-file",
    ),
    path("people/<str:code>/overruling/", OverrulingOne.as_view(), name="overruling"),
]
