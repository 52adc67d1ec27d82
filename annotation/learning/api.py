"""REST endpoints of learning to label, below ``/api/v1/projects/{slug}/``."""

from typing import Any

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, unknown_parameters
from annotation.people.models import AfterWithdrawal, Membership, Role

from . import consent, queries


class ConsentBody(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="0: no consent is asked.")
    text = serializers.CharField(help_text="Markdown.")
    warning = serializers.CharField()
    accepted_version = serializers.IntegerField(help_text="By the caller; 0: none.")
    after_withdrawal = serializers.ChoiceField(choices=AfterWithdrawal)


class ConsentChange(StrictSerializer):
    text = serializers.CharField(max_length=consent.MAX_TEXT)
    warning = serializers.CharField(max_length=500, allow_blank=True, required=False)


class ConsentAnswer(StrictSerializer):
    version = serializers.IntegerField(min_value=1, help_text="The version that was read.")


class WithdrawalBody(StrictSerializer):
    withdraw = serializers.BooleanField(help_text="true, and only true.")

    def validate_withdraw(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("Only true withdraws.")
        return value


class Withdrawn(serializers.Serializer[Any]):
    n_places = serializers.IntegerField(help_text="Places on images that were taken back.")
    votes = serializers.ChoiceField(choices=AfterWithdrawal)


class OwnView(ProjectView):
    """What an annotator does for themself."""

    roles = (Role.ANNOTATOR,)

    def membership(self) -> Membership:
        found = self.access().annotator
        if found is None:
            raise Http404("No such project.")
        return found


class ConsentView(ProjectView):
    roles = (Role.ANNOTATOR, Role.CURATOR)

    @extend_schema(responses=ConsentBody)
    def get(self, request: Request, slug: str) -> Response:
        """The text in force."""
        unknown_parameters(request)
        who = self.access()
        text = queries.consent_in_force(who.project)
        told = {
            "version": who.project.consent_version,
            "text": text.text if text else "",
            "warning": text.warning if text else "",
            "accepted_version": who.annotator.consent_version if who.annotator else 0,
            "after_withdrawal": who.project.after_withdrawal,
        }
        return Response(ConsentBody(told).data)

    @extend_schema(request=ConsentChange, responses=ConsentBody)
    def put(self, request: Request, slug: str) -> Response:
        """Put a text in force (curators): a new version, unless the words are the same."""
        who = self.access(Role.CURATOR)
        body = ConsentChange(data=request.data)
        body.is_valid(raise_exception=True)
        consent.write_consent(who.project, by=who.person, **body.validated_data)
        return self.get(request, slug)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Ask for no consent any more (curators); what was given stays on record."""
        consent.ask_no_consent(self.access(Role.CURATOR).project)
        return Response(status=204)


class ConsentMine(OwnView):
    @extend_schema(request=ConsentAnswer, responses=ConsentAnswer)
    def put(self, request: Request, slug: str) -> Response:
        """Accept the version in force; accepting again changes nothing."""
        me = self.membership()
        body = ConsentAnswer(data=request.data)
        body.is_valid(raise_exception=True)
        given = consent.give_consent(me, body.validated_data["version"])
        return Response({"version": given.text.version})


class Withdrawal(OwnView):
    @extend_schema(request=WithdrawalBody, responses=Withdrawn)
    def post(self, request: Request, slug: str) -> Response:
        """Leave the project and take the consent back; the project's rule says of the votes."""
        me = self.membership()
        body = WithdrawalBody(data=request.data)
        body.is_valid(raise_exception=True)
        n = consent.withdraw(me)
        return Response({"n_places": n, "votes": me.project.after_withdrawal})


project_urls = [
    path("consent/", ConsentView.as_view(), name="consent"),
    path("consent/mine/", ConsentMine.as_view(), name="consent-mine"),
    path("withdrawal/", Withdrawal.as_view(), name="withdrawal"),
]
