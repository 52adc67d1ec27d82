"""Messages of curators to people of their project, in plain words, shown until they are read."""

from django.db import models
from django.db.models.functions import Now

from annotation.people.models import Membership, Person, Project

MAX_TEXT = 2_000


class Letter(models.Model):
    """What a curator wrote, once; it may be taken back and is never changed."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="letters")
    text = models.CharField(max_length=MAX_TEXT)
    written_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.text[:60]


class Delivery(models.Model):
    """A letter to one person; ``read_at`` is when they said that they had read it."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="deliveries")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="+")
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["letter", "membership"], name="one_delivery_per_letter_and_member"
            ),
        ]
        indexes = [
            models.Index(
                fields=["membership"],
                condition=models.Q(read_at__isnull=True),
                name="delivery_unread",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter_id} to {self.membership_id}"
