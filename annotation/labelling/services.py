"""Labelling writes: opening images, votes, flags, lapsing and withdrawing.

Draws are in ``draw``, whole designs and many votes at once in ``bulk``; their doors are here too,
so that other apps import this module only.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest, Now, Random

from annotation.images.models import Image
from annotation.people.models import Membership, Project

from .ballot import Answer
from .bulk import import_votes, plan, record_votes_bulk
from .draw import give_back, lock_share, take_place, top_up
from .errors import AssignmentGone, VoteConflict
from .models import Assignment, Coverage, Flag, Rules, Share, Vote
from .pulse import UNANSWERED, take_pulse
from .revisions import resent
from .room import cap_of
from .sources import source_of

__all__ = [
    "Answer", "AssignmentGone", "VoteConflict", "cap_of", "close_images",
    "flag_assignment", "import_votes", "lapse", "open_images", "plan", "record_vote",
    "record_votes_bulk", "reinstate", "set_target", "take_pulse", "top_up", "withdraw",
]  # fmt: skip

State = Assignment.State
N_AHEAD, N_LOW = 30, 20
"""A person holds up to 30 open assignments, and is given more when 20 are left: twenty faces of a
broken network, and one draw for ten votes."""
LAPSED = "This assignment lapsed, and its place has been given to somebody else."
WITHDRAWN = "This image is no longer labelled."
UNDECIDED: dict[str, Any] = {"decided_at": None, "decision": "", "decided_by": None}
"""Of a flag that no curator has looked at, or that somebody sets again."""


def open_images(project: Project, image_ids: Iterable[int]) -> None:
    """Let these images be drawn: new ones with the project's target, closed ones again."""
    for some in _slices(image_ids):
        known = Image.objects.filter(pk__in=some).values_list("pk", "provenance")
        Coverage.objects.bulk_create(
            [
                Coverage(
                    image_id=pk,
                    project=project,
                    target=project.target_votes,
                    source=source_of(provenance),
                )
                for pk, provenance in known
            ],
            ignore_conflicts=True,
        )
        with transaction.atomic():
            back = Coverage.objects.filter(pk__in=some, project=project, is_open=False)
            back.update(is_open=True, target=Greatest(F("n_live"), project.target_votes))
            withdrawn = Assignment.objects.filter(image__in=some, state=State.WITHDRAWN)
            withdrawn.filter(votes=None).update(state=State.LAPSED)


def close_images(image_ids: Iterable[int]) -> None:
    """Draw these images no more, and take back what is open. Votes stay."""
    for some in _slices(image_ids):
        Coverage.objects.filter(pk__in=some).update(is_open=False)
        rows = Assignment.objects.filter(image__in=some, state__in=UNANSWERED)
        _end_for_each(rows, State.WITHDRAWN)


def set_target(project: Project, target: int) -> None:
    """Change the votes asked for per image; images that have more keep theirs."""
    project.target_votes = target
    project.full_clean()
    with transaction.atomic():
        project.save(update_fields=["target_votes"])
        Coverage.objects.filter(project=project).update(target=Greatest(F("n_live"), target))
        Rules.objects.filter(project=project).update(settled_by=None)


def record_vote(assignment_id: int, membership: Membership, answer: Answer) -> Vote:
    """Store an answer once, however often it is sent.

    The same revision with the same expression returns the stored vote; the next revision
    supersedes it. Raises ``Assignment.DoesNotExist`` for other people's assignments,
    ``VoteConflict`` for a revision out of turn, ``AssignmentGone`` where the place is taken.
    """
    with transaction.atomic():
        assignment = _locked(assignment_id, membership)
        if assignment.state in Assignment.LIVE:
            return _store(assignment, answer)
    with transaction.atomic():  # no place of its own any more: the share is locked first
        lock_share(membership)
        assignment = _locked(assignment_id, membership)
        if assignment.state not in Assignment.LIVE:
            stored = _stored(assignment, answer)
            if stored is not None:
                return stored
            _revive(assignment, membership)
        return _store(assignment, answer)


def flag_assignment(
    assignment_id: int, membership: Membership, reason: str, note: str = ""
) -> Flag:
    """Say that an image cannot be labelled. Not a vote: its place is drawn again.

    A vote given before is no longer current. The same flag again changes nothing.
    """
    with transaction.atomic():
        lock_share(membership)
        assignment = _locked(assignment_id, membership)
        if assignment.state == State.WITHDRAWN:
            raise AssignmentGone(WITHDRAWN)
        again = {} if assignment.state == State.FLAGGED else UNDECIDED
        if assignment.state in Assignment.LIVE:
            assignment.votes.filter(is_current=True).update(is_current=False)
            _end(Assignment.objects.filter(pk=assignment.pk), State.FLAGGED, membership)
        else:
            Assignment.objects.filter(pk=assignment.pk).update(state=State.FLAGGED)
        flag, _ = Flag.objects.update_or_create(
            assignment=assignment,
            defaults={"reason": Flag.Reason(reason), "note": note, "flagged_at": Now(), **again},
        )
        return flag


def lapse() -> int:
    """Take back open assignments past their time, and those of people who left; how many.

    What a plan gave to somebody at work is not taken from them: it waits in the plan again.
    """
    late = Assignment.objects.filter(expires_at__lt=Now(), state=State.OPEN)
    _plan_again(late.filter(annotator__is_active=True, annotator__project__rules__is_planned=True))
    overdue = Q(expires_at__lt=Now(), state=State.OPEN) | Q(
        annotator__is_active=False, state__in=UNANSWERED
    )
    return _end_for_each(Assignment.objects.filter(overdue), State.LAPSED)


def withdraw(membership: Membership, *, votes_too: bool = False, replace: bool = True) -> int:
    """Take back a person's open assignments; with ``votes_too`` their votes' places as well.

    Votes are kept but no longer count, and their images are drawn again for others; without
    ``replace`` the images ask for one vote fewer instead. Returns the number of places taken back.
    """
    mine = Assignment.objects.filter(annotator=membership)
    freed = _end_for_each(mine.filter(state__in=UNANSWERED), State.WITHDRAWN)
    if votes_too:
        answered = mine.filter(state=State.ANSWERED)
        freed += _end_for_each(answered, State.WITHDRAWN, close=not replace)
    return freed


def reinstate(membership: Membership, *, widen: bool = False) -> tuple[int, int]:
    """Let the votes that were withdrawn with a person count again: how many did, how many not.

    A vote whose place was given to somebody else stays out. ``widen`` first gives back the places
    that were closed (``withdraw`` without ``replace``), up to the project's target.
    """
    with transaction.atomic():
        lock_share(membership)
        gone = membership.assignments.filter(state=State.WITHDRAWN, votes__is_current=True)
        held = list(gone.order_by("pk").select_for_update().values_list("pk", "image_id"))
        n_back = sum(
            _retake(membership.project, {image: pk for pk, image in some}, widen=widen)
            for some in _slices(held)
        )
        Share.objects.filter(pk=membership.pk).update(n_live=F("n_live") + n_back)
    return n_back, len(held) - n_back


def _locked(assignment_id: int, membership: Membership) -> Assignment:
    return Assignment.objects.select_for_update().get(pk=assignment_id, annotator=membership)


def _stored(assignment: Assignment, answer: Answer) -> Vote | None:
    """The vote that this answer is a resend of; raises where its revision is out of turn."""
    found: Vote | None = resent(assignment.votes.order_by("-revision").first(), answer)
    return found


def _store(assignment: Assignment, answer: Answer) -> Vote:
    stored = _stored(assignment, answer)
    if stored is not None:
        return stored
    if answer.revision > 1:
        assignment.votes.filter(is_current=True).update(is_current=False)
    if assignment.state != State.ANSWERED:
        Assignment.objects.filter(pk=assignment.pk).update(state=State.ANSWERED)
    return Vote.objects.create(
        assignment=assignment,
        expression=answer.expression,
        revision=answer.revision,
        response_ms=answer.response_ms,
        device=answer.device,
        position=answer.position,
    )


def _revive(assignment: Assignment, membership: Membership) -> None:
    """A late vote counts where its place is still free; a vote also takes back the flag."""
    if assignment.state == State.WITHDRAWN:
        raise AssignmentGone(WITHDRAWN)
    if not take_place(membership, assignment.image_id):
        raise AssignmentGone(LAPSED)
    Flag.objects.filter(assignment=assignment).delete()
    Assignment.objects.filter(pk=assignment.pk).update(state=State.OPEN)
    assignment.state = State.OPEN


def _retake(project: Project, held: dict[int, int], *, widen: bool) -> int:
    """Answer these assignments (by image) again, where their image has a place; how many."""
    places = Coverage.objects.filter(pk__in=held)
    list(places.order_by("pk").select_for_update().values_list("pk"))
    if widen:
        places.filter(target__lt=project.target_votes).update(target=F("target") + 1)
    free = list(places.filter(n_live__lt=F("target")).values_list("pk", flat=True))
    Coverage.objects.filter(pk__in=free).update(n_live=F("n_live") + 1, lot=Random())
    back = [held[image] for image in free]
    Assignment.objects.filter(pk__in=back).update(state=State.ANSWERED)
    return len(back)


def _plan_again(rows: QuerySet[Assignment]) -> None:
    """Live as before, and not open: neither images nor shares change."""
    holders = list(rows.order_by().values_list("annotator", flat=True).distinct())
    for membership in Membership.objects.filter(pk__in=holders).order_by("pk"):
        with transaction.atomic():
            lock_share(membership)
            rows.filter(annotator=membership).update(state=State.PLANNED)


def _end_for_each(rows: QuerySet[Assignment], state: str, *, close: bool = False) -> int:
    """``_end`` person by person, each in a short transaction of its own."""
    holders = list(rows.order_by().values_list("annotator", flat=True).distinct())
    total = 0
    for membership in Membership.objects.filter(pk__in=holders).order_by("pk"):
        with transaction.atomic():
            lock_share(membership)
            total += _end(rows.filter(annotator=membership), state, membership, close=close)
    return total


def _end(
    rows: QuerySet[Assignment], state: str, membership: Membership, *, close: bool = False
) -> int:
    """Move a person's live assignments to a state that is not, and free their places."""
    held = list(rows.order_by("pk").select_for_update().values_list("pk", "image_id"))
    for some in _slices(pk for pk, _ in held):
        Assignment.objects.filter(pk__in=some).update(state=state)
    Share.objects.filter(pk=membership.pk).update(n_live=F("n_live") - len(held))
    give_back((image for _, image in held), close=close)
    return len(held)


def _slices(ids: Iterable[Any], size: int = 500) -> list[list[Any]]:
    every = sorted(ids)
    return [every[i : i + size] for i in range(0, len(every), size)]
