"""What may be read of learning: what a person must do first, and the texts in force."""

from django.db import models
from django.db.models import QuerySet

from annotation.people.models import Membership, Project

from .models import Consent, ConsentText


class Step(models.TextChoices):
    """What comes before ordinary work, in this order; each is a page of that name."""

    CONSENT = "consent"


def next_step(membership: Membership) -> Step | None:
    """What this person must do before further faces; ``None`` if they may go on. No query."""
    project = membership.project
    if project.consent_version > membership.consent_version:
        return Step.CONSENT
    return None


def may_answer(membership: Membership) -> bool:
    """Whether answers are taken: consent to some version stands, where it is asked. No query."""
    return not membership.project.consent_version or membership.consent_version > 0


def consent_in_force(project: Project) -> ConsentText | None:
    """The text that people are asked to accept; ``None`` where none is asked."""
    return project.consent_texts.filter(version=project.consent_version).first()


def consent_of(membership: Membership) -> Consent | None:
    """The last consent that this person gave and did not take back."""
    given = Consent.objects.filter(membership=membership, ended_at=None).select_related("text")
    return given.order_by("-text__version").first()


def consents_in(project: Project) -> QuerySet[ConsentText]:
    """Every version, newest first, with how many people stand by it (``n_standing``)."""
    standing = models.Count("consents", filter=models.Q(consents__ended_at=None))
    texts = ConsentText.objects.filter(project=project).select_related("written_by")
    return texts.annotate(n_standing=standing).order_by("-version")
