"""Faces whose expression is known: marked by hand, or taken from an estimate's clear ones."""

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.images.models import Image
from annotation.people.models import Person
from reliability.expressions import Expression

from .models import Gold


def mark(
    image: Image, expression: int, by: Person, why: str = "", origin: str = Gold.Origin.HAND
) -> Gold:
    """Say what an image shows (0–6), or change what was said. Its votes are not touched.

    Raises ``ValidationError`` for an image that is not labelled or a number out of range.
    """
    if image.state != Image.State.ACTIVE:
        raise ValidationError({"image": f"This image is {image.get_state_display().lower()}."})
    told = {
        "project": image.project,
        "expression": expression,
        "why": why.strip(),
        "origin": Gold.Origin(origin),
        "is_active": True,
        "marked_by": by,
    }
    Gold(image=image, **told).full_clean(exclude=["image", "marked_at"], validate_unique=False)
    with transaction.atomic():
        known = Gold.objects.filter(image=image, is_active=True).first()
        gold, _ = Gold.objects.update_or_create(image=image, defaults=told)
        before, after = (_word(one.expression) if one else "not known" for one in (known, gold))
        _tell("vouched for what an image shows", image, before, after)
    return gold


def unmark(image: Image) -> None:
    """Show this face as a check no more; what was answered stays on record."""
    with transaction.atomic():
        known = Gold.objects.filter(image=image, is_active=True)
        before = "".join(_word(one.expression) for one in known)
        if known.update(is_active=False):
            _tell("vouched for an image no more", image, before, "not known")


def _word(expression: int) -> str:
    return Expression(expression).name.lower()


def _tell(words: str, image: Image, before: str, after: str) -> None:
    subject = f"{image.file_name} ({image.uid})"
    project = image.project_id
    tell(Kind.LEARNING, words, project=project, subject=subject, before=before, after=after)
