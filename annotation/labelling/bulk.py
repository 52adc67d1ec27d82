"""Many votes at once: whole designs drawn together, and votes that were collected elsewhere.

Every constraint holds here as it does for one vote. Rows go through a temporary table, so that
the database itself meets them with what it has; a block of rows is one transaction.
"""

import io
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from django.db import IntegrityError, connection, transaction

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.people.models import Membership, Project, Role
from reliability.expressions import N_EXPRESSIONS

from .errors import VotesRefused
from .models import Coverage, Share
from .pulse import take_pulse
from .tables import read_votes

Integers = np.ndarray[Any, np.dtype[np.integer[Any]]]
Report = Callable[[float, str], None]
BLOCK = 100_000
"""Votes per transaction: other writers wait two or three seconds at most."""


def record_votes_bulk(
    project: Project,
    *,
    image_ids: Integers,
    annotator_ids: Integers,
    expressions: Integers,
    response_ms: Integers | None = None,
    voted_at: list[str] | None = None,
    report: Report = lambda fraction, message: None,
) -> int:
    """Store votes given as arrays of one length; returns how many were new.

    ``annotator_ids`` are memberships, ``expressions`` 0–6. A vote that is stored already with the
    same expression is passed over, so that a call that was cut off can be made again. Raises
    ``VotesRefused`` where a vote contradicts a stored one, names a stranger or exceeds a target;
    the block with that vote is not stored, blocks before it are.
    """
    columns = _checked(image_ids, annotator_ids, expressions, response_ms, voted_at)
    n_votes = len(columns[0])
    order = np.lexsort((columns[1], columns[0]))  # neighbours in the indices are written together
    n_new = 0
    for start in range(0, n_votes, BLOCK):
        block = order[start : start + BLOCK]
        rows = list(zip(*(_listed(c, block) for c in columns), strict=True))
        n_new += _store_block(project, rows)
        report((start + len(block)) / n_votes, f"{start + len(block):,} of {n_votes:,} votes")
    take_pulse(project)
    return n_new


def plan(
    project: Project, memberships: list[Membership], rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Draw the whole design at once, both margins exact: ``(image_ids, annotator_ids)``.

    Every open image gets its ``target_votes`` distinct annotators at random; loads differ by at
    most one. Both arrays have shape ``(n_images × target_votes,)`` and run image by image, images
    in random order. Nothing is written: ``record_votes_bulk`` stores what comes of it.
    """
    images = np.array(
        list(
            Coverage.objects.filter(project=project, is_open=True)
            .order_by("pk")
            .values_list("pk", flat=True)
        ),
        dtype=np.int64,
    )
    people = np.array([m.pk for m in memberships], dtype=np.int64)
    chosen = design(len(images), len(people), project.target_votes, rng)
    return np.repeat(rng.permutation(images), project.target_votes), people[chosen.ravel()]


def design(n_images: int, n_people: int, target: int, rng: np.random.Generator) -> Integers:
    """``(n_images, target)`` distinct people per row, each as often as any other, or once more.

    Slots are dealt at random and doubles in a row are swapped away, as in the configuration model
    of random graphs. Where most people see an image, those who do not are dealt instead.
    """
    if not 0 < target <= n_people:
        raise ValueError(f"target: {target} distinct people cannot be drawn from {n_people}")
    if 2 * target > n_people:
        left_out = _deal(n_images, n_people, n_people - target, rng)
        seen = np.ones((n_images, n_people), dtype=bool)
        np.put_along_axis(seen, left_out, False, axis=1)
        return np.nonzero(seen)[1].reshape(n_images, target)
    return _deal(n_images, n_people, target, rng)


def import_votes(project: Project, stream: IO[bytes], report: Report = lambda f, m: None) -> int:
    """Store votes of a ``votes.csv`` collected elsewhere; returns how many were new.

    Items are an image's uid or file name, annotators a code of this project; the optional columns
    are taken over. Raises ``VotesRefused`` naming line, column and value.
    """
    votes = read_votes(project, stream)
    n_new = record_votes_bulk(
        project,
        image_ids=votes.image_ids,
        annotator_ids=votes.annotator_ids,
        expressions=votes.expressions,
        response_ms=votes.response_ms,
        voted_at=votes.voted_at,
        report=report,
    )
    tell(Kind.VOTES, f"brought in a table of votes; {n_new:,} were new", project=project)
    return n_new


def _deal(n_images: int, n_people: int, per_image: int, rng: np.random.Generator) -> Integers:
    n_slots = n_images * per_image
    if not n_slots:
        return np.zeros((n_images, 0), dtype=np.int64)
    deck = np.concatenate([rng.permutation(n_people) for _ in range(-(-n_slots // n_people))])[
        :n_slots
    ]
    rows = rng.permutation(deck).reshape(n_images, per_image)
    counts = np.zeros((n_images, n_people), dtype=np.int16)
    np.add.at(counts, (np.arange(n_images)[:, None], rows), 1)
    for i, j in _doubles(rows):
        while counts[i, rows[i, j]] > 1:
            k, m = int(rng.integers(n_images)), int(rng.integers(per_image))
            mine, theirs = rows[i, j], rows[k, m]
            if counts[i, theirs] or counts[k, mine]:
                continue
            rows[i, j], rows[k, m] = theirs, mine
            counts[i, mine] -= 1
            counts[i, theirs] += 1
            counts[k, theirs] -= 1
            counts[k, mine] += 1
    return rows


def _doubles(rows: Integers) -> Iterator[tuple[int, int]]:
    """Places whose person stands elsewhere in the same row too."""
    order = np.argsort(rows, axis=1, kind="stable")
    ranked = np.take_along_axis(rows, order, axis=1)
    i, j = np.nonzero(ranked[:, 1:] == ranked[:, :-1])
    return zip(i.tolist(), order[i, j + 1].tolist(), strict=True)


def _checked(
    image_ids: Integers,
    annotator_ids: Integers,
    expressions: Integers,
    response_ms: Integers | None,
    voted_at: list[str] | None,
) -> tuple[Any, ...]:
    columns = (image_ids, annotator_ids, expressions, response_ms, voted_at)
    lengths = {len(c) for c in columns if c is not None}
    if len(lengths) != 1:
        raise VotesRefused(f"The columns have different lengths: {sorted(lengths)}.")
    for name, column in zip(("image_ids", "annotator_ids", "expressions"), columns, strict=False):
        if not np.issubdtype(np.asarray(column).dtype, np.integer):
            raise VotesRefused(f"{name}: expected integers, got {np.asarray(column).dtype}.")
    wrong = np.flatnonzero((expressions < 0) | (expressions >= N_EXPRESSIONS))
    if len(wrong):
        raise VotesRefused(
            f"expressions: {expressions[wrong[0]]} at {wrong[0]} is not between 0 and 6."
        )
    return columns


def _listed(column: Any, block: Integers) -> list[Any]:
    if column is None:
        return [None] * len(block)
    if isinstance(column, list):
        return [column[i] for i in block.tolist()]
    listed: list[Any] = np.asarray(column)[block].tolist()
    return listed


def _store_block(project: Project, rows: list[tuple[Any, ...]]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        _stage(cursor, rows)
        _refuse_bad(cursor, project)
        try:
            with transaction.atomic():
                n_new = _insert(cursor, project)
        except IntegrityError as error:
            raise VotesRefused(_told(error)) from error
        cursor.execute("DROP TABLE incoming")
        return n_new


def _stage(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    cursor.execute(
        "CREATE TEMPORARY TABLE incoming (image_id bigint NOT NULL, annotator_id bigint NOT NULL,"
        " expression smallint NOT NULL, response_ms integer, voted_at varchar(40))"
    )
    if connection.vendor == "postgresql":
        _copy(cursor, rows)
    else:
        cursor.executemany("INSERT INTO incoming VALUES (%s, %s, %s, %s, %s)", rows)
    cursor.execute("CREATE UNIQUE INDEX incoming_key ON incoming (annotator_id, image_id)")
    if connection.vendor == "postgresql":
        cursor.execute("ANALYZE incoming")


def _copy(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    lines = ("\t".join("\\N" if v is None else str(v) for v in row) for row in rows)
    cursor.copy_expert("COPY incoming FROM STDIN", io.StringIO("\n".join(lines) + "\n"))


def _refuse_bad(cursor: Any, project: Project) -> None:
    """Name the first vote that may not be stored, and why."""
    for sql, parameters, why in (
        (
            "SELECT i.annotator_id, i.image_id FROM incoming i LEFT JOIN people_membership m"
            " ON m.id = i.annotator_id AND m.project_id = %s AND m.role = %s"
            " WHERE m.id IS NULL LIMIT 1",
            [project.pk, Role.ANNOTATOR],
            "annotator {0} is not an annotator of this project",
        ),
        (
            "SELECT i.annotator_id, i.image_id FROM incoming i LEFT JOIN labelling_coverage c"
            " ON c.image_id = i.image_id AND c.project_id = %s AND c.is_open"
            " WHERE c.image_id IS NULL LIMIT 1",
            [project.pk],
            "image {1} is not labelled in this project",
        ),
        (
            f"SELECT i.annotator_id, i.image_id {_STORED} AND v.expression <> i.expression LIMIT 1",
            [],
            "annotator {0} has a different vote on image {1} already",
        ),
        (
            "SELECT i.annotator_id, i.image_id FROM incoming i JOIN labelling_assignment a"
            " ON a.annotator_id = i.annotator_id AND a.image_id = i.image_id"
            " WHERE a.state IN ('flagged', 'withdrawn') LIMIT 1",
            [],
            "the assignment of image {1} to annotator {0} was flagged or withdrawn",
        ),
    ):
        cursor.execute(sql, parameters)
        found = cursor.fetchone()
        if found:
            raise VotesRefused(f"Nothing of this block is stored: {why.format(*found)}.")


_STORED = (
    "FROM incoming i JOIN labelling_assignment a"
    " ON a.annotator_id = i.annotator_id AND a.image_id = i.image_id"
    " JOIN labelling_vote v ON v.assignment_id = a.id AND v.is_current WHERE TRUE"
)
_PLACES = (
    "FROM incoming i WHERE NOT EXISTS (SELECT 1 FROM labelling_assignment a"
    " WHERE a.annotator_id = i.annotator_id AND a.image_id = i.image_id"
    " AND a.state IN ('planned', 'open', 'answered'))"
)
"""The incoming votes that need a place of their own: nothing live is there yet."""


def _insert(cursor: Any, project: Project) -> int:
    """Shares, places, assignments, votes, in the order in which everybody locks."""
    now = "now()" if connection.vendor == "postgresql" else "strftime('%%Y-%%m-%%d %%H:%%M:%%f')"
    chance = "random()"
    if connection.vendor == "sqlite":
        chance = "random() / 18446744073709551616.0 + 0.5"  # its random() is a signed integer
    given = "CAST(i.voted_at AS timestamptz)" if connection.vendor == "postgresql" else "i.voted_at"
    cursor.execute(
        "DELETE FROM incoming WHERE EXISTS (SELECT 1 FROM labelling_assignment a"
        " JOIN labelling_vote v ON v.assignment_id = a.id AND v.is_current"
        " WHERE a.annotator_id = incoming.annotator_id AND a.image_id = incoming.image_id)"
    )
    _count_shares(cursor, project)
    cursor.execute(
        f"UPDATE labelling_coverage SET n_live = n_live + p.n, lot = {chance}"
        f" FROM (SELECT i.image_id AS image_id, count(*) AS n {_PLACES} GROUP BY i.image_id) AS p"
        " WHERE labelling_coverage.image_id = p.image_id"
    )
    cursor.execute(
        "INSERT INTO labelling_assignment (image_id, annotator_id, state, drawn_at, expires_at)"
        f" SELECT i.image_id, i.annotator_id, 'answered', {now}, {now} FROM incoming i WHERE TRUE"
        " ON CONFLICT (annotator_id, image_id) DO UPDATE SET state = 'answered'",
        [],
    )
    cursor.execute(
        "INSERT INTO labelling_vote (assignment_id, expression, revision, is_current, voted_at,"
        " response_ms, device, position)"
        " SELECT a.id, i.expression, 1 + coalesce((SELECT max(v.revision) FROM labelling_vote v"
        f" WHERE v.assignment_id = a.id), 0), TRUE, coalesce({given}, {now}), i.response_ms, '',"
        " NULL FROM incoming i JOIN labelling_assignment a"
        " ON a.annotator_id = i.annotator_id AND a.image_id = i.image_id",
        [],
    )
    return int(cursor.rowcount)


def _count_shares(cursor: Any, project: Project) -> None:
    cursor.execute(f"SELECT i.annotator_id, count(*) {_PLACES} GROUP BY i.annotator_id")
    needed = dict(cursor.fetchall())
    Share.objects.bulk_create(
        [Share(annotator_id=pk, project=project) for pk in sorted(needed)], ignore_conflicts=True
    )
    held = Share.objects.filter(pk__in=needed).order_by("pk").select_for_update()
    shares = list(held)
    for share in shares:
        share.n_live += needed[share.pk]
    Share.objects.bulk_update(shares, ["n_live"])


def _told(error: IntegrityError) -> str:
    if "live_within_target" in str(error):
        return "Nothing of this block is stored: an image would have more votes than its target."
    return f"Nothing of this block is stored: {error}"
