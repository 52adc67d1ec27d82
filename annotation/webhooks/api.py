"""REST endpoints of webhooks, below ``/api/v1/projects/{slug}/``. For curators only."""

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import ProjectView, StrictSerializer, TableView, unknown_parameters
from annotation.people.models import Role

from . import queries, services
from .models import EVENTS, Delivery, Webhook
from .tasks import deliver_soon


class WebhookRow(serializers.ModelSerializer[Webhook]):
    events = serializers.ListField(child=serializers.ChoiceField(list(EVENTS.values())))

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "created_at"]


class NewWebhook(WebhookRow):
    secret = serializers.CharField(help_text="Shown this once. Messages are signed with it.")

    class Meta(WebhookRow.Meta):
        fields = [*WebhookRow.Meta.fields, "secret"]


class WebhookBody(StrictSerializer):
    url = serializers.CharField(max_length=2000, help_text="https, at a public address.")
    events = serializers.ListField(
        child=serializers.ChoiceField(list(EVENTS.values())),
        required=False,
        help_text="What it hears of; everything if absent.",
    )


class DeliveryRow(serializers.ModelSerializer[Delivery]):
    webhook = serializers.IntegerField(source="webhook_id")
    job = serializers.IntegerField(source="job_id", allow_null=True)

    class Meta:
        model = Delivery
        fields = [
            "id", "webhook", "event", "job", "state", "n_attempts", "answer", "body",
            "created_at", "next_at", "ended_at",
        ]  # fmt: skip


class WebhookView(ProjectView):
    roles = (Role.CURATOR,)

    def webhook(self, pk: int) -> Webhook:
        found = queries.webhooks_of(self.access().project).filter(pk=pk).first()
        if found is None:
            raise Http404("No such webhook.")
        return found


class WebhookList(TableView, WebhookView):
    @extend_schema(responses=WebhookRow(many=True), operation_id="webhooks_list")
    def get(self, request: Request, slug: str) -> Response:
        unknown_parameters(request)
        return self.table(queries.webhooks_of(self.access().project), WebhookRow)

    @extend_schema(request=WebhookBody, responses={201: NewWebhook})
    def post(self, request: Request, slug: str) -> Response:
        """Tell an address when estimates, releases or runs have ended."""
        who = self.access()
        body = WebhookBody(data=request.data)
        body.is_valid(raise_exception=True)
        made, secret = services.create_webhook(who.project, who.person, **body.validated_data)
        told = WebhookRow(made).data | {"secret": secret}
        return Response(told, status=status.HTTP_201_CREATED)


class WebhookOne(WebhookView):
    @extend_schema(responses=WebhookRow)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(WebhookRow(self.webhook(pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Tell this address nothing more; what was sent to it is forgotten."""
        services.delete_webhook(self.webhook(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookPing(WebhookView):
    @extend_schema(request=None, responses={202: DeliveryRow})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Send a message that only tries the address."""
        made = services.ping(self.webhook(pk))
        deliver_soon()
        made.refresh_from_db()
        return Response(DeliveryRow(made).data, status=status.HTTP_202_ACCEPTED)


class DeliveryList(TableView, WebhookView):
    @extend_schema(responses=DeliveryRow(many=True), operation_id="webhooks_deliveries")
    def get(self, request: Request, slug: str) -> Response:
        """What was sent in the last month, and what waits to be sent."""
        unknown_parameters(request)
        return self.table(queries.deliveries_of(self.access().project), DeliveryRow)


class DeliveryAgain(WebhookView):
    @extend_schema(request=None, responses={202: DeliveryRow})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Send an ended delivery once more."""
        found = queries.deliveries_of(self.access().project).filter(pk=pk).first()
        if found is None:
            raise Http404("No such delivery.")
        services.send_again(found)
        deliver_soon()
        return Response(DeliveryRow(found).data, status=status.HTTP_202_ACCEPTED)


project_urls = [
    path("webhooks/", WebhookList.as_view(), name="webhook-list"),
    path("webhooks/deliveries/", DeliveryList.as_view(), name="webhook-deliveries"),
    path("webhooks/deliveries/<int:pk>/again/", DeliveryAgain.as_view(), name="webhook-again"),
    path("webhooks/<int:pk>/", WebhookOne.as_view(), name="webhook-detail"),
    path("webhooks/<int:pk>/ping/", WebhookPing.as_view(), name="webhook-ping"),
]
