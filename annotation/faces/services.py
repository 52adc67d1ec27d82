"""Faces: asking that they be found, and deciding where that was in doubt."""

import io

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image as Pillow

from annotation.audit.models import Kind as Log
from annotation.audit.services import tell
from annotation.images.models import Image
from annotation.images.services import exclude
from annotation.jobs.models import Job
from annotation.jobs.services import request_job
from annotation.people.models import Person, Project

from .finding import let_in, place, waiting
from .marking import unmarked
from .models import Finding

Decision = Finding.Decision
Kind = Finding.Kind


def request_faces(project: Project, by: Person | None, *, again: bool = False) -> tuple[Job, bool]:
    """Queue a search for faces in every image that waits for it; the job and whether it is new.

    ``again`` looks a second time where no good face was found and nobody has decided: with another
    detector, say.
    """
    undecided = Finding.objects.filter(image__project=project, decision="")
    doubtful = undecided.filter(kind__in=[Kind.NONE, Kind.SMALL, Kind.BLURRED])
    is_due = waiting(project).exists() or unmarked(project).exists()
    if not is_due and not (again and doubtful.exists()):
        raise ValidationError("No image waits for a search: all have a box, or were looked at.")
    with transaction.atomic():
        job, is_new = request_job(project, "find_faces", {"again": again}, by)
        if is_new and again:
            doubtful.delete()
    return job, is_new


def decide(finding: Finding, decision: str, by: Person) -> None:
    """Take the image as it is, or leave it out; once.

    Taking one of several keeps all its faces, leaving it out excludes them all. Raises
    ``ValidationError`` where somebody has decided already.
    """
    with transaction.atomic():
        changed = Finding.objects.filter(pk=finding.pk, decision="").update(
            decision=Decision(decision), decided_by=by
        )
        if not changed:
            raise ValidationError("Somebody has decided on this photograph already.")
        if finding.kind == Kind.SEVERAL:
            if decision == Decision.LEFT_OUT:
                _exclude_parts(finding.image)
        elif decision == Decision.TAKEN:
            _take(finding)
        else:
            _leave_out(finding)
        words = f"decided on a photograph in doubt ({finding.get_kind_display().lower()})"
        image = finding.image
        tell(Log.FACES, words, project=image.project_id, subject=image.file_name, after=decision)
    finding.refresh_from_db()


def _take(finding: Finding) -> None:
    """As it is, with the surest face that was seen, if any."""
    image = finding.image
    if finding.faces and image.box is None:
        with default_storage.open(image.stored_as()) as file:
            stored = file.read()
        with Pillow.open(io.BytesIO(stored), formats=("JPEG", "PNG", "WEBP")) as opened:
            place(image, finding.faces[0], stored, opened.convert("RGB"))
    let_in(image)


def _leave_out(finding: Finding) -> None:
    reason = f"{finding.get_kind_display().lower()} in it"
    told = {Kind.SMALL: "its face is too small", Kind.BLURRED: "its face is too blurred"}
    reason = told.get(Kind(finding.kind), reason)
    exclude(finding.image, reason)


def _exclude_parts(photograph: Image) -> None:
    parts = Image.objects.filter(
        project=photograph.project_id,
        provenance__face_of=str(photograph.uid),
        state=Image.State.ACTIVE,
    )
    for part in parts:
        exclude(part, "its photograph shows several faces and was left out")
