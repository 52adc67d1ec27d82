"""The vote that nearly every vote is: a person's first on an assignment that waits for it.

It is worth a statement of its own, because it is said a million times. Whatever is not this plain
case is left to ``services.record_vote``.
"""

from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from annotation.people.models import Membership

from .models import Assignment, Vote

_FIRST = """
    WITH mine AS (
        UPDATE labelling_assignment a SET state = 'answered'
        WHERE a.id = %s AND a.annotator_id = %s AND a.state = 'open'
          AND NOT EXISTS (SELECT 1 FROM labelling_vote v WHERE v.assignment_id = a.id)
        RETURNING a.id
    )
    INSERT INTO labelling_vote
        (assignment_id, expression, revision, is_current, voted_at, response_ms, device, position)
    SELECT id, %s, 1, TRUE, clock_timestamp(), %s, %s, %s FROM mine
    RETURNING (SELECT count(*) - 1 FROM labelling_assignment
               WHERE annotator_id = %s AND state = 'open')
"""
"""It returns what is open afterwards: a statement sees the table as it was before it."""


class Stored(NamedTuple):
    """A vote, and how many open assignments its person is left with."""

    vote: Vote
    n_open: int


@dataclass(frozen=True)
class Answer:
    """What a person answered, as their browser sent it. ``expression`` is 0–6."""

    expression: int
    revision: int = 1
    response_ms: int | None = None
    device: str = ""
    position: int | None = None


def first_vote(assignment_id: int, membership: Membership, answer: Answer) -> Stored | None:
    """Store the answer if this open assignment is the person's and has no vote, else nothing.

    Of two at once one waits for the other's lock, and then finds the assignment answered.
    """
    vote = Vote(
        assignment_id=assignment_id,
        expression=answer.expression,
        response_ms=answer.response_ms,
        device=answer.device,
        position=answer.position,
    )
    store = _store if connection.vendor == "postgresql" else _store_in_steps
    n_open = store(vote, membership.pk)
    return None if n_open is None else Stored(vote, n_open)


def _store(vote: Vote, me: int) -> int | None:
    said = [vote.expression, vote.response_ms, vote.device, vote.position]
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [vote.assignment_id, me, *said, me])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _store_in_steps(vote: Vote, me: int) -> int | None:
    """The same where one statement cannot do it all; SQLite's transactions are alone anyway."""
    with transaction.atomic():
        waiting = Assignment.objects.filter(annotator=me, state=Assignment.State.OPEN)
        mine = waiting.filter(pk=vote.assignment_id, votes=None)
        if not mine.update(state=Assignment.State.ANSWERED):
            return None
        vote.voted_at = timezone.now()
        vote.save(force_insert=True)
        return waiting.count()
