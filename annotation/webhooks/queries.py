"""What curators may read of webhooks."""

from django.db.models import QuerySet

from annotation.people.models import Project

from .models import Delivery, Webhook


def webhooks_of(project: Project) -> QuerySet[Webhook]:
    """The project's webhooks, newest first."""
    return Webhook.objects.filter(project=project).select_related("created_by").order_by("-id")


def deliveries_of(project: Project) -> QuerySet[Delivery]:
    """What was sent and waits to be sent, newest first."""
    rows = Delivery.objects.filter(webhook__project=project)
    return rows.select_related("webhook", "job").order_by("-id")
