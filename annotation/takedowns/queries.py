"""What may be read of take-downs: by whoever asked, by curators, by staff."""

from dataclasses import dataclass

from django.db.models import QuerySet

from annotation.people.models import Project

from .models import Match, Request

State = Match.State


@dataclass(frozen=True)
class Outcome:
    """What became of a request, as whoever asked may know it."""

    is_answered: bool
    n_taken_down: int
    notes: tuple[str, ...]


def find_request(reference: str) -> Request | None:
    return Request.objects.filter(reference=reference).first()


def outcome_of(request: Request) -> Outcome:
    """Not a word on what was found before everything is decided: asking must reveal nothing."""
    matches = list(request.matches.all())
    if request.closed_at is not None:
        return Outcome(True, 0, (request.closed_note,))
    if not matches or any(match.state == State.WAITING for match in matches):
        return Outcome(False, 0, ())
    n_gone = sum(match.state == State.TAKEN_DOWN for match in matches)
    return Outcome(True, n_gone, tuple(sorted({match.note for match in matches if match.note})))


def matches_of(project: Project) -> QuerySet[Match]:
    """The images of a project that somebody wants removed, newest first."""
    rows = Match.objects.filter(image__project=project)
    return rows.select_related("request", "image", "decided_by").order_by("-id")


def waiting_in(project: Project) -> QuerySet[Match]:
    """What the curators of a project have to look at."""
    return matches_of(project).filter(state=State.WAITING)


def unmatched() -> QuerySet[Request]:
    """Open requests that no image of the site matched, for the staff."""
    return Request.objects.filter(matches=None, closed_at=None)
