"""What annotators could not label, image by image, and what a curator decides about it.

Excluding takes the image out of the line. Keeping leaves it in; whoever flagged it is not asked
again. Giving back lets them be asked again: it was a face after all. Each can be undone.
"""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.images import services as images
from annotation.images.models import Image
from annotation.people.models import Person, Project

from .models import Assignment, Flag
from .services import UNDECIDED

State = Assignment.State
Decision = Flag.Decision


@dataclass(frozen=True)
class Flagged:
    """An image with the flags that wait on it, and its place in the queue (from 0)."""

    image: Image
    flags: list[Flag]
    place: int
    n_waiting: int

    @property
    def reasons(self) -> dict[str, int]:
        """How many said what, the most frequent first."""
        found: dict[str, int] = {}
        for flag in self.flags:
            found[flag.reason] = found.get(flag.reason, 0) + 1
        return dict(sorted(found.items(), key=lambda one: -one[1]))


def waiting(project: Project) -> QuerySet[Flag]:
    """The flags that no curator has decided, on images that are in the line."""
    return Flag.objects.filter(
        assignment__annotator__project=project,
        assignment__image__state=Image.State.ACTIVE,
        decided_at=None,
    )


def n_images_waiting(project: Project) -> int:
    return waiting(project).aggregate(n=Count("assignment__image", distinct=True))["n"] or 0


def queue(project: Project) -> list[int]:
    """The flagged images' ids: those that most people flagged first, then the oldest."""
    rows = waiting(project).values_list("assignment__image").annotate(n=Count("pk"))
    return [image for image, _ in rows.order_by("-n", "assignment__image")]


def flagged(project: Project, place: int = 0) -> Flagged | None:
    """The image at this place of the queue; the last one beyond its end, None where it is empty."""
    ids = queue(project)
    if not ids:
        return None
    place = min(max(place, 0), len(ids) - 1)
    image = Image.objects.get(pk=ids[place])
    flags = waiting(project).filter(assignment__image=image)
    rows = flags.select_related("assignment__annotator__person").order_by("pk")
    return Flagged(image, list(rows), place, len(ids))


def decide(image: Image, decision: str, by: Person) -> int:
    """Decide on every flag that waits on this image; returns how many there were.

    Raises ``ValidationError`` where none waits: somebody was faster.
    """
    decision = Decision(decision)
    with transaction.atomic():
        rows = Flag.objects.filter(assignment__image=image, decided_at=None)
        flags = list(rows.select_for_update().values_list("pk", "assignment", "reason"))
        if not flags:
            raise ValidationError("Somebody has decided on this image already.")
        Flag.objects.filter(pk__in=[pk for pk, _, _ in flags]).update(
            decided_at=Now(), decision=decision, decided_by=by
        )
        said = ", ".join(sorted({Flag.Reason(reason).label.lower() for _, _, reason in flags}))
        if decision == Decision.EXCLUDE:
            images.exclude(image, f"flagged: {said}")
        if decision == Decision.GIVE_BACK:
            _move([pk for _, pk, _ in flags], State.FLAGGED, State.LAPSED)
        _tell("decided on flags", image, f"{len(flags)} waiting: {said}", decision.label.lower())
    return len(flags)


def reopen(image: Image) -> int:
    """Undo the last decision on an image's flags; returns how many wait again.

    Raises ``ValidationError`` where nothing was decided, or the image is in the line no more for
    another reason.
    """
    with transaction.atomic():
        rows = Flag.objects.filter(assignment__image=image, decided_at__isnull=False)
        decided = list(
            rows.order_by("-decided_at").values("pk", "assignment", "decision", "decided_at")
        )
        flags = [one for one in decided if one["decided_at"] == decided[0]["decided_at"]]
        if not flags:
            raise ValidationError("Nothing was decided on this image.")
        decision = Decision(flags[0]["decision"])
        if decision == Decision.EXCLUDE:
            images.restore(image)
        if decision == Decision.GIVE_BACK:
            _move([one["assignment"] for one in flags], State.LAPSED, State.FLAGGED)
        Flag.objects.filter(pk__in=[one["pk"] for one in flags]).update(**UNDECIDED)
        _tell("took back a decision on flags", image, decision.label.lower(), "waiting")
    return len(flags)


def decided_lately(project: Project, n: int = 6) -> list[Flag]:
    """The last decisions, one flag for each image; with image and decider."""
    rows = Flag.objects.filter(
        assignment__annotator__project=project, decided_at__isnull=False
    ).select_related("assignment__image", "decided_by")
    found: dict[int, Flag] = {}
    for flag in rows.order_by("-decided_at", "-pk")[: 10 * n]:
        found.setdefault(flag.assignment.image_id, flag)
    return list(found.values())[:n]


def _move(assignments: list[int], before: str, after: str) -> None:
    Assignment.objects.filter(pk__in=assignments, state=before).update(state=after)


def _tell(words: str, image: Image, before: str, after: str) -> None:
    subject = f"{image.file_name} ({image.uid})"
    project = image.project_id
    tell(Kind.FLAGS, words, project=project, subject=subject, before=before, after=after)
