"""People, projects and who may do what in which project."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now


class Person(AbstractUser):
    """Somebody who signs in. Deactivated (``is_active``), never deleted with their votes."""

    display_name = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return self.display_name or self.username


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    CODER = "coder"
    CURATOR = "curator"
    RESEARCHER = "researcher"


class AfterWithdrawal(models.TextChoices):
    """What becomes of the votes of a person who withdraws; the consent page says which."""

    DISCARD = "discard"
    """They stop counting, and the images go to others."""
    KEEP = "keep"
    """They stay, under the code only."""


class VotesStand(models.TextChoices):
    """What became of the votes of somebody whose work ended."""

    COUNT = "count"
    REPLACED = "replaced"
    """They count no more; their places are drawn again for others."""
    DROPPED = "dropped"
    """They count no more; their images ask for that many votes fewer."""


class Project(models.Model):
    """One collection of photographs with its target, guidelines, people and releases."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    guidelines = models.TextField(blank=True, help_text="Markdown, shown to annotators.")
    licence = models.CharField(max_length=120, blank=True)
    target_votes = models.PositiveSmallIntegerField(
        default=40, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    assignment_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1)],
        help_text="An open assignment lapses after so many hours.",
    )
    shares_votes = models.BooleanField(
        default=False, help_text="Releases may hold the votes themselves, under codes."
    )
    estimate_every_hours = models.PositiveIntegerField(null=True, blank=True)
    estimate_every_votes = models.PositiveIntegerField(null=True, blank=True)
    consent_version = models.PositiveSmallIntegerField(default=0)
    """The version of the consent text in force; 0 asks for none."""
    after_withdrawal = models.CharField(
        max_length=7, choices=AfterWithdrawal, default=AfterWithdrawal.DISCARD
    )
    asks_tutorial = models.BooleanField(default=False)
    qualification_faces = models.PositiveSmallIntegerField(default=0)
    """Faces with known answers before ordinary work; 0 asks for none."""
    qualification_pass_percent = models.PositiveSmallIntegerField(default=70)
    qualification_tries = models.PositiveSmallIntegerField(default=3)
    qualification_wait_hours = models.PositiveSmallIntegerField(default=24)
    gold_every = models.PositiveSmallIntegerField(default=0)
    """One face with a known answer for so many ordinary ones, on average; 0 mixes none in."""
    repeat_every = models.PositiveSmallIntegerField(default=0)
    """One face once more for so many ordinary ones, on average; 0 repeats none."""
    repeat_distance = models.PositiveSmallIntegerField(default=50)
    """At least so many answers lie between a face and its repeat."""
    gives_feedback = models.BooleanField(default=False)
    """Whether a person is told after a face with a known answer."""
    shows_own_quality = models.BooleanField(default=True)
    """Whether people see their own agreement and reliability."""
    takedown_at_once = models.BooleanField(
        default=False,
        help_text="Take a picture down at once where nothing has to be judged by eye.",
    )
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    members = models.ManyToManyField(Person, through="Membership", related_name="projects")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(target_votes__gte=1, target_votes__lte=1000),
                name="project_target_votes_1_to_1000",
            ),
            models.CheckConstraint(
                condition=models.Q(qualification_pass_percent__lte=100)
                & models.Q(qualification_tries__gte=1),
                name="project_qualification_can_be_passed",
            ),
            models.CheckConstraint(
                condition=models.Q(repeat_distance__gte=1), name="project_repeats_lie_apart"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in a project in one role; ``code`` stands for them wherever names must not."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    code = models.CharField(max_length=12)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(db_default=Now())
    excluded_reason = models.CharField(max_length=300, blank=True)
    votes_stand = models.CharField(max_length=8, choices=VotesStand, default=VotesStand.COUNT)
    consent_version = models.PositiveSmallIntegerField(default=0)
    """The last version of the consent text that this person accepted; 0 is none."""
    tutorial_done_at = models.DateTimeField(null=True, blank=True)
    extra_tries = models.PositiveSmallIntegerField(default=0)
    """Tries at the qualification that a curator gave beyond the project's number."""
    qualified_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    """When the person themself withdrew."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "person", "role"], name="one_membership_per_role"
            ),
            models.UniqueConstraint(fields=["project", "code"], name="one_code_per_project"),
            models.CheckConstraint(
                condition=models.Q(role__in=["annotator", "coder", "curator", "researcher"]),
                name="membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.role})"


class Invitation(models.Model):
    """A link that lets its holder join a project in one role. Only the digest is kept."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=12, choices=Role)
    digest = models.CharField(max_length=64, unique=True)
    note = models.CharField(max_length=120, blank=True)
    created_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(default=1)
    n_uses = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(n_uses__lte=models.F("max_uses")),
                name="invitation_uses_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.project_id}"


class Token(models.Model):
    """A personal key for the REST API: shown once, kept as SHA-256, limited to one scope."""

    class Scope(models.TextChoices):
        ANNOTATOR = "annotator"
        RESEARCHER = "researcher"
        CURATOR = "curator"

    person = models.ForeignKey(Person, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=12, choices=Scope)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
