"""How images are assigned, over REST below ``/api/v1/projects/{slug}/``: rules, and plans."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, unknown_parameters
from annotation.jobs.tasks import wake
from annotation.people.models import Role

from . import planning, rules
from .models import Rules
from .room import rules_of


class AssignmentRules(serializers.ModelSerializer[Rules]):
    class Meta:
        model = Rules
        fields = [*rules.NAMES, "is_planned"]
        read_only_fields = ["is_planned"]


class RulesOfAssignmentChange(StrictSerializer, AssignmentRules):  # type: ignore[misc]
    """The same fields, every one optional, and no other."""

    class Meta(AssignmentRules.Meta):
        fields = list(rules.NAMES)


class PlanBody(StrictSerializer):
    seed = serializers.IntegerField(min_value=0, max_value=2**32 - 1, required=False)


class PlanAsked(serializers.Serializer[Any]):
    job = serializers.IntegerField()
    is_new = serializers.BooleanField(help_text="false: one was under way already.")


class RulesView(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=AssignmentRules, operation_id="assignment_rules")
    def get(self, request: Request, slug: str) -> Response:
        """The rules in force."""
        unknown_parameters(request)
        return Response(AssignmentRules(rules_of(self.access().project.pk)).data)

    @extend_schema(
        request=RulesOfAssignmentChange,
        responses=AssignmentRules,
        operation_id="assignment_rules_change",
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change some of them, from the next draw on."""
        project = self.access().project
        body = RulesOfAssignmentChange(rules_of(project.pk), data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = rules.change_rules(project, **body.validated_data)
        return Response(AssignmentRules(changed).data)


class PlanView(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(request=PlanBody, responses={202: PlanAsked}, operation_id="plan_draw")
    def post(self, request: Request, slug: str) -> Response:
        """Draw the whole design for the images that nobody was given yet."""
        access = self.access()
        body = PlanBody(data=request.data)
        body.is_valid(raise_exception=True)
        job, is_new = planning.request_plan(access.project, access.person, **body.validated_data)
        if is_new:
            wake(job)
        return Response({"job": job.pk, "is_new": is_new}, status=status.HTTP_202_ACCEPTED)


project_urls = [
    path("rules/", RulesView.as_view(), name="assignment-rules"),
    path("plan/", PlanView.as_view(), name="plan"),
]
