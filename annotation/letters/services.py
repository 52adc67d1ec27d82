"""Sending a message, taking it back, and noting that it was read."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.people.models import Membership, Person, Project, Role

from .models import MAX_TEXT, Delivery, Letter


def send(project: Project, text: str, by: Person, codes: Iterable[str] = ()) -> Letter:
    """Send plain words to the members with these codes, or to every annotator at work.

    Raises ``ValidationError`` for an empty text, one that is too long, an unknown code, and where
    nobody would get it.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > MAX_TEXT:
        raise ValidationError({"text": f"Between 1 and {MAX_TEXT:,} signs."})
    members = _members(project, list(codes))
    with transaction.atomic():
        letter = Letter.objects.create(project=project, text=text, written_by=by)
        Delivery.objects.bulk_create(Delivery(letter=letter, membership=m) for m in members)
        words = f"sent a message to {len(members)}"
        named = " ".join(m.code for m in members)
        tell(Kind.MESSAGES, words, project=project, subject=named, after=text)
    return letter


def withdraw(letter: Letter) -> None:
    """Show a message no more to those who have not read it; it stays on record."""
    with transaction.atomic():
        if Letter.objects.filter(pk=letter.pk, withdrawn_at=None).update(withdrawn_at=Now()):
            told = {"project": letter.project_id, "before": letter.text}
            tell(Kind.MESSAGES, "took a message back", **told)


def note_read(person: Person, letter_id: int) -> bool:
    """Note that a person has read a message of theirs; False where it is not theirs."""
    mine = Delivery.objects.filter(letter=letter_id, membership__person=person)
    mine.filter(read_at=None).update(read_at=Now())
    return mine.exists()


def _members(project: Project, codes: list[str]) -> list[Membership]:
    at_work = Membership.objects.filter(project=project, is_active=True).order_by("code")
    if not codes:
        members = list(at_work.filter(role=Role.ANNOTATOR))
        if not members:
            raise ValidationError({"to": "There is no annotator yet who could get it."})
        return members
    found = {m.code: m for m in at_work.filter(code__in=codes)}
    missing = [code for code in codes if code not in found]
    if missing:
        told = ", ".join(missing[:10])
        raise ValidationError({"to": f"Nobody at work has the code {told}."})
    return list(found.values())
