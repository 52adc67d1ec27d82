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
    estimate_every_hours = models.PositiveIntegerField(null=True, blank=True)
    estimate_every_votes = models.PositiveIntegerField(null=True, blank=True)
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    members = models.ManyToManyField(Person, through="Membership", related_name="projects")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(target_votes__gte=1, target_votes__lte=1000),
                name="project_target_votes_1_to_1000",
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
