"""Estimates: frozen fits to frozen votes, and a curator's overruling of the screening."""

from django.db import models
from django.db.models.functions import Now

from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.people.models import Membership, Person, Project

NORMAL_95 = 1.959964


class Estimate(models.Model):
    """One fit. Its folder holds the frozen votes, the tables, the report and the figures."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="estimates")
    number = models.PositiveIntegerField()
    job = models.OneToOneField(Job, models.PROTECT, related_name="estimate")
    method = models.CharField(max_length=20)
    parameters = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    code_version = models.CharField(max_length=60)
    votes_digest = models.CharField(max_length=64)
    n_items = models.PositiveIntegerField()
    n_annotators = models.PositiveIntegerField()
    n_votes = models.PositiveIntegerField()
    n_kept = models.PositiveIntegerField()
    converged = models.BooleanField()
    report = models.JSONField()
    """``report.json`` of ``reliability.report`` (figures of agreement, history, subset counts)."""
    folder = models.CharField(max_length=200)
    """Relative to ``ESTIMATES_ROOT``."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_estimate_per_number"),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"estimate {self.number}"


class AnnotatorEstimate(models.Model):
    """What one estimate says of one annotator."""

    estimate = models.ForeignKey(Estimate, models.CASCADE, related_name="annotators")
    annotator = models.ForeignKey(Membership, models.PROTECT, related_name="estimates")
    reliability = models.FloatField()
    std_error = models.FloatField()
    accuracy = models.FloatField()
    """Implied mean accuracy over this person's items, by the model; not against the truth."""
    n_votes = models.PositiveIntegerField()
    kept = models.BooleanField()
    reason = models.CharField(max_length=300, blank=True)
    before = models.FloatField(null=True)
    """Reliability before anybody was left out; None in estimates older than this field."""
    agreement = models.FloatField(null=True)
    """Share of this person's votes that fall on the consensus."""
    median_ms = models.PositiveIntegerField(null=True)
    random_low = models.FloatField(null=True)
    """The reliability that a random voter would get in this person's place: from here …"""
    random_high = models.FloatField(null=True)
    """… to here. None where nobody could tell (``reliability.gallery.band_of``)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estimate", "annotator"], name="one_row_per_estimate_and_annotator"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator_id}: {self.reliability:.2f} ± {self.std_error:.2f}"

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.reliability - NORMAL_95 * self.std_error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.reliability + NORMAL_95 * self.std_error

    @property
    def is_like_random(self) -> bool | None:
        """Whether a random voter might have got this reliability; None where nobody could tell."""
        if self.random_low is None or self.random_high is None:
            return None
        return self.random_low <= self.reliability <= self.random_high


class ItemEstimate(models.Model):
    """What one estimate says of one image."""

    estimate = models.ForeignKey(Estimate, models.CASCADE, related_name="items")
    image = models.ForeignKey(Image, models.CASCADE, related_name="estimates")
    n_votes = models.PositiveIntegerField()
    consensus = models.PositiveSmallIntegerField()
    confidence = models.FloatField()
    easiness = models.FloatField()
    entropy = models.FloatField()
    subset = models.PositiveSmallIntegerField()
    """A value of ``reliability.Subset``."""
    compound = models.PositiveSmallIntegerField(null=True)
    """Index 0–11 into ``reliability.expressions.COMPOUNDS``."""
    is_certain = models.BooleanField(default=False, db_default=False)
    """Decided beyond what the crowd's habits alone could give (``reliability.null.certain``)."""
    posterior = models.JSONField()
    distribution = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["estimate", "image"], name="one_row_per_estimate_and_image"
            ),
        ]
        indexes = [
            models.Index(fields=["estimate", "subset", "consensus"], name="item_by_subset"),
        ]

    def __str__(self) -> str:
        return f"{self.image_id}: {self.consensus}"


class VotePlan(models.Model):
    """What fewer votes per image would have given, drawn from the votes an estimate froze."""

    estimate = models.ForeignKey(Estimate, models.CASCADE, related_name="plans")
    job = models.OneToOneField(Job, models.PROTECT, related_name="plan")
    seed = models.PositiveIntegerField(default=0)
    code_version = models.CharField(max_length=60)
    summary = models.JSONField()
    """``plan.json`` of ``reliability.planning``."""
    folder = models.CharField(max_length=200)
    """Relative to ``ESTIMATES_ROOT``: the figure, its table and a table of the images."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"plan of {self.estimate}"


class Overruling(models.Model):
    """A curator's word on one annotator that the screening rule must obey, with the reason."""

    annotator = models.ForeignKey(Membership, models.CASCADE, related_name="overrulings")
    keep = models.BooleanField()
    reason = models.CharField(max_length=300)
    decided_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotator"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="one_standing_overruling_per_annotator",
            ),
        ]

    def __str__(self) -> str:
        return f"{'keep' if self.keep else 'remove'} {self.annotator_id}: {self.reason}"
