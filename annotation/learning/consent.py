"""Consent to a versioned text, asked before the first vote and again when the text changes.

A vote needs a standing consent to any version; new work needs the one in force. So a new text
loses nobody's votes that are on their way, and nobody gets further faces before they agreed.
"""

from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.labelling import parting
from annotation.people.models import Membership, Person, Project

from .models import Consent, ConsentText

DEFAULT_TEXT = (Path(__file__).parent / "texts" / "consent.md").read_text(encoding="utf-8")
DEFAULT_WARNING = (
    "Some of these faces may show pain, fear or grief. Take a break whenever you like; "
    "0 passes a face over."
)
MAX_TEXT = 50_000


def write_consent(
    project: Project, text: str, by: Person | None, warning: str = DEFAULT_WARNING
) -> ConsentText:
    """Put a text in force as the next version; everybody is asked again before further work.

    The same words as those in force make no new version. Raises ``ValidationError`` for an empty
    text or one that is too long.
    """
    text, warning = text.replace("\r\n", "\n").strip(), warning.strip()
    if not text or len(text) > MAX_TEXT:
        raise ValidationError({"text": f"Between 1 and {MAX_TEXT:,} signs."})
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        last = project.consent_texts.first()
        if last is None or (last.text, last.warning) != (text, warning):
            last = ConsentText(
                project=project,
                version=last.version + 1 if last else 1,
                text=text,
                warning=warning,
                written_by=by,
            )
            last.full_clean(exclude=["written_at"])
            last.save()
        _put_in_force(project, last.version)
    return last


def ask_no_consent(project: Project) -> None:
    """Ask for no consent any more; texts and consents stay on record."""
    _put_in_force(project, 0)


def give_consent(membership: Membership, version: int) -> Consent:
    """Record that a person accepts the version in force; the same again changes nothing.

    Raises ``ValidationError`` for another version: what was read must be what is accepted.
    """
    with transaction.atomic():
        text = ConsentText.objects.filter(
            project=membership.project_id, version=version, project__consent_version=version
        ).first()
        if text is None:
            raise ValidationError(
                {"version": f"Version {version} is not in force. Read the present text first."}
            )
        consent, _ = Consent.objects.get_or_create(membership=membership, text=text, ended_at=None)
        Membership.objects.filter(pk=membership.pk).update(
            consent_version=version, withdrawn_at=None
        )
    membership.refresh_from_db()
    return consent


def withdraw(membership: Membership) -> int:
    """A person leaves the project and takes their consent back.

    What becomes of their votes is the project's rule (``after_withdrawal``). Returns how many
    places on images were taken back.
    """
    with transaction.atomic():
        Consent.objects.filter(membership=membership, ended_at=None).update(ended_at=Now())
        return parting.leave(membership)


def _put_in_force(project: Project, version: int) -> None:
    words = {v: f"version {v}" if v else "none asked" for v in (project.consent_version, version)}
    with transaction.atomic():
        Project.objects.filter(pk=project.pk).update(consent_version=version)
        tell(
            Kind.LEARNING, "put a consent text in force", project=project,
            before=words[project.consent_version], after=words[version],
        )  # fmt: skip
    project.consent_version = version
