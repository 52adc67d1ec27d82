"""What was seen in a photograph, and what coders say of a face."""

from django.db import models
from django.db.models.functions import Now

from annotation.images.models import Image
from annotation.people.models import Membership, Person, Project


class Finding(models.Model):
    """What a detector made of one image, and what a curator decided where it was in doubt."""

    class Kind(models.TextChoices):
        FACE = "face", "One face"
        SEVERAL = "several", "Several faces"
        NONE = "none", "No face"
        SMALL = "small", "Too small"
        BLURRED = "blurred", "Too blurred"

    class Decision(models.TextChoices):
        TAKEN = "taken"
        LEFT_OUT = "left_out"

    image = models.OneToOneField(Image, models.CASCADE, related_name="finding")
    kind = models.CharField(max_length=8, choices=Kind)
    detector = models.CharField(max_length=20)
    faces = models.JSONField(default=list)
    """``{"box": […], "landmarks": […], "score": 0–1, "sharpness": …}``, the surest first."""
    decision = models.CharField(max_length=8, choices=Decision, blank=True)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["face", "several", "none", "small", "blurred"]),
                name="finding_kind_known",
            ),
            models.CheckConstraint(
                condition=models.Q(decision__in=["", "taken", "left_out"]),
                name="finding_decision_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.image_id}: {self.kind}"


class Part(models.TextChoices):
    """What is coded of a face, each part by itself."""

    POINTS = "points"
    ATTRIBUTES = "attributes"
    UNITS = "units"


class Plan(models.Model):
    """How a project codes its faces: how many coders for each part, and what they are asked."""

    class UnitSet(models.TextChoices):
        PAPER = "paper", "The paper's fifteen"
        FULL = "full", "The full list"

    project = models.OneToOneField(Project, models.CASCADE, related_name="coding_plan")
    coders_for_points = models.PositiveSmallIntegerField(default=1)
    coders_for_attributes = models.PositiveSmallIntegerField(default=1)
    coders_for_units = models.PositiveSmallIntegerField(default=2)
    asks_gender = models.BooleanField(default=True)
    asks_race = models.BooleanField(default=True)
    asks_age = models.BooleanField(default=True)
    unit_set = models.CharField(max_length=5, choices=UnitSet, default=UnitSet.PAPER)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    coders_for_points__range=(0, 5),
                    coders_for_attributes__range=(0, 5),
                    coders_for_units__range=(0, 5),
                ),
                name="plan_coders_0_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"plan of {self.project_id}"

    def target(self, part: str) -> int:
        """How many coders a face gets for a part, before any disagreement."""
        return int(getattr(self, f"coders_for_{part}"))


class Sampled(models.Model):
    """An image whose action units are to be coded: coding all would take months."""

    image = models.OneToOneField(Image, models.CASCADE, related_name="sampled")
    expression = models.PositiveSmallIntegerField()
    """The consensus, 0–6, for which it was drawn."""

    def __str__(self) -> str:
        return str(self.image_id)


class Outcome(models.Model):
    """How far a part of a face has come: written with each coding, so that queues are quick."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="outcomes")
    part = models.CharField(max_length=10, choices=Part)
    n = models.PositiveSmallIntegerField()
    is_settled = models.BooleanField()
    """Whether the coders agree, or three have spoken."""
    wants_more = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image", "part"], name="one_outcome_per_part"),
        ]

    def __str__(self) -> str:
        return f"{self.part} of {self.image_id}: {self.n}"


class Coding(models.Model):
    """What one coder says of one part of one face. A correction keeps what was said before."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="codings")
    coder = models.ForeignKey(Membership, models.PROTECT, related_name="codings")
    part = models.CharField(max_length=10, choices=Part)
    place = models.PositiveSmallIntegerField()
    """The first coder of this part has place 0; two never have the same."""
    revision = models.PositiveIntegerField(default=1)
    said = models.JSONField()
    former = models.JSONField(default=list)
    seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["image", "part", "coder"], name="one_coding_per_coder_and_part"
            ),
            models.UniqueConstraint(fields=["image", "part", "place"], name="one_coding_per_place"),
            models.CheckConstraint(
                condition=models.Q(part__in=["points", "attributes", "units"]),
                name="coding_part_known",
            ),
            models.CheckConstraint(
                condition=models.Q(revision__gte=1), name="coding_revision_from_1"
            ),
        ]
        indexes = [models.Index(fields=["coder", "part", "-id"], name="coding_by_coder")]

    def __str__(self) -> str:
        return f"{self.part} of {self.image_id} by {self.coder_id}"
