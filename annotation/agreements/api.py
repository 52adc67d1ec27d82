"""REST endpoints of the data-use agreement, below ``/api/v1/projects/{slug}/``."""

from typing import Any

from django.urls import path, reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import (
    Conflict,
    ProjectView,
    StrictSerializer,
    TableView,
    unknown_parameters,
)
from annotation.people.models import Role
from annotation.people.queries import Access

from . import queries, services
from .models import Acceptance


class AgreementBody(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number")
    text = serializers.CharField(help_text="Markdown.")
    created_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True, help_text="By you; null if not yet.")


class AgreementText(StrictSerializer):
    text = serializers.CharField(max_length=50_000)


class AcceptanceBody(StrictSerializer):
    version = serializers.IntegerField(help_text="The version you have read.")
    institution = serializers.CharField(max_length=200)
    purpose = serializers.CharField(max_length=2000)


class AcceptanceRow(serializers.ModelSerializer[Acceptance]):
    version = serializers.IntegerField(source="agreement.number")
    person = serializers.CharField(source="person.__str__")

    class Meta:
        model = Acceptance
        fields = ["version", "person", "institution", "purpose", "accepted_at"]


class AgreementNotAccepted(APIException):
    """403: the caller may download once they have accepted the agreement."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "agreement_not_accepted"

    def __init__(self, slug: str, number: int) -> None:
        super().__init__(
            f"Accept version {number} of the data-use agreement first: read it at 'agreement', "
            "then PUT version, institution and purpose to 'accept'; or do it on the page."
        )
        self.extra = {
            "agreement": reverse("api:agreement", args=[slug]),
            "accept": reverse("api:agreement-acceptance", args=[slug]),
            "page": reverse("agreement", args=[slug]),
        }


def must_have_accepted(who: Access) -> None:
    """Refuse with a pointer whoever has not accepted the agreement that holds."""
    agreement = queries.still_to_accept(who)
    if agreement is not None:
        raise AgreementNotAccepted(who.project.slug, agreement.number)


class AgreementOne(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    @extend_schema(responses=AgreementBody)
    def get(self, request: Request, slug: str) -> Response:
        """The version that holds, and whether the caller accepted it."""
        unknown_parameters(request)
        return Response(_told(self.access()))

    @extend_schema(request=AgreementText, responses={201: AgreementBody})
    def post(self, request: Request, slug: str) -> Response:
        """Publish a new version, which everybody must accept anew."""
        who = self.access(Role.CURATOR)
        body = AgreementText(data=request.data)
        body.is_valid(raise_exception=True)
        services.publish_agreement(who.project, body.validated_data["text"], who.person)
        return Response(_told(who), status=status.HTTP_201_CREATED)


class AgreementAcceptance(ProjectView):
    roles = (Role.CURATOR, Role.RESEARCHER)

    @extend_schema(request=AcceptanceBody, responses=AgreementBody)
    def put(self, request: Request, slug: str) -> Response:
        """Accept the version that holds; 409 where it was replaced since it was read."""
        who = self.access()
        body = AcceptanceBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        agreement = services.agreement_of(who.project)
        if said.pop("version") != agreement.number:
            raise Conflict(f"Version {agreement.number} holds now. Read it, then accept it.")
        services.accept(agreement, who.person, **said)
        return Response(_told(who))


class AcceptanceList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=AcceptanceRow(many=True), operation_id="agreement_acceptances")
    def get(self, request: Request, slug: str) -> Response:
        """Who accepted which version, where they work and what for."""
        unknown_parameters(request)
        return self.table(queries.acceptances_of(self.access().project), AcceptanceRow)


def _told(who: Access) -> Any:
    agreement = services.agreement_of(who.project)
    mine = queries.acceptance_of(agreement, who.person)
    agreement.accepted_at = mine.accepted_at if mine else None  # type: ignore[attr-defined]
    return AgreementBody(agreement).data


project_urls = [
    path("agreement/", AgreementOne.as_view(), name="agreement"),
    path("agreement/acceptance/", AgreementAcceptance.as_view(), name="agreement-acceptance"),
    path("agreement/acceptances/", AcceptanceList.as_view(), name="agreement-acceptances"),
]
