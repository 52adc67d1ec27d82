"""REST endpoints of take-downs: a public one to ask, and the curators' below their project."""

import ipaddress
import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api import ProjectView, StrictSerializer, TableView, unknown_parameters
from annotation.images.models import Image
from annotation.images.pictures import MAX_BYTES
from annotation.images.queries import images_of
from annotation.people.models import Role
from annotation.strict_json import StrictJSONParser

from . import queries, services
from .models import Match
from .tasks import follow_soon


class TooManyRequests(APIException):
    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "too_many_requests"


class WishBody(StrictSerializer):
    image = serializers.UUIDField(required=False, help_text="The image's number on this site.")
    source_url = serializers.URLField(required=False, max_length=2000)
    picture = serializers.FileField(
        required=False, help_text="JPEG, PNG or WebP, as multipart; compared, never kept."
    )
    message = serializers.CharField(required=False, max_length=2000, allow_blank=True, default="")
    contact = serializers.EmailField(required=False, allow_blank=True, default="")


class Received(serializers.Serializer[Any]):
    reference = serializers.CharField(help_text="Ask with it what became of the request.")


class OutcomeBody(serializers.Serializer[Any]):
    is_answered = serializers.BooleanField()
    n_taken_down = serializers.IntegerField()
    notes = serializers.ListField(child=serializers.CharField())


class MatchRow(serializers.ModelSerializer[Match]):
    image = serializers.UUIDField(source="image.uid")
    message = serializers.CharField(source="request.message")
    asked_at = serializers.DateTimeField(source="request.created_at")

    class Meta:
        model = Match
        fields = ["id", "image", "how", "state", "note", "message", "asked_at", "decided_at"]


class DecisionBody(StrictSerializer):
    decision = serializers.ChoiceField(choices=["taken_down", "kept"])
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class ImagesBody(StrictSerializer):
    images = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=1000, allow_empty=False
    )
    reason = serializers.CharField(max_length=300)


class AskView(APIView):
    """Open to everybody: no account, no cookie, a few requests an hour."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    parser_classes = [StrictJSONParser, MultiPartParser]

    @extend_schema(request=WishBody, responses={202: Received}, operation_id="takedown_ask")
    def post(self, request: Request) -> Response:
        """Ask for a picture to be taken down: by its number, its source, or a copy of it."""
        body = WishBody(data=_plain(request.data))
        body.is_valid(raise_exception=True)
        wish = wish_of(body.validated_data)
        try:
            made = services.ask(wish, sender_of(request._request))
        except services.TooMany as error:
            raise TooManyRequests(str(error)) from None
        follow_soon()
        return Response({"reference": made.reference}, status=status.HTTP_202_ACCEPTED)


class OutcomeView(APIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @extend_schema(responses=OutcomeBody, operation_id="takedown_outcome")
    def get(self, request: Request, reference: str) -> Response:
        """What became of a request, for whoever has its reference."""
        unknown_parameters(request)
        found = queries.find_request(reference)
        if found is None:
            raise Http404("No such request.")
        return Response(OutcomeBody(queries.outcome_of(found)).data)


class MatchList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=MatchRow(many=True), operation_id="takedowns_list")
    def get(self, request: Request, slug: str) -> Response:
        """The images of the project that somebody wants removed, and what was decided."""
        unknown_parameters(request)
        return self.table(queries.matches_of(self.access().project), MatchRow)

    @extend_schema(request=ImagesBody, responses={201: MatchRow(many=True)})
    def post(self, request: Request, slug: str) -> Response:
        """Take images down at once."""
        who = self.access()
        body = ImagesBody(data=request.data)
        body.is_valid(raise_exception=True)
        images = _images(images_of(who.project), body.validated_data["images"])
        made = services.take_down(images, who.person, body.validated_data["reason"])
        follow_soon()
        rows = queries.matches_of(who.project).filter(request=made)
        return Response(MatchRow(rows, many=True).data, status=status.HTTP_201_CREATED)


class MatchDecision(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(request=DecisionBody, responses=MatchRow)
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Take the image down, or keep it with a reason."""
        who = self.access()
        match = queries.matches_of(who.project).filter(pk=pk).first()
        if match is None:
            raise Http404("No such request.")
        body = DecisionBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        services.decide(match, said["decision"], who.person, said["note"])
        follow_soon()
        return Response(MatchRow(match).data)


def wish_of(said: dict[str, Any]) -> services.Wish:
    """What was filled in; a picture beyond the limit of any import is not even read."""
    file = said.get("picture")
    if file is not None and file.size > MAX_BYTES:
        raise serializers.ValidationError({"picture": [f"At most {MAX_BYTES:,} bytes."]})
    return services.Wish(
        image=said.get("image"),
        source_url=said.get("source_url") or "",
        picture=None if file is None else file.read(),
        message=said.get("message") or "",
        contact=said.get("contact") or "",
    )


def sender_of(request: HttpRequest) -> str:
    """The network address of whoever asks; behind our proxies the last public one they noted."""
    direct: str = request.META.get("REMOTE_ADDR", "")
    if not (settings.BEHIND_NGINX or settings.BEHIND_HTTPS):
        return direct
    for told in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        try:
            if not ipaddress.ip_address(told.strip()).is_private:
                return told.strip()
        except ValueError:
            break
    return direct


def _plain(data: Any) -> Any:
    """A form's fields as JSON would have them."""
    return data.dict() if hasattr(data, "dict") else data


def _images(there: Any, wanted: list[uuid.UUID]) -> list[Image]:
    found = {image.uid: image for image in there.filter(uid__in=wanted)}
    missing = [str(uid) for uid in wanted if uid not in found]
    if missing:
        raise serializers.ValidationError({"images": [f"No such image: {', '.join(missing[:5])}."]})
    return list(found.values())


urls = [
    path("take-downs/", AskView.as_view(), name="takedown-ask"),
    path("take-downs/<str:reference>/", OutcomeView.as_view(), name="takedown-outcome"),
]
project_urls = [
    path("take-downs/", MatchList.as_view(), name="takedown-list"),
    path("take-downs/<int:pk>/decision/", MatchDecision.as_view(), name="takedown-decision"),
]
