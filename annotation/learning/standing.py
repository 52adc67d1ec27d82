"""What a person is told of their own work: pace, known faces, repeats, agreement with others."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from statistics import median

from django.utils import timezone

from annotation.estimates.queries import history_of
from annotation.labelling.models import Vote
from annotation.people.models import Membership

from .queries import Scores, scores_of

RECENT = 200
"""The pace is that of so many last answers."""
ENOUGH_VOTES = 100
WIDEST = 0.25
"""With fewer votes, or a standard error of the reliability above this, it is too early to tell."""


class Agreement(Enum):
    """How somebody's answers stand to the crowd's, as far as that can be said."""

    UNKNOWN = "unknown"
    HIGH = "high"
    FAIR = "fair"
    LOW = "low"


@dataclass(frozen=True)
class Standing:
    """``pace_s`` is the median time per face; ``scores`` and below are None where not told."""

    pace_s: float | None
    n_today: int
    n_week: int
    scores: Scores | None
    agreement: Agreement | None
    accuracy: float | None


def standing_of(membership: Membership) -> Standing:
    """This person's work in numbers; its quality only where the project shows it to them."""
    votes = Vote.objects.filter(is_current=True, assignment__annotator=membership)
    timed = votes.filter(response_ms__isnull=False).order_by("-pk")
    times = list(timed.values_list("response_ms", flat=True)[:RECENT])
    now = timezone.now()
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    shows = membership.project.shows_own_quality
    agreement, accuracy = _agreement(membership) if shows else (None, None)
    return Standing(
        pace_s=median(times) / 1000 if times else None,
        n_today=votes.filter(voted_at__gte=today).count(),
        n_week=votes.filter(voted_at__gte=now - timedelta(days=7)).count(),
        scores=scores_of(membership) if shows else None,
        agreement=agreement,
        accuracy=accuracy,
    )


def _agreement(membership: Membership) -> tuple[Agreement, float | None]:
    """By the last estimate. Nobody is judged on a wide interval."""
    row = history_of(membership).last()
    if row is None or row.n_votes < ENOUGH_VOTES or row.std_error > WIDEST:
        return Agreement.UNKNOWN, None
    if row.reliability - 2 * row.std_error > 1:
        return Agreement.HIGH, row.accuracy
    if row.reliability + 2 * row.std_error < 0.5:
        return Agreement.LOW, row.accuracy
    return Agreement.FAIR, row.accuracy
