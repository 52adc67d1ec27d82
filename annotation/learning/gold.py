"""Faces whose expression is known: marked by hand, or taken from an estimate's clear ones."""

from django.core.exceptions import ValidationError

from annotation.images.models import Image
from annotation.people.models import Person

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
    gold, _ = Gold.objects.update_or_create(image=image, defaults=told)
    return gold


def unmark(image: Image) -> None:
    """Show this face as a check no more; what was answered stays on record."""
    Gold.objects.filter(image=image).update(is_active=False)
