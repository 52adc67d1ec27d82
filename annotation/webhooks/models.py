"""Webhooks: addresses that hear when work of a project has ended, and what each was sent."""

from django.db import models
from django.db.models.functions import Now

from annotation.jobs.models import Job
from annotation.people.models import Person, Project

EVENTS = {"estimate": "estimate", "release": "release", "train": "run"}
"""The kinds of job that are told about, and the word for what each makes."""


class Webhook(models.Model):
    """An address that a curator gave, and what it wants to hear of."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    """Of ``estimate``, ``release`` and ``run``."""
    nonce = models.CharField(max_length=64)
    """The secret is made of it and the server's own, so that the database alone gives none away."""
    created_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One message to one address: what it says, when it is tried next, what was answered."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    job = models.ForeignKey(Job, models.CASCADE, null=True, related_name="+")
    """Null for a message that a curator sent to try the address."""
    event = models.CharField(max_length=40)
    body = models.TextField()
    """The JSON that is sent; the same at every attempt."""
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    next_at = models.DateTimeField(db_default=Now())
    """When it is due; while one is being sent, when another worker may take it for lost."""
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "job", "event"], name="one_delivery_per_job_and_event"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "delivered", "given_up"]),
                name="delivery_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"], condition=models.Q(state="waiting"), name="delivery_due"
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook_id}: {self.state}"
