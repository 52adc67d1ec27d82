"""What people learn and agree to before and while they label; what must hold is a constraint."""

from django.db import models
from django.db.models.functions import Now

from annotation.images.models import Image
from annotation.labelling.models import Device, Flag
from annotation.people.models import Membership, Person, Project


class ConsentText(models.Model):
    """One version of what people agree to. Never changed; a new text is a new version."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="consent_texts")
    version = models.PositiveSmallIntegerField()
    text = models.TextField()
    warning = models.CharField(max_length=500, blank=True)
    """What the faces may do to whoever looks at them; shown before the first one."""
    written_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="one_consent_text_per_version"
            ),
            models.CheckConstraint(
                condition=models.Q(version__gte=1), name="consent_versions_begin_at_one"
            ),
        ]
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"consent {self.version} of {self.project_id}"


class Consent(models.Model):
    """A person accepted one version; ``ended_at`` is set when they withdrew it."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="consents")
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="consents")
    given_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "text"],
                condition=models.Q(ended_at=None),
                name="one_standing_consent_per_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership_id} to {self.text_id}"


class Gold(models.Model):
    """A face whose expression a curator vouches for. Its ordinary votes are not touched."""

    class Origin(models.TextChoices):
        HAND = "hand"
        ESTIMATE = "estimate"

    image = models.OneToOneField(Image, models.CASCADE, related_name="gold")
    project = models.ForeignKey(Project, models.CASCADE, related_name="gold")
    expression = models.PositiveSmallIntegerField()
    why = models.CharField(max_length=300, blank=True)
    """Told to people after they answered, where the project gives feedback."""
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.HAND)
    is_active = models.BooleanField(default=True)
    marked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    marked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expression__lte=6), name="gold_expression_among_seven"
            ),
        ]

    def __str__(self) -> str:
        return f"image {self.image_id}: {self.expression}"


class Check(models.Model):
    """A face between ordinary ones: one whose answer is known, or one seen before.

    No assignment and no vote, so that nothing which counts those can count it. Its number comes
    from the assignments' own counter: whoever answers cannot tell one from the other.
    """

    class Kind(models.TextChoices):
        GOLD = "gold"
        REPEAT = "repeat"

    class State(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        FLAGGED = "flagged"

    id = models.BigIntegerField(primary_key=True)
    annotator = models.ForeignKey(Membership, models.PROTECT, related_name="checks")
    image = models.ForeignKey(Image, models.CASCADE, related_name="checks")
    kind = models.CharField(max_length=6, choices=Kind)
    expected = models.PositiveSmallIntegerField()
    """The known expression, or what this person said the first time."""
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    drawn_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reason = models.CharField(max_length=13, blank=True, choices=Flag.Reason)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "image", "kind"], name="one_check_per_image_and_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["gold", "repeat"]), name="check_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "answered", "flagged"]),
                name="check_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(expected__lte=6), name="check_expected_among_seven"
            ),
        ]
        indexes = [models.Index(fields=["annotator", "state"], name="check_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} of image {self.image_id} for {self.annotator_id}: {self.state}"


class CheckAnswer(models.Model):
    """What was answered to a check; a correction is a new revision, as with votes."""

    check_row = models.ForeignKey(Check, models.CASCADE, related_name="answers")
    expression = models.PositiveSmallIntegerField()
    revision = models.PositiveSmallIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    answered_at = models.DateTimeField(db_default=Now())
    response_ms = models.PositiveIntegerField(null=True)
    device = models.CharField(max_length=8, blank=True, choices=Device)
    position = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expression__lte=6), name="check_answer_among_seven"
            ),
            models.UniqueConstraint(
                fields=["check_row"],
                condition=models.Q(is_current=True),
                name="one_current_answer_per_check",
            ),
            models.UniqueConstraint(
                fields=["check_row", "revision"], name="one_check_answer_per_revision"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_row_id}: {self.expression} (revision {self.revision})"

    @property
    def assignment_id(self) -> int:
        """Answers are told to people under the number they were given, like votes."""
        return self.check_row_id


class Tutorial(models.Model):
    """What a curator wrote in place of the default tutorial; ``lesson`` says how it is read."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="tutorial")
    text = models.TextField()
    written_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    written_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"tutorial of {self.project_id}"


class Attempt(models.Model):
    """One try at the qualification."""

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    began_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    n_right = models.PositiveSmallIntegerField(default=0)
    is_passed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "number"], name="one_try_per_number"),
            models.UniqueConstraint(
                fields=["membership"],
                condition=models.Q(ended_at=None),
                name="one_open_try_per_person",
            ),
        ]

    def __str__(self) -> str:
        return f"try {self.number} of {self.membership_id}"


class AttemptFace(models.Model):
    """One face of a try, with the answer that was known when it began."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="faces")
    position = models.PositiveSmallIntegerField()
    image = models.ForeignKey(Image, models.CASCADE, related_name="+")
    expected = models.PositiveSmallIntegerField()
    answer = models.PositiveSmallIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "position"], name="one_face_per_place_of_a_try"
            ),
            models.UniqueConstraint(fields=["attempt", "image"], name="no_face_twice_in_a_try"),
            models.CheckConstraint(
                condition=models.Q(expected__lte=6)
                & (models.Q(answer=None) | models.Q(answer__lte=6)),
                name="face_of_a_try_among_seven",
            ),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position}: {self.expected}"

    @property
    def is_right(self) -> bool:
        return self.answer == self.expected
