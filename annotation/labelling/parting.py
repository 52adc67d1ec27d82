"""Somebody's work ends, or goes on after all: the person, their open work and their votes at once.

Three things can become of the votes: they count on; they count no more and others are asked in
their place; they count no more and the images ask for that many votes fewer. Nothing is erased, so
that each can be undone.
"""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.people import services as people
from annotation.people.models import AfterWithdrawal, Membership, Role, VotesStand

from . import services

STANDS = {
    VotesStand.COUNT: "count on",
    VotesStand.REPLACED: "replaced by others'",
    VotesStand.DROPPED: "dropped",
}


@dataclass(frozen=True)
class Readmitted:
    """What came back with a person."""

    n_votes: int
    """Votes that count again."""
    n_lost: int
    """Votes whose places were meanwhile given to others."""


def exclude(membership: Membership, reason: str, stand: str = VotesStand.COUNT) -> int:
    """End a person's work with a reason; returns how many places were taken back.

    Raises ``ValidationError`` without a reason, or where no curator would be left.
    """
    stand = VotesStand(stand)
    with transaction.atomic():
        people.exclude(membership, reason)
        n = _end(membership, stand)
        after = f"excluded: {reason.strip()}; votes {STANDS[stand]}"
        _tell("excluded a person", membership, before="active", after=after)
        return n


def change_role(membership: Membership, role: str, *, keep: bool = False) -> Membership:
    """Give a person another role in the project; with ``keep`` beside the one they have.

    Where the present role ends, their votes count on. Raises ``ValidationError`` for the same
    role, for somebody who is not at work, and where no curator would be left.
    """
    role = Role(role)
    if not membership.is_active:
        raise ValidationError("Readmit this person first.")
    before = people.roles_of(membership)
    if role in before:
        raise ValidationError({"role": f"This person is {role} already."})
    with transaction.atomic():
        made = people.join(membership.project, membership.person, role)
        if not keep:
            people.exclude(membership, f"is {role} now ({made.code})")
            _end(membership, VotesStand.COUNT)
        after = people.roles_of(made)
        _tell("changed roles", membership, before=", ".join(before), after=", ".join(after))
    return made


def leave(membership: Membership) -> int:
    """A person withdraws: no reason is asked; the project's rule decides about their votes."""
    rule = membership.project.after_withdrawal
    keep = rule == AfterWithdrawal.KEEP
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(
            is_active=False, withdrawn_at=Now(), consent_version=0
        )
        return _end(membership, VotesStand.COUNT if keep else VotesStand.REPLACED)


def readmit(membership: Membership) -> Readmitted:
    """Undo an exclusion: the person goes on, and the votes whose places are free count again.

    Raises ``ValidationError`` for somebody who withdrew: only they can come back.
    """
    if membership.withdrawn_at is not None and not membership.is_active:
        raise ValidationError("This person withdrew. Invite them; they decide themselves.")
    with transaction.atomic():
        before = f"excluded: {membership.excluded_reason}"
        people.readmit(membership)
        dropped = membership.votes_stand == VotesStand.DROPPED
        n_back, n_lost = services.reinstate(membership, widen=dropped)
        Membership.objects.filter(pk=membership.pk).update(votes_stand=VotesStand.COUNT)
        after = f"active; {n_back} votes back, {n_lost} lost"
        _tell("readmitted a person", membership, before=before, after=after)
    membership.refresh_from_db()
    return Readmitted(n_back, n_lost)


def _end(membership: Membership, stand: str) -> int:
    Membership.objects.filter(pk=membership.pk).update(votes_stand=stand)
    n = services.withdraw(
        membership,
        votes_too=stand != VotesStand.COUNT,
        replace=stand == VotesStand.REPLACED,
    )
    membership.refresh_from_db()
    return n


def _tell(words: str, membership: Membership, *, before: str, after: str) -> None:
    subject = f"{membership.code} ({membership.role})"
    project = membership.project_id
    tell(Kind.PEOPLE, words, project=project, subject=subject, before=before, after=after)
