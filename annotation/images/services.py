"""Image writes: asking for an import, excluding and restoring, deciding on near copies."""

from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.jobs.models import Job
from annotation.jobs.services import request_job
from annotation.labelling.services import close_images, open_images
from annotation.people.models import Person, Project

from .models import Image

State = Image.State


def request_import(
    project: Project, path: Path, by: Person | None, *, source: str = ""
) -> tuple[Job, bool]:
    """Queue an import of a folder or zip on the server; the path is read by the worker.

    Returns the job and whether it is new; there is one import at a time in a project.
    """
    if not path.exists():
        raise ValidationError({"path": f"There is no file or folder {path} on the server."})
    parameters = {"path": str(path.resolve()), "source": (source or path.name)[:300]}
    return request_job(project, "import", parameters, by)


def request_upload_import(
    project: Project, upload: str, name: str, by: Person | None
) -> tuple[Job, bool]:
    """Queue an import of a finished upload, which is removed when it has been imported."""
    return request_job(project, "import", {"upload": upload, "source": name[:300]}, by)


def exclude(image: Image, reason: str) -> None:
    """Take an image out of the line, with the reason; its votes stay."""
    if not reason.strip():
        raise ValidationError({"reason": "Say why the image is excluded."})
    if len(reason) > 300:
        raise ValidationError({"reason": "At most 300 signs."})
    with transaction.atomic():
        _set_state(image, State.ACTIVE, State.EXCLUDED, reason.strip())
        close_images([image.pk])
        _tell("took an image out of the line", image, "active", f"excluded: {reason.strip()}")


def restore(image: Image) -> None:
    """Put an excluded image back into the line."""
    with transaction.atomic():
        before = f"excluded: {image.state_reason}"
        _set_state(image, State.EXCLUDED, State.ACTIVE, "")
        open_images(image.project, [image.pk])
        _tell("put an image back into the line", image, before, "active")


def keep_both(image: Image) -> None:
    """A flagged image is no copy after all."""
    with transaction.atomic():
        Image.objects.filter(pk=image.pk).update(near_copy_of=None)
        _tell("kept a near copy beside its twin", image, "near copy", "different")
    image.refresh_from_db()


def _set_state(image: Image, before: str, after: str, reason: str) -> None:
    rows = Image.objects.filter(pk=image.pk, state=before)
    if not rows.update(state=after, state_reason=reason):
        image.refresh_from_db()
        raise ValidationError(f"This image is {image.get_state_display().lower()}.")
    image.refresh_from_db()


def _tell(words: str, image: Image, before: str, after: str) -> None:
    subject = f"{image.file_name} ({image.uid})"
    project = image.project_id
    tell(Kind.IMAGES, words, project=project, subject=subject, before=before, after=after)
