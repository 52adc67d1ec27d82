"""What researchers promise before they download: versions of a text, and who accepted which."""

from django.db import models
from django.db.models.functions import Now

from annotation.people.models import Person, Project


class Agreement(models.Model):
    """One version of a project's data-use agreement. Never changed: a new text is a new version."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="agreements")
    number = models.PositiveSmallIntegerField()
    text = models.TextField(help_text="Markdown.")
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    """Null where it is the text that every project begins with."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_agreement_per_number"),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"agreement {self.number}"


class Acceptance(models.Model):
    """A person's yes to one version, with what they want the pictures for."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="acceptances")
    person = models.ForeignKey(Person, models.PROTECT, related_name="acceptances")
    institution = models.CharField(max_length=200)
    purpose = models.CharField(max_length=2000)
    accepted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "person"], name="one_acceptance_per_version"
            ),
            models.CheckConstraint(
                condition=~models.Q(institution="") & ~models.Q(purpose=""),
                name="acceptance_says_where_and_why",
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.person_id} accepted {self.agreement_id}"
