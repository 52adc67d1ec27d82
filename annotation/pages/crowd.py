"""The table of a project's people: what they did, how well, and where they stand; in any order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotation.estimates.models import AnnotatorEstimate, Estimate
from annotation.estimates.queries import latest_estimate
from annotation.labelling import watch
from annotation.labelling.queries import people_at_work
from annotation.labelling.room import AWAY_AFTER, room_of
from annotation.learning.queries import NO_SCORES, Scores, scores_in
from annotation.people.models import Membership, Project, Role

WIDE = 0.25
"""A standard error above this, an interval of more than ±0.5 where most people are near 1, judges
nobody yet."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One member; work and quality are an annotator's."""

    member: Membership
    n_votes: int
    n_week: int
    share: int
    last: datetime | None
    estimate: AnnotatorEstimate | None
    scores: Scores

    @property
    def state(self) -> str:
        """Where this person stands, in one word; also what the filter knows."""
        if not self.member.is_active:
            return "inactive"
        if self.member.role != Role.ANNOTATOR:
            return "active"
        if self.estimate and not self.estimate.kept:
            return "removed"
        if self.estimate and self.is_wide:
            return "unsure"
        if not self.n_votes:
            return "waiting"
        if self.last and timezone.now() - self.last > AWAY_AFTER:
            return "away"
        return "kept" if self.estimate else "active"

    @property
    def is_wide(self) -> bool:
        return self.estimate is not None and self.estimate.std_error > WIDE


STATES = {
    "active": _("at work"),
    "kept": _("kept"),
    "removed": _("left out by the screening"),
    "unsure": _("too few votes to judge"),
    "waiting": _("has not begun"),
    "away": _("away for a week"),
    "inactive": _("excluded or gone"),
}
COLUMNS: dict[str, Callable[[Row], Any]] = {
    "code": lambda row: row.member.code,
    "name": lambda row: str(row.member.person).casefold(),
    "role": lambda row: (row.member.role, row.member.code),
    "votes": lambda row: row.n_votes,
    "week": lambda row: row.n_week,
    "last": lambda row: row.last or LONG_AGO,
    "reliability": lambda row: row.estimate.reliability if row.estimate else float("-inf"),
    "known": lambda row: row.scores.gold.share if row.scores.gold.n else float("-inf"),
    "state": lambda row: list(STATES).index(row.state),
}
"""What one may sort by; a minus before it turns the order round."""


@dataclass(frozen=True)
class Crowd:
    """The rows that were asked for, and what was asked."""

    rows: list[Row]
    n_all: int
    sort: str
    chosen: dict[str, str]
    counts: dict[str, int] = field(default_factory=dict)
    """How many annotators stand where."""
    estimate: Estimate | None = None

    @property
    def is_filtered(self) -> bool:
        return any(self.chosen.values())

    @property
    def states(self) -> list[tuple[str, Any, int]]:
        return [(name, word, self.counts.get(name, 0)) for name, word in STATES.items()]


def crowd_of(project: Project, asked: Mapping[str, str]) -> Crowd:
    """Everybody of a project as ``asked``: ``role``, ``state``, ``q`` (code or name), ``sort``.

    A handful of queries however many people and votes there are.
    """
    last = latest_estimate(project)
    rows = _rows(project, last)
    chosen = {name: asked.get(name, "")[:100] for name in ("role", "state", "q")}
    wanted = chosen["q"].casefold().strip()
    shown = [
        row
        for row in rows
        if chosen["role"] in ("", row.member.role)
        and chosen["state"] in ("", row.state)
        and (wanted in row.member.code.casefold() or wanted in str(row.member.person).casefold())
    ]
    sort = asked.get("sort", "role")
    key = COLUMNS.get(sort.removeprefix("-"))
    if key is None:
        sort, key = "role", COLUMNS["role"]
    shown.sort(key=lambda row: row.member.code)
    shown.sort(key=key, reverse=sort.startswith("-"))
    counts: dict[str, int] = {}
    for row in rows:
        if row.member.role == Role.ANNOTATOR:
            counts[row.state] = counts.get(row.state, 0) + 1
    return Crowd(shown, len(rows), sort, chosen, counts, last)


def _rows(project: Project, last: Estimate | None) -> list[Row]:
    at_work = people_at_work(project)
    week = watch.votes_this_week(project, timezone.now())
    judged = {r.annotator_id: r for r in last.annotators.all()} if last else {}
    scores = scores_in(project)
    share = room_of(project).share
    members = project.memberships.select_related("person")
    return [
        Row(
            member=m,
            n_votes=at_work.get(m.pk, {}).get("n_votes", 0),
            n_week=week.get(m.pk, 0),
            share=share if m.role == Role.ANNOTATOR else 0,
            last=at_work.get(m.pk, {}).get("last"),
            estimate=judged.get(m.pk),
            scores=scores.get(m.pk, NO_SCORES),
        )
        for m in members
    ]
