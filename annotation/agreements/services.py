"""Writing a new version of the agreement, and accepting the one that holds."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.people.models import Person, Project

from .models import Acceptance, Agreement

FIRST_TEXT = """# What you promise

These are photographs of people who were not asked for your study. You may have them for research
if you promise:

1. **Research only.** You use the pictures and labels for the purpose that you state below, and
   for nothing commercial.
2. **No identification.** You do not try to find out who anybody is, and do not link the pictures
   with other data about a person.
3. **No passing on.** You give the pictures to nobody outside the group that works with you under
   this promise. In papers and talks you show only as many faces as an argument needs.
4. **Take-downs.** When a version is withdrawn because somebody asked for their picture to be
   removed, you delete your copies of it and take the next version.
5. **Credit.** You cite the data set by its name and version, and the paper it follows.

The licences of the single photographs, listed in `attribution.csv`, hold as well.
"""
"""What every project begins with until its curators write their own."""


def agreement_of(project: Project) -> Agreement:
    """The version that holds. The first one is written here, when it is first asked for."""
    newest = project.agreements.first()
    if newest is not None:
        return newest
    first, _ = Agreement.objects.get_or_create(
        project=project, number=1, defaults={"text": FIRST_TEXT}
    )
    return first


def publish_agreement(project: Project, text: str, by: Person) -> Agreement:
    """A new version, which everybody must accept anew. The text that holds already stays."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise ValidationError({"text": "An agreement needs a text."})
    now = agreement_of(project)
    if now.text.strip() == text:
        return now
    try:
        with transaction.atomic():
            made = Agreement.objects.create(
                project=project, number=now.number + 1, text=text + "\n", created_by=by
            )
            versions = {"before": f"version {now.number}", "after": f"version {made.number}"}
            tell(Kind.RELEASES, "published a data-use agreement", project=project, **versions)
            return made
    except IntegrityError:
        raise ValidationError(
            {"text": "Another curator published a version just now. Read it first."}
        ) from None


def accept(agreement: Agreement, person: Person, institution: str, purpose: str) -> Acceptance:
    """Note a person's yes to the version that holds; saying it again changes nothing.

    Raises ``ValidationError`` for an older version or without institution and purpose.
    """
    newest = agreement_of(agreement.project)
    if newest.pk != agreement.pk:
        raise ValidationError(
            {"version": f"Version {agreement.number} was replaced by {newest.number}; read that."}
        )
    known = Acceptance.objects.filter(agreement=agreement, person=person).first()
    if known is not None:
        return known
    acceptance = Acceptance(
        agreement=agreement, person=person, institution=institution.strip(), purpose=purpose.strip()
    )
    acceptance.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            acceptance.save()
    except IntegrityError:  # said twice at once
        return Acceptance.objects.get(agreement=agreement, person=person)
    return acceptance
