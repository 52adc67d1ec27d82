"""Take-down: a request comes in, curators decide, and then the picture is gone everywhere.

What one person's yes sets off is in ``removal``; a task repeats it until nothing is left to do.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.images.models import Image
from annotation.images.pictures import Refused, take_in
from annotation.people.models import Person

from .matching import Wanted, find
from .models import Match, Request
from .removal import enforce, strike

PER_HOUR = 10
"""Requests that one network address may make in an hour."""
State = Match.State


class TooMany(Exception):
    """This sender has asked often enough for now."""


@dataclass(frozen=True)
class Wish:
    """What a stranger fills in. At least one of the first three must be there."""

    image: uuid.UUID | None = None
    source_url: str = ""
    picture: bytes | None = None
    message: str = ""
    contact: str = ""


def ask(wish: Wish, address: str) -> Request:
    """Take a request in and find what it may mean; exact matches are acted upon where a project
    says so. The answer is the same whether anything was found: strangers learn nothing by asking.

    Raises ``ValidationError``, or ``TooMany`` for more than ``PER_HOUR`` from one ``address``.
    """
    if not (wish.image or wish.source_url or wish.picture):
        raise ValidationError("Name the picture: its number here, its source, or send it along.")
    sender = salted_hmac("take-down", address, algorithm="sha256").hexdigest()
    lately = Request.objects.filter(sender=sender, created_at__gt=Now() - timedelta(hours=1))
    if lately.count() >= PER_HOUR:
        raise TooMany(f"At most {PER_HOUR} requests an hour. Please try again later.")
    request = _request(wish, sender=sender)
    _match(request, wish)
    _at_once(request)
    return request


def take_down(images: list[Image], by: Person, reason: str) -> Request:
    """A curator takes images of their project down without a stranger's request."""
    if not reason.strip():
        raise ValidationError({"reason": "Say why: it is kept with the decision."})
    request = Request(reference=_reference(), made_by=by, message=reason.strip()[:2000])
    request.full_clean()
    with transaction.atomic():
        request.save()
        matches = Match.objects.bulk_create(
            Match(request=request, image=image, how=Match.How.NAMED) for image in images
        )
    for match in matches:
        _confirm(match, by)
    enforce()
    return request


def decide(match: Match, state: str, by: Person, note: str = "") -> None:
    """A curator has looked: take the image down, or keep it with the reason.

    Raises ``ValidationError`` where it was decided before, or kept without a reason.
    """
    if state == State.TAKEN_DOWN:
        if not _confirm(match, by):
            raise ValidationError("This was decided already.")
        enforce()
        return
    if not note.strip():
        raise ValidationError({"note": "Say why it stays: whoever asked will read it."})
    rows = Match.objects.filter(pk=match.pk, state=State.WAITING)
    kept = {"note": note.strip()[:300], "decided_by": by, "decided_at": Now()}
    with transaction.atomic():
        if not rows.update(state=State.KEPT, **kept):
            raise ValidationError("This was decided already.")
        _tell("kept an image that was asked to be taken down", match, kept["note"])
    match.refresh_from_db()


def _at_once(request: Request) -> None:
    exact = request.matches.filter(
        how__in=Match.EXACT, image__project__takedown_at_once=True
    ).select_related("image")
    done = [_confirm(match, None) for match in exact]
    if any(done):
        enforce()


def _confirm(match: Match, by: Person | None) -> bool:
    """Take the matched image down; every open request for it is thereby answered."""
    with transaction.atomic():
        rows = Match.objects.filter(image=match.image_id, state=State.WAITING)
        if not rows.filter(pk=match.pk).exists():
            return False
        rows.update(state=State.TAKEN_DOWN, decided_by=by, decided_at=Now())
        strike(match.image)
        _tell("took an image down", match, State.TAKEN_DOWN.label)
    match.refresh_from_db()
    return True


def _request(wish: Wish, sender: str) -> Request:
    request = Request(
        reference=_reference(),
        image=wish.image,
        source_url=wish.source_url.strip(),
        has_picture=wish.picture is not None,
        message=wish.message.strip(),
        contact=wish.contact.strip(),
        sender=sender,
    )
    request.full_clean()
    return request


def _match(request: Request, wish: Wish) -> None:
    try:
        picture = take_in(wish.picture) if wish.picture is not None else None
    except Refused as refused:
        raise ValidationError({"picture": f"This picture cannot be read: {refused}."}) from None
    found = find(Wanted(wish.image, request.source_url, picture))
    with transaction.atomic():
        request.save()
        Match.objects.bulk_create(
            Match(request=request, image_id=pk, how=how) for pk, how in found.items()
        )


def close(request: Request, by: Person, note: str) -> None:
    """Answer a request that no image of the site matched."""
    if not note.strip():
        raise ValidationError({"note": "Say what was found: whoever asked will read it."})
    rows = Request.objects.filter(pk=request.pk, closed_at=None, matches=None)
    with transaction.atomic():
        if not rows.update(closed_note=note.strip()[:300], closed_by=by, closed_at=Now()):
            raise ValidationError("This was answered already.")
        words = "answered a take-down request that matched nothing"
        tell(Kind.TAKEDOWNS, words, subject=request.reference, after=note.strip())


def _tell(words: str, match: Match, after: str) -> None:
    image = match.image
    told = {"project": image.project_id, "subject": str(image.uid), "after": after}
    tell(Kind.TAKEDOWNS, words, **told)


def _reference() -> str:
    return secrets.token_urlsafe(12)
