"""Collections: what was looked for outside, and every photograph found, asked for once."""

from django.db import models
from django.db.models.functions import Now

from annotation.jobs.models import Job
from annotation.people.models import Person, Project


class Collection(models.Model):
    """One gathering of photographs from outside. Its import is the one of its job."""

    class Door(models.TextChoices):
        FLICKR = "flickr"
        MANIFEST = "manifest"

    job = models.OneToOneField(Job, models.PROTECT, related_name="collection")
    project = models.ForeignKey(Project, models.CASCADE, related_name="collections")
    door = models.CharField(max_length=8, choices=Door)
    name = models.CharField(max_length=300)
    order = models.JSONField(default=dict)
    """What was asked for (``orders.Order``); empty for a manifest."""
    cursor = models.JSONField(default=dict)
    """How far the search came: ``{"open": [slices], "seen": n, "repeated": n}``."""
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(door__in=["flickr", "manifest"]), name="collection_door_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Photograph(models.Model):
    """A photograph found outside. ``key`` says which, so that a project asks for it once."""

    class State(models.TextChoices):
        FOUND = "found"
        FETCHED = "fetched"
        REFUSED = "refused"

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="photographs")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    url = models.CharField(max_length=2000)
    file_name = models.CharField(max_length=300)
    described = models.JSONField(default=dict)
    """What is known of it, as the cells of ``metadata.csv`` (``images.sidecar``)."""
    state = models.CharField(max_length=7, choices=State, default=State.FOUND)
    why = models.CharField(max_length=300, blank=True)
    n_bytes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="photograph_asked_for_once"),
            models.UniqueConstraint(
                fields=["collection", "file_name"], name="photograph_named_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state="found", why="", n_bytes=None)
                | models.Q(state="fetched", why="", n_bytes__isnull=False)
                | (models.Q(state="refused", n_bytes=None) & ~models.Q(why="")),
                name="photograph_state_known",
            ),
        ]
        indexes = [models.Index(fields=["collection", "state", "id"], name="photograph_by_state")]

    def __str__(self) -> str:
        return self.file_name
