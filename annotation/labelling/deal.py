"""A draw in one statement (PostgreSQL), far from the end of the work, where nothing is special.

It is ``draw`` for the case of nearly every draw: the person has no plan, is nowhere near the end of
their share, and the images with the fewest live assignments are many. It gives what it finds of
those, by the same locks, levels, lots and sources. What it does not find is ``draw``'s affair.
"""

import random
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

from annotation.images.models import Image
from annotation.people.models import Membership

from .models import Assignment
from .room import far_room
from .sources import RECENT, apart

_LOCK = "SELECT 1 FROM labelling_share WHERE annotator_id = $1 FOR UPDATE"
"""A statement of its own: the next one then sees what a draw of the same person did before it."""
_SEEN = """
    SELECT c.image_id, c.source, c.lot, {beyond} AS beyond FROM labelling_coverage c
    WHERE c.project_id = $2 AND c.is_open AND c.n_live < c.target
      AND c.n_live = (SELECT n_live FROM level) AND c.lot {side} $7
      AND (SELECT a.id FROM labelling_assignment a WHERE a.annotator_id = $1
           AND a.image_id = c.image_id AND a.state <> 'lapsed' LIMIT 1) IS NULL
    ORDER BY c.lot LIMIT greatest(coalesce({n}, 0), 0)
"""
_DEAL = f"""
WITH waiting AS (
    SELECT count(*) FILTER (WHERE state = 'open') AS n_open,
           count(*) FILTER (WHERE state = 'planned') AS n_planned
    FROM labelling_assignment WHERE annotator_id = $1 AND state IN ('open', 'planned')
), wanted AS (
    SELECT $3 - n_open AS n FROM waiting, labelling_share s
    WHERE s.annotator_id = $1 AND n_planned = 0 AND n_open <= $4 AND s.n_live + $3 - n_open <= $5
), level AS (
    SELECT n_live FROM labelling_coverage
    WHERE project_id = $2 AND is_open AND n_live < target ORDER BY n_live LIMIT 1
), recent AS (
    SELECT c.source FROM labelling_assignment a
    JOIN labelling_coverage c ON c.image_id = a.image_id
    WHERE a.annotator_id = $1 AND a.state = 'open' AND $6
    ORDER BY a.drawn_at DESC, a.id DESC LIMIT {RECENT}
), ahead AS ({_SEEN.format(side=">=", beyond="0", n="(SELECT 3 * n FROM wanted)")}
), seen AS (
    SELECT * FROM ahead UNION ALL SELECT * FROM ({
    _SEEN.format(
        side="<", beyond="1", n="(SELECT 3 * n - (SELECT count(*) FROM ahead) FROM wanted)"
    )
}) AS around
), chosen AS (
    SELECT image_id FROM (
        SELECT image_id, lot, beyond, $6 AND source <> 0 AND (
            source IN (SELECT source FROM recent)
            OR row_number() OVER (PARTITION BY source ORDER BY beyond, lot) > 1) AS is_met
        FROM seen
    ) AS ranked ORDER BY is_met, beyond, lot LIMIT coalesce((SELECT n FROM wanted), 0)
), held AS (
    SELECT c.image_id FROM labelling_coverage c
    WHERE c.image_id IN (SELECT image_id FROM chosen) AND c.is_open AND c.n_live < c.target
      AND c.n_live = (SELECT n_live FROM level)
    ORDER BY c.image_id FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE labelling_coverage c SET n_live = c.n_live + 1, lot = random()
    FROM held WHERE c.image_id = held.image_id RETURNING c.image_id, c.source
), given AS (
    INSERT INTO labelling_assignment (image_id, annotator_id, state, drawn_at, expires_at)
    SELECT image_id, $1, 'open', statement_timestamp(),
           statement_timestamp() + $8 * interval '1 hour' FROM taken
    ON CONFLICT (annotator_id, image_id) DO UPDATE
    SET state = 'open', drawn_at = EXCLUDED.drawn_at, expires_at = EXCLUDED.expires_at
    RETURNING id, image_id, drawn_at, expires_at
), counted AS (
    UPDATE labelling_share
    SET n_live = n_live + (SELECT count(*) FROM taken), drawn_at = statement_timestamp()
    WHERE annotator_id = $1 AND EXISTS (SELECT 1 FROM taken)
)
SELECT g.id, g.image_id, g.drawn_at, g.expires_at, i.uid, t.source,
       coalesce((SELECT source FROM recent LIMIT 1), 0)
FROM given g JOIN taken t ON t.image_id = g.image_id JOIN images_image i ON i.id = g.image_id
"""
"""``seen`` walks the index of need and lot from a random place, and around where the end comes too
soon: else images of low lots would wait for each level's end, and the last be left to people who
had them. Its inner SELECT stays one for each row, so that the walk ends after a few. The rows are
looked at again once they are locked."""
_TYPES = "bigint, bigint, integer, integer, integer, boolean, double precision, integer"
_TOLD = ("id", "image_id", "annotator_id", "state", "drawn_at", "expires_at")
_prepared: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""The connections that know the two statements."""


def deal(membership: Membership, n: int, low: int) -> list[Assignment]:
    """Fill the person's open assignments up to ``n`` if at most ``low`` are open, or give fewer.

    Nothing where the room was not asked for lately or may not be far from its end.
    """
    room = far_room(membership.project_id)
    if room is None or connection.vendor != "postgresql":
        return []
    limit, spread = room
    hours = membership.project.assignment_hours
    told = (membership.pk, membership.project_id, n, low, limit, spread, random.random(), hours)
    with connection.cursor() as cursor:
        if connection.connection not in _prepared:
            cursor.execute(f"PREPARE lock_share(bigint) AS {_LOCK}")
            cursor.execute(f"PREPARE deal({_TYPES}) AS {_DEAL}")
            _prepared[connection.connection] = True
        marks = ", ".join(["%s"] * len(told))
        cursor.execute(f"EXECUTE lock_share(%s); EXECUTE deal({marks})", [membership.pk, *told])
        rows = cursor.fetchall()
    return _in_order(membership, rows) if rows else []


def _in_order(membership: Membership, rows: list[tuple[Any, ...]]) -> list[Assignment]:
    random.shuffle(rows)
    by_image = {row[1]: _assignment(membership, row) for row in rows}
    sources = {row[1]: row[5] for row in rows}
    order = apart(by_image, sources, rows[0][6]) if any(sources.values()) else list(by_image)
    return [by_image[image] for image in order]


def _assignment(membership: Membership, row: tuple[Any, ...]) -> Assignment:
    pk, image, drawn_at, expires_at, uid, *_ = row
    values = (pk, image, membership.pk, Assignment.State.OPEN, drawn_at, expires_at)
    made = Assignment.from_db(connection.alias, _TOLD, values)
    made.image = Image.from_db(connection.alias, ("id", "uid"), (image, uid))
    return made
