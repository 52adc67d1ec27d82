"""REST endpoints of messages: curators send them, members read theirs."""

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, TableView, unknown_parameters
from annotation.people.models import Role

from . import queries, services
from .models import MAX_TEXT, Letter


class LetterBody(StrictSerializer):
    text = serializers.CharField(max_length=MAX_TEXT, help_text="Plain words; no markup is read.")
    to = serializers.ListField(
        child=serializers.CharField(max_length=12), required=False, default=list, max_length=5000,
        help_text="Codes of members; every annotator at work where left out.",
    )  # fmt: skip


class LetterRow(serializers.ModelSerializer[Letter]):
    by = serializers.CharField(source="written_by.__str__")

    class Meta:
        model = Letter
        fields = ["id", "text", "by", "sent_at"]


class SentRow(LetterRow):
    n_to = serializers.IntegerField()
    n_read = serializers.IntegerField()

    class Meta(LetterRow.Meta):
        fields = [*LetterRow.Meta.fields, "withdrawn_at", "n_to", "n_read"]


class LetterList(TableView):
    roles = (Role.CURATOR,)

    @extend_schema(responses=SentRow(many=True), operation_id="messages_list")
    def get(self, request: Request, slug: str) -> Response:
        """What was sent, and how many have read it."""
        unknown_parameters(request)
        return self.table(queries.letters_of(self.access().project), SentRow)

    @extend_schema(request=LetterBody, responses={201: SentRow})
    def post(self, request: Request, slug: str) -> Response:
        """Send a message to some members or to all annotators; shown until they have read it."""
        who = self.access()
        body = LetterBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        sent = services.send(who.project, asked["text"], who.person, asked["to"])
        row = queries.letters_of(who.project).get(pk=sent.pk)
        return Response(SentRow(row).data, status=status.HTTP_201_CREATED)


class LetterOne(ProjectView):
    roles = (Role.CURATOR,)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take a message back from those who have not read it."""
        letter = queries.letters_of(self.access().project).filter(pk=pk).first()
        if letter is None:
            raise Http404("No such message.")
        services.withdraw(letter)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MyLetters(ProjectView):
    @extend_schema(responses=LetterRow(many=True), operation_id="messages_mine")
    def get(self, request: Request, slug: str) -> Response:
        """What the caller has not read yet."""
        who = self.access()
        return Response(LetterRow(queries.unread(who.person, who.project), many=True).data)


class LetterRead(ProjectView):
    @extend_schema(request=None, responses={204: None})
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """The caller has read it."""
        who = self.access()
        if not services.note_read(who.person, pk):
            raise Http404("No such message of yours.")
        return Response(status=status.HTTP_204_NO_CONTENT)


project_urls = [
    path("messages/", LetterList.as_view(), name="letter-list"),
    path("messages/mine/", MyLetters.as_view(), name="letter-mine"),
    path("messages/<int:pk>/", LetterOne.as_view(), name="letter-detail"),
    path("messages/<int:pk>/read/", LetterRead.as_view(), name="letter-read"),
]
