"""The vote that nearly every vote is: a person's first on an assignment that waits for it.

It is said a million times, so it is one statement: in it the sender is proved, the assignment
answered and the vote stored. Whatever is not this plain case stores nothing here and is left to
``services``: resends, corrections, late votes, checks, strangers.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import Error, connection, transaction
from django.utils import timezone

from annotation.people.models import Membership
from annotation.people.proofs import Proof

_ME = """
    SELECT m.id FROM people_membership m
    JOIN people_project j ON j.id = m.project_id
    JOIN people_person p ON p.id = m.person_id {join}
    WHERE j.slug = %s AND m.role = 'annotator' AND m.is_active AND p.is_active
      AND (j.consent_version = 0 OR m.consent_version > 0)
"""
_ANSWER = """
    UPDATE labelling_assignment AS a SET state = 'answered'
    WHERE a.id = %s AND a.annotator_id = {me} AND a.state = 'open'
      AND NOT EXISTS (SELECT 1 FROM labelling_vote v WHERE v.assignment_id = a.id)
    RETURNING id
"""
_STORE = """
    INSERT INTO labelling_vote
        (expression, response_ms, device, position, voted_at, assignment_id, revision, is_current)
    SELECT %s, %s, %s, %s, {at}, {assignment}, 1, TRUE {source}
"""
_N_OPEN = "SELECT count(*) FROM labelling_assignment WHERE annotator_id = {me} AND state = 'open'"
_WHOLE = f"""
    WITH me AS ({_ME}), mine AS ({_ANSWER.format(me="(SELECT id FROM me)")})
    {_STORE.format(at="clock_timestamp()", assignment="id", source="FROM mine")}
    RETURNING (SELECT id FROM me), ({_N_OPEN.format(me="(SELECT id FROM me)")}) - 1
"""
"""PostgreSQL's. What is open is counted as it was before, for a statement sees no work of its own.

Of two at once one waits for the other's lock, and then finds the assignment answered."""
_TYPES = {"token": "text, ", "session": "text, text, bigint, text, "}
_NOW = {
    "postgresql": ("statement_timestamp()", "statement_timestamp() - interval '10 minutes'"),
    "sqlite": (
        "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-10 minutes')",
    ),
}


@dataclass(frozen=True)
class Answer:
    """What a person answered, as their browser sent it. ``expression`` is 0–6."""

    expression: int
    revision: int = 1
    response_ms: int | None = None
    device: str = ""
    position: int | None = None


class Plain(NamedTuple):
    """A plain vote that was stored: whose it is, and how many open assignments they have left."""

    membership_id: int
    n_open: int

    @property
    def membership(self) -> Membership:
        return Membership.objects.select_related("project").get(pk=self.membership_id)


def plain_vote(slug: str, assignment_id: int, sender: Proof, answer: Answer) -> Plain | None:
    """Store the answer if the assignment is the sender's, is open and has no vote, else nothing.

    A connection is not tried before it is used: where it is broken nothing is stored, and whoever
    asks next gets a new one.
    """
    if answer.revision != 1:
        return None
    connection.health_check_done = True
    store = _in_one if connection.vendor == "postgresql" else _in_steps
    said = (answer.expression, answer.response_ms, answer.device, answer.position)
    try:
        return store(slug, assignment_id, sender, said)
    except Error:
        if not connection.in_atomic_block:
            connection.close()
        return None


def _in_one(slug: str, assignment_id: int, sender: Proof, said: tuple[Any, ...]) -> Plain | None:
    with connection.cursor() as cursor:
        _prepare(cursor, sender)
        told = (*sender.holds, slug, assignment_id, *said)
        marks = ", ".join(["%s"] * len(told))
        cursor.execute(f"EXECUTE vote_by_{sender.kind}({marks})", told)
        row = cursor.fetchone()
    return None if row is None else Plain(*row)


_prepared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""By connection, the kinds of senders whose statement it has; planning costs more than running."""


def _prepare(cursor: Any, sender: Proof) -> None:
    kinds = _prepared.setdefault(connection.connection, set())
    if sender.kind not in kinds:
        types = f"{_TYPES[sender.kind]}text, bigint, smallint, integer, text, smallint"
        cursor.execute(f"PREPARE vote_by_{sender.kind}({types}) AS {_numbered(sender)}")
        kinds.add(sender.kind)


def _numbered(sender: Proof) -> str:
    """The whole statement with ``$1``, ``$2`` … for its placeholders."""
    parts = _with_join(_WHOLE, sender).split("%s")
    return parts[0] + "".join(f"${i}{part}" for i, part in enumerate(parts[1:], 1))


def _in_steps(slug: str, assignment_id: int, sender: Proof, said: tuple[Any, ...]) -> Plain | None:
    """The same where one statement cannot do it all; SQLite's transactions are alone anyway."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_with_join(_ME, sender), [*sender.holds, slug])
        me = cursor.fetchone()
        if me is None:
            return None
        cursor.execute(_ANSWER.format(me="%s"), [assignment_id, *me])
        if not cursor.fetchall():
            return None
        at = timezone.now().strftime("%Y-%m-%d %H:%M:%S.%f")
        store = _STORE.format(at="%s", assignment="%s", source="")
        cursor.execute(store, [*said, at, assignment_id])
        cursor.execute(_N_OPEN.format(me="%s"), me)
        return Plain(*me, *cursor.fetchone())


def _with_join(sql: str, sender: Proof) -> str:
    now, lately = _NOW[connection.vendor]
    return sql.format(join=sender.join.format(now=now, lately=lately))
