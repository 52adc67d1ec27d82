"""Faces with known answers and repeats, mixed into ordinary work and answered through one door.

A check is drawn after an ordinary draw and beside it: it locks nothing that draws lock, takes no
place on an image and none of a person's share, so evenness, coverage, estimates and exports are
what they would be without it.
"""

import random
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from annotation.images.models import Image
from annotation.labelling.errors import AssignmentGone
from annotation.labelling.models import Assignment, Coverage, Flag, Vote
from annotation.labelling.revisions import resent
from annotation.labelling.services import Answer, flag_assignment, record_vote
from annotation.people.models import Membership

from .models import AttemptFace, Check, CheckAnswer, Gold

Kind, State = Check.Kind, Check.State
GONE = "This image is no longer labelled."
REPEAT_WINDOW = 50
"""A repeat is chosen among so many faces beyond the distance."""


@dataclass(frozen=True)
class Feedback:
    """What a person is told after a face with a known answer, where the project says so."""

    is_right: bool
    expected: int
    why: str


def answer(number: int, membership: Membership, told: Answer) -> Vote | CheckAnswer:
    """The one door for answers: a vote where ``number`` is an assignment, else a check's answer.

    Idempotent and strict alike. Raises ``Assignment.DoesNotExist`` where it is neither, or
    another's; ``VoteConflict`` for a revision out of turn; ``AssignmentGone``.
    """
    try:
        return record_vote(number, membership, told)
    except Assignment.DoesNotExist:
        return record_answer(number, membership, told)


def record_answer(number: int, membership: Membership, answer: Answer) -> CheckAnswer:
    """Store the answer to a check once, however often it is sent."""
    with transaction.atomic():
        return _store(_locked(number, membership), answer)


def flag(number: int, membership: Membership, reason: str, note: str = "") -> Flag | Check:
    """The same door for flags; a flagged check tells the curator of a doubtful face."""
    try:
        return flag_assignment(number, membership, reason, note)
    except Assignment.DoesNotExist:
        with transaction.atomic():
            check = _locked(number, membership)
            check.answers.filter(is_current=True).update(is_current=False)
            check.state, check.reason, check.note = State.FLAGGED, Flag.Reason(reason), note
            check.save(update_fields=["state", "reason", "note"])
            return check


def mix_in(
    membership: Membership, drawn: list[Assignment], rng: random.Random | None = None
) -> list[Check]:
    """Checks to follow these newly drawn assignments, at the project's rates; often none.

    On average one for so many drawn assignments as the rate says, at random. They take their times
    from the assignments, so that these do not give them away. No query where nothing is mixed in.
    """
    rng = rng or random.SystemRandom()
    project = membership.project
    made = []
    for kind, every in ((Kind.GOLD, project.gold_every), (Kind.REPEAT, project.repeat_every)):
        for _ in range(_how_many(len(drawn), every, rng)):
            found = _gold_for(membership) if kind == Kind.GOLD else _repeat_for(membership, rng)
            if found and (check := _draw(membership, kind, *found, like=drawn[0])):
                made.append(check)
    return made


def feedback(stored: Vote | CheckAnswer, membership: Membership) -> Feedback | None:
    """What may be told of an answer: nothing of votes and repeats, nor where it is not wanted."""
    if not (isinstance(stored, CheckAnswer) and membership.project.gives_feedback):
        return None
    check = stored.check_row
    if check.kind != Kind.GOLD:
        return None
    gold = Gold.objects.filter(image=check.image_id).first()
    is_right = stored.expression == check.expected
    return Feedback(is_right, check.expected, gold.why if gold else "")


def _how_many(n_drawn: int, every: int, rng: random.Random) -> int:
    due = n_drawn / every if every else 0.0
    return int(due) + (rng.random() < due - int(due))


def _locked(number: int, membership: Membership) -> Check:
    rows = Check.objects.select_for_update(of=("self",)).select_related("image")
    check = rows.filter(pk=number, annotator=membership).first()
    if check is None:
        raise Assignment.DoesNotExist(f"no assignment {number} of {membership}")
    if check.state == State.OPEN and check.image.state != Image.State.ACTIVE:
        raise AssignmentGone(GONE)
    return check


def _store(check: Check, answer: Answer) -> CheckAnswer:
    last: CheckAnswer | None = check.answers.order_by("-revision").first()
    stored: CheckAnswer | None = resent(last, answer)
    if stored is not None:
        return stored
    check.answers.filter(is_current=True).update(is_current=False)
    Check.objects.filter(pk=check.pk).update(state=State.ANSWERED, reason="", note="")
    return CheckAnswer.objects.create(
        check_row=check,
        expression=answer.expression,
        revision=answer.revision,
        response_ms=answer.response_ms,
        device=answer.device,
        position=answer.position,
    )


def _gold_for(membership: Membership) -> tuple[int, int] | None:
    """A known face (image, expression) this person was not shown; first those never due to them."""
    shown = Check.objects.filter(annotator=membership, kind=Kind.GOLD, image=OuterRef("image"))
    given = Assignment.objects.filter(annotator=membership, image=OuterRef("image"))
    tried = AttemptFace.objects.filter(attempt__membership=membership, image=OuterRef("image"))
    full = Coverage.objects.filter(pk=OuterRef("image")).filter(
        Q(is_open=False) | Q(n_live__gte=F("target"))
    )
    rows = Gold.objects.filter(
        ~Exists(shown),
        ~Exists(tried),
        ~Exists(given.exclude(state=Assignment.State.LAPSED)),
        project=membership.project_id,
        is_active=True,
        image__state=Image.State.ACTIVE,
    )
    first = Case(When(Exists(full), then=Value(0)), default=Value(1))
    return rows.order_by(first, "?").values_list("image", "expression").first()


def _repeat_for(membership: Membership, rng: random.Random) -> tuple[int, int] | None:
    """A face this person answered at least ``repeat_distance`` answers ago, not repeated yet."""
    start = membership.project.repeat_distance
    votes = Vote.objects.filter(
        is_current=True,
        assignment__annotator=membership,
        assignment__state=Assignment.State.ANSWERED,
        assignment__image__state=Image.State.ACTIVE,
    ).order_by("-pk")
    window = votes.values_list("assignment__image", "expression")[start : start + REPEAT_WINDOW]
    done = membership.checks.filter(kind=Kind.REPEAT).values_list("image", flat=True)
    left = sorted(set(window) - {one for one in window if one[0] in set(done)})
    return rng.choice(left) if left else None


def _draw(
    membership: Membership, kind: str, image_id: int, expected: int, like: Assignment
) -> Check | None:
    try:
        with transaction.atomic():
            return Check.objects.create(
                pk=_next_number(),
                annotator=membership,
                image_id=image_id,
                kind=kind,
                expected=expected,
                drawn_at=like.drawn_at,
                expires_at=like.expires_at,
            )
    except IntegrityError:  # two tabs at once: one of them drew it
        return None


def _next_number() -> int:
    """The next number of the assignments' own counter, which no assignment will have."""
    table = Assignment._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
        else:
            cursor.execute(
                "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = %s RETURNING seq", [table]
            )
        return int(cursor.fetchone()[0])
