"""Releases: immutable folders, what each holds and who downloaded it."""

from django.db import models
from django.db.models.functions import Now

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.people.models import Person, Project


class Release(models.Model):
    """A published version. Never changed after; it can be withdrawn, with a reason."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        WITHDRAWN = "withdrawn"

    project = models.ForeignKey(Project, models.CASCADE, related_name="releases")
    version = models.CharField(max_length=20)
    estimate = models.ForeignKey(Estimate, models.PROTECT, related_name="releases")
    job = models.OneToOneField(Job, models.PROTECT, related_name="release")
    parameters = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    code_version = models.CharField(max_length=60)
    changelog = models.TextField(blank=True)
    folder = models.CharField(max_length=200)
    """Relative to ``RELEASES_ROOT``; ``folder + ".tar"`` is its archive."""
    manifest_digest = models.CharField(max_length=64)
    archive_digest = models.CharField(max_length=64)
    archive_size = models.BigIntegerField()
    counts = models.JSONField()
    """Images by subset, split and class, as in the manifest."""
    state = models.CharField(max_length=10, choices=State, default=State.PUBLISHED)
    withdrawn_reason = models.CharField(max_length=300, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="one_release_per_version"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.version


class ReleasedImage(models.Model):
    """An image's place in a release."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="images")
    image = models.ForeignKey(Image, models.PROTECT, related_name="released_as")
    subset = models.CharField(max_length=8)
    split = models.CharField(max_length=5)
    name = models.CharField(max_length=20)
    label = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "image"], name="one_place_per_image"),
            models.UniqueConstraint(
                fields=["release", "subset", "name"], name="one_image_per_released_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subset}/{self.name}"


class Download(models.Model):
    """Somebody fetched something of a release."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="downloads")
    person = models.ForeignKey(Person, models.PROTECT, related_name="downloads")
    path = models.CharField(max_length=300)
    started_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.path} by {self.person_id}"
