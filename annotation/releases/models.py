"""Releases: immutable folders, what each holds, who may have them and who did."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.people.models import Person, Project


class LayoutName(models.TextChoices):
    """The ways a release can be laid out; each chosen one is an archive of its own."""

    RAFDB = "rafdb", _("RAF-DB’s official tree")
    IMAGEFOLDER = "imagefolder", _("ImageFolder")
    HUGGINGFACE = "huggingface", _("Hugging Face imagefolder")
    PARQUET = "parquet", _("Parquet")


class Release(models.Model):
    """A published version. Never changed after; it can be withdrawn, with a reason."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        WITHDRAWN = "withdrawn"

    project = models.ForeignKey(Project, models.CASCADE, related_name="releases")
    version = models.CharField(max_length=20)
    estimate = models.ForeignKey(Estimate, models.PROTECT, related_name="releases")
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    """The version before it, whose images keep their sides where the seed is the same."""
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
    archives = models.JSONField(default=list)
    """Every archive: ``[{"layout", "name", "size", "sha256"}]``, the official tree first."""
    counts = models.JSONField()
    """Images by subset, split and class: ``{"basic": {"train": {"Surprise": 12, …}, …}, …}``."""
    left_out = models.JSONField(default=dict)
    """How many images of the estimate are not in it, by reason."""
    warnings = models.JSONField(default=list)
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

    @property
    def is_withdrawn(self) -> bool:
        return self.state == self.State.WITHDRAWN


class ReleasedImage(models.Model):
    """An image's place in a release."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="images")
    image = models.ForeignKey(Image, models.PROTECT, related_name="released_as")
    subset = models.CharField(max_length=8)
    split = models.CharField(max_length=5)
    fold = models.PositiveSmallIntegerField(null=True)
    """0–4 for training images, null for test images."""
    name = models.CharField(max_length=20)
    label = models.PositiveSmallIntegerField()
    """As in the label file: 1–7 in ``basic``, 1–12 in ``compound``."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "image"], name="one_place_per_image"),
            models.UniqueConstraint(
                fields=["release", "subset", "name"], name="one_image_per_released_name"
            ),
            models.CheckConstraint(
                condition=models.Q(subset__in=["basic", "compound"], split__in=["train", "test"]),
                name="released_place_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subset}/{self.name}"


class Download(models.Model):
    """Somebody fetched something of a release; resumed and repeated requests count up."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="downloads")
    person = models.ForeignKey(Person, models.PROTECT, related_name="downloads")
    path = models.CharField(max_length=300)
    n_requests = models.PositiveIntegerField(default=1)
    n_bytes = models.PositiveBigIntegerField(default=0)
    """Of all answers together; a download that resumed adds up to about the file's size."""
    started_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["release", "person", "path"], name="one_row_per_downloaded_path"
            ),
        ]
        ordering = ["-last_at", "-id"]

    def __str__(self) -> str:
        return f"{self.path} by {self.person_id}"


class Notice(models.Model):
    """A message to somebody who downloaded a release that was withdrawn since."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="notices")
    person = models.ForeignKey(Person, models.CASCADE, related_name="notices")
    text = models.CharField(max_length=500)
    created_at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True, blank=True)
    """When it was sent as a mail, or found that the person has no address."""
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "person"], name="one_notice_per_release"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text
