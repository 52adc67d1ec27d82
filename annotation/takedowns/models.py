"""Requests to take pictures down, and the images that each of them may mean."""

from django.db import models
from django.db.models.functions import Now

from annotation.images.models import Image
from annotation.people.models import Person


class Request(models.Model):
    """Somebody asks for a picture to be removed. A picture sent along is compared, never kept."""

    reference = models.CharField(max_length=20, unique=True)
    """Unguessable; whoever has it may read what became of the request."""
    image = models.UUIDField(null=True, blank=True)
    source_url = models.CharField(max_length=2000, blank=True)
    has_picture = models.BooleanField(default=False)
    message = models.CharField(max_length=2000, blank=True)
    contact = models.EmailField(blank=True)
    made_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    """The curator, where no stranger asked."""
    sender = models.CharField(max_length=64, blank=True)
    """Keyed digest of the network address, to count requests by."""
    created_at = models.DateTimeField(db_default=Now())
    closed_note = models.CharField(max_length=300, blank=True)
    """The answer where no image matched."""
    closed_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["sender", "created_at"], name="request_by_sender")]

    def __str__(self) -> str:
        return self.reference


class Match(models.Model):
    """An image that a request may mean, why it is thought so, and what was decided."""

    class How(models.TextChoices):
        NAMED = "named", "named by its number"
        SOURCE = "source", "comes from this address"
        SAME = "same", "the same picture"
        ALIKE = "alike", "looks like it"

    EXACT = (How.NAMED, How.SOURCE, How.SAME)
    """Where nothing has to be judged by eye; a project may act on these at once."""

    class State(models.TextChoices):
        WAITING = "waiting"
        TAKEN_DOWN = "taken_down"
        KEPT = "kept"

    request = models.ForeignKey(Request, models.CASCADE, related_name="matches")
    image = models.ForeignKey(Image, models.PROTECT, related_name="takedown_matches")
    how = models.CharField(max_length=6, choices=How)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    note = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    """Null where it was decided by the project's setting."""
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "image"], name="one_match_per_image"),
            models.CheckConstraint(
                condition=models.Q(state="waiting") | models.Q(decided_at__isnull=False),
                name="match_decided_at_some_time",
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.image_id} {self.how}: {self.state}"
