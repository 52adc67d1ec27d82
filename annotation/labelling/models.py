"""Assignments and votes; what must always hold of them is a constraint here."""

import random

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from annotation.images.models import Image
from annotation.people.models import Membership, Person, Project


def draw_lot() -> float:
    """A place among images of one need, between 0 and 1."""
    return random.random()


class Rules(models.Model):
    """How a project's images are assigned, where that differs from the paper's way."""

    class Share(models.TextChoices):
        EVEN = "even"
        FIXED = "fixed"
        OPEN = "open"

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="rules")
    share = models.CharField(max_length=5, choices=Share, default=Share.EVEN)
    """Everybody the same part of the work, a fixed number of images, or as many as they like."""
    share_size = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    spread_sources = models.BooleanField(default=True)
    """Whether images of one photographer or search are kept apart within a person's work."""
    certainty = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.9999)],
    )
    """An image whose expression the last estimate is so sure of asks for no further votes."""
    least_votes = models.PositiveSmallIntegerField(default=10, validators=[MinValueValidator(1)])
    """Below so many votes no image stops early. The project's target is the most."""
    settled_by = models.BigIntegerField(null=True, editable=False)
    """The estimate that the images' targets follow; none once the rules or the target changed."""
    is_planned = models.BooleanField(default=False, editable=False)
    """Whether a whole design was drawn: what is due from a person then stays theirs."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(certainty=None)
                | models.Q(certainty__gte=0.5, certainty__lt=1, least_votes__gte=1),
                name="rules_certainty_half_to_one",
            ),
            models.CheckConstraint(
                condition=models.Q(share__in=["even", "open"])
                | models.Q(share="fixed", share_size__gte=1),
                name="rules_fixed_share_has_a_size",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.share} share in project {self.project_id}"


class Coverage(models.Model):
    """How many live assignments an image has, kept narrow because it is hot.

    The counter is what concurrent draws lock; the check holds even if a draw were wrong.
    """

    image = models.OneToOneField(Image, models.CASCADE, primary_key=True, related_name="coverage")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    target = models.PositiveSmallIntegerField()
    n_live = models.PositiveSmallIntegerField(default=0)
    is_open = models.BooleanField(default=True)
    lot = models.FloatField(default=draw_lot)
    """Where the image stands among those as needy as itself; drawn anew with every change."""
    source = models.BigIntegerField(default=0)
    """A number for the photographer or search that it came from; 0 where that is not known."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(n_live__lte=models.F("target")), name="live_within_target"
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "n_live", "lot"],
                condition=models.Q(is_open=True, n_live__lt=models.F("target")),
                name="coverage_by_need_and_lot",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.n_live}/{self.target}"


class Share(models.Model):
    """How many live assignments an annotator has. Whoever changes their assignments locks it."""

    annotator = models.OneToOneField(
        Membership, models.CASCADE, primary_key=True, related_name="share"
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    n_live = models.PositiveIntegerField(default=0)
    drawn_at = models.DateTimeField(db_default=Now())
    """When they were last given images: who stays away for long is not waited for."""

    def __str__(self) -> str:
        return f"{self.annotator_id}: {self.n_live}"


class Pulse(models.Model):
    """How many votes of a person came (or went) since the pulse before: a row where any did.

    Kept by the clock, so that no page counts a million votes to show how a project gets on.
    """

    annotator = models.ForeignKey(Membership, models.CASCADE, related_name="pulses")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())
    n_votes = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["project", "at"], name="pulse_by_time")]

    def __str__(self) -> str:
        return f"{self.annotator_id}: {self.n_votes:+} by {self.at}"


class Assignment(models.Model):
    """One image due from one annotator, drawn ahead. Lapsed ones can be drawn again.

    Planned ones belong to a design that was drawn whole; they become open a few at a time.
    """

    class State(models.TextChoices):
        PLANNED = "planned"
        OPEN = "open"
        ANSWERED = "answered"
        LAPSED = "lapsed"
        FLAGGED = "flagged"
        WITHDRAWN = "withdrawn"

    LIVE = (State.PLANNED, State.OPEN, State.ANSWERED)
    """The states that count towards an image's target and a person's share."""

    image = models.ForeignKey(Image, models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(  # two indices below begin with it
        Membership, models.PROTECT, related_name="assignments", db_index=False
    )
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    drawn_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "image"], name="one_assignment_per_image_and_annotator"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["planned", "open", "answered", "lapsed", "flagged", "withdrawn"]
                ),
                name="assignment_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["annotator", "state"], name="assignment_by_state"),
            models.Index(
                fields=["expires_at"], condition=models.Q(state="open"), name="assignment_due"
            ),
        ]

    def __str__(self) -> str:
        return f"image {self.image_id} for {self.annotator_id}: {self.state}"


class Device(models.TextChoices):
    """With what a vote was given: response times differ by it."""

    KEYBOARD = "keyboard"
    TOUCH = "touch"
    MOUSE = "mouse"
    PEN = "pen"
    OTHER = "other"


class Vote(models.Model):
    """What an annotator chose. A correction is a new revision; the old one stays, not current."""

    assignment = models.ForeignKey(  # the index of its revisions begins with it
        Assignment, models.CASCADE, related_name="votes", db_index=False
    )
    expression = models.PositiveSmallIntegerField()
    revision = models.PositiveSmallIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    voted_at = models.DateTimeField(db_default=Now())
    response_ms = models.PositiveIntegerField(null=True)
    device = models.CharField(max_length=8, blank=True, choices=Device)
    position = models.PositiveSmallIntegerField(null=True)
    """Where the chosen button stood in this person's order (0–6): to measure position bias."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expression__lte=6), name="vote_expression_among_seven"
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=models.Q(is_current=True),
                name="one_current_vote_per_assignment",
            ),
            models.UniqueConstraint(
                fields=["assignment", "revision"], name="one_vote_per_revision"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assignment_id}: {self.expression} (revision {self.revision})"


class Flag(models.Model):
    """An annotator says that an image cannot be labelled: not a vote, for the curator to see."""

    class Reason(models.TextChoices):
        CANT_TELL = "cant_tell"
        NO_FACE = "no_face"
        SEVERAL_FACES = "several_faces"
        BROKEN = "broken"
        DISTURBING = "disturbing"

    class Decision(models.TextChoices):
        KEEP = "keep"
        EXCLUDE = "exclude"
        GIVE_BACK = "give_back"
        """It can be labelled: whoever flagged it may be given it again."""

    assignment = models.OneToOneField(Assignment, models.CASCADE, related_name="flag")
    reason = models.CharField(max_length=13, choices=Reason)
    note = models.CharField(max_length=300, blank=True)
    flagged_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=12, blank=True, choices=Decision)
    decided_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return self.reason
