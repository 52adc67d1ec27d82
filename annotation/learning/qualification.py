"""A qualification before ordinary work: faces with known answers, a pass mark, limited tries.

Nothing of it is an assignment or a vote. Who fails is told what each face shows, and may try again
after a while with other faces, as far as there are others.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.images.models import Image
from annotation.people.models import Membership
from reliability.expressions import N_EXPRESSIONS

from .models import Attempt, AttemptFace, Gold


@dataclass(frozen=True)
class Standing:
    """Where a person stands: ``attempt`` is the last one, open or ended."""

    attempt: Attempt | None
    n_left: int
    """Tries that are left."""
    waits_until: datetime | None
    """When the next try may begin; ``None`` if now."""

    @property
    def is_open(self) -> bool:
        return self.attempt is not None and self.attempt.ended_at is None

    @property
    def may_begin(self) -> bool:
        return not self.is_open and self.n_left > 0 and self.waits_until is None


def standing(membership: Membership) -> Standing:
    """How many tries this person has left, and when."""
    project = membership.project
    last = membership.attempts.order_by("-number").first()
    n_left = project.qualification_tries + membership.extra_tries - (last.number if last else 0)
    until = None
    if last is not None and last.ended_at is not None and not last.is_passed:
        until = last.ended_at + timedelta(hours=project.qualification_wait_hours)
        until = until if until > timezone.now() else None
    return Standing(last, max(n_left, 0), until)


def begin(membership: Membership, rng: random.Random | None = None) -> Attempt:
    """Begin a try, or go on with the open one. Raises ``ValidationError`` where none may begin."""
    with transaction.atomic():
        Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
        now = standing(membership)
        if now.is_open and now.attempt:
            return now.attempt
        if membership.qualified_at:
            raise ValidationError("You have passed already.")
        if not now.may_begin:
            raise ValidationError("No further try is open now.")
        chosen = _choose(membership, rng or random.SystemRandom())
        if not chosen:
            raise ValidationError("The curators have marked no faces for this yet.")
        number = now.attempt.number + 1 if now.attempt else 1
        attempt = Attempt.objects.create(membership=membership, number=number)
        AttemptFace.objects.bulk_create(
            AttemptFace(attempt=attempt, position=i, image_id=image, expected=expression)
            for i, (image, expression) in enumerate(chosen, start=1)
        )
        return attempt


def answer(membership: Membership, position: int, expression: int) -> Attempt:
    """Answer face ``position`` of the open try; the last answer ends it.

    The same answer again changes nothing; another one replaces it while the try is open. Raises
    ``AttemptFace.DoesNotExist`` where no try is open or it has no such face.
    """
    with transaction.atomic():
        rows = Attempt.objects.select_for_update().filter(membership=membership, ended_at=None)
        attempt = rows.first()
        face = attempt.faces.filter(position=position).first() if attempt else None
        if attempt is None or face is None:
            raise AttemptFace.DoesNotExist(f"no open face {position}")
        AttemptFace.objects.filter(pk=face.pk).update(answer=expression, answered_at=Now())
        if not attempt.faces.filter(answer=None).exists():
            _end(attempt, membership)
        return attempt


def let_pass(membership: Membership) -> None:
    """A curator lets somebody in whatever their tries said."""
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(qualified_at=Now())
        words = "let a person pass the qualification"
        tell(Kind.LEARNING, words, project=membership.project_id, subject=membership.code)


def give_try(membership: Membership) -> None:
    """A curator gives one more try, and it may begin at once."""
    with transaction.atomic():
        member = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
        extra = member.extra_tries + 1
        Membership.objects.filter(pk=member.pk).update(extra_tries=extra)
        wait = timedelta(hours=member.project.qualification_wait_hours)
        last = member.attempts.filter(ended_at__isnull=False).order_by("-number").first()
        if last is not None and last.ended_at is not None:
            earlier = min(last.ended_at, timezone.now() - wait)
            Attempt.objects.filter(pk=last.pk).update(ended_at=earlier)
        words = "gave another try at the qualification"
        tell(Kind.LEARNING, words, project=member.project_id, subject=member.code)


def _end(attempt: Attempt, membership: Membership) -> None:
    counts = attempt.faces.aggregate(
        n=Count("pk"), right=Count("pk", filter=Q(answer=F("expected")))
    )
    percent = membership.project.qualification_pass_percent
    passed = 100 * counts["right"] >= percent * counts["n"]
    Attempt.objects.filter(pk=attempt.pk).update(
        ended_at=Now(), n_right=counts["right"], is_passed=passed
    )
    if passed:
        Membership.objects.filter(pk=membership.pk).update(qualified_at=Now())
    attempt.refresh_from_db()


def _choose(membership: Membership, rng: random.Random) -> list[tuple[int, int]]:
    """Known faces (image, expression): as many of each expression as can be, new ones first."""
    seen = AttemptFace.objects.filter(attempt__membership=membership)
    seen_images = set(seen.values_list("image", flat=True))
    known = list(
        Gold.objects.filter(
            project=membership.project_id, is_active=True, image__state=Image.State.ACTIVE
        )
        .order_by("pk")
        .values_list("image", "expression")
    )
    rng.shuffle(known)
    known.sort(key=lambda one: one[0] in seen_images)
    piles: list[list[tuple[int, int]]] = [[] for _ in range(N_EXPRESSIONS)]
    for one in known:
        piles[one[1]].append(one)
    rng.shuffle(piles)
    rounds = [pile[i] for i in range(len(known)) for pile in piles if i < len(pile)]
    chosen = rounds[: membership.project.qualification_faces]
    rng.shuffle(chosen)
    return chosen
