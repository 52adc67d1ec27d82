"""What people learn and agree to before and while they label; what must hold is a constraint."""

from django.db import models
from django.db.models.functions import Now

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
