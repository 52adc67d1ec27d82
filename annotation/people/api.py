"""REST endpoints of people: oneself and one's tokens, projects, members, invitations."""

from typing import Any

from django.http import Http404
from django.urls import path, reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api import ProjectView, StrictSerializer, TableView, unknown_parameters

from . import queries, services
from .models import Membership, Project, Role, Token


class Me(serializers.Serializer[Any]):
    username = serializers.CharField()
    display_name = serializers.CharField()
    is_staff = serializers.BooleanField(help_text="May open projects.")


class TokenRow(serializers.ModelSerializer[Token]):
    class Meta:
        model = Token
        fields = ["id", "name", "scope", "created_at", "last_used_at", "expires_at"]


class TokenRequest(StrictSerializer):
    name = serializers.CharField(max_length=80)
    scope = serializers.ChoiceField(choices=Token.Scope)
    days = serializers.IntegerField(min_value=1, max_value=3650, required=False)


class NewToken(TokenRow):
    token = serializers.CharField(help_text="Shown once; keep it now.")

    class Meta(TokenRow.Meta):
        fields = [*TokenRow.Meta.fields, "token"]


class ProjectRow(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["slug", "name", "description", "licence", "target_votes", "created_at"]


class ProjectDetail(ProjectRow):
    roles = serializers.ListField(child=serializers.CharField())

    class Meta(ProjectRow.Meta):
        fields = [*ProjectRow.Meta.fields, "guidelines", "roles"]


class MemberRow(serializers.ModelSerializer[Membership]):
    name = serializers.CharField(source="person.__str__")

    class Meta:
        model = Membership
        fields = ["code", "role", "name", "is_active", "excluded_reason", "joined_at"]


class InvitationRequest(StrictSerializer):
    role = serializers.ChoiceField(choices=Role)
    max_uses = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    days = serializers.IntegerField(min_value=1, max_value=365, default=14)
    note = serializers.CharField(max_length=120, default="", allow_blank=True)


class NewInvitation(serializers.Serializer[Any]):
    link = serializers.CharField(help_text="Shown once.")
    role = serializers.CharField()
    expires_at = serializers.DateTimeField()


def _caller(request: Request) -> tuple[Any, Token | None]:
    """Who asks, and with which token if with one."""
    return request.user, request.auth if isinstance(request.auth, Token) else None


class MeView(APIView):
    @extend_schema(responses=Me)
    def get(self, request: Request) -> Response:
        return Response(Me(request.user).data)


class TokenList(APIView):
    @extend_schema(responses=TokenRow(many=True), operation_id="tokens_list")
    def get(self, request: Request) -> Response:
        """One's usable tokens that may do no more than this one; secrets are kept nowhere."""
        return Response(TokenRow(queries.tokens_of(*_caller(request)), many=True).data)

    @extend_schema(request=TokenRequest, responses={201: NewToken})
    def post(self, request: Request) -> Response:
        """A new token. A token cannot make one that may do more or lasts longer than itself."""
        body = TokenRequest(data=request.data)
        body.is_valid(raise_exception=True)
        person, by = _caller(request)
        token, secret = services.create_token(person, **body.validated_data, by=by)
        told = {**TokenRow(token).data, "token": secret}
        return Response(told, status=status.HTTP_201_CREATED)


class TokenOne(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke a token; one with a narrower scope cannot revoke a wider one."""
        token = queries.tokens_of(*_caller(request)).filter(pk=pk).first()
        if token is None:
            raise Http404("No such token of yours.")
        services.revoke_token(token)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProjectList(APIView):
    @extend_schema(responses=ProjectRow(many=True), operation_id="projects_list")
    def get(self, request: Request) -> Response:
        """The projects in which the caller has a role that the token covers."""
        return Response(ProjectRow(queries.projects_of(*_caller(request)), many=True).data)


class ProjectOne(ProjectView):
    @extend_schema(responses=ProjectDetail)
    def get(self, request: Request, slug: str) -> Response:
        who = self.access()
        told = {
            **ProjectRow(who.project).data,
            "guidelines": who.project.guidelines,
            "roles": sorted(who.roles),
        }
        return Response(told)


class PeopleList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=MemberRow(many=True), operation_id="people_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        return self.table(self.access().project.memberships.select_related("person"), MemberRow)


class InvitationList(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(request=InvitationRequest, responses={201: NewInvitation})
    def post(self, request: Request, slug: str) -> Response:
        who = self.access()
        body = InvitationRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        made, secret = services.invite(who.project, asked.pop("role"), who.person, **asked)
        link = request.build_absolute_uri(reverse("invitation", args=[secret]))
        told = {"link": link, "role": made.role, "expires_at": made.expires_at}
        return Response(told, status=status.HTTP_201_CREATED)


urls = [
    path("me/", MeView.as_view(), name="me"),
    path("tokens/", TokenList.as_view(), name="token-list"),
    path("tokens/<int:pk>/", TokenOne.as_view(), name="token-detail"),
    path("projects/", ProjectList.as_view(), name="project-list"),
]
project_urls = [
    path("", ProjectOne.as_view(), name="project-detail"),
    path("people/", PeopleList.as_view(), name="people-list"),
    path("invitations/", InvitationList.as_view(), name="invitation-list"),
]
