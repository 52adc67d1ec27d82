"""Image writes: asking for an import, excluding and restoring, deciding on near copies."""

from enum import StrEnum
from pathlib import Path

from django.conf import settings
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


class OfTwo(StrEnum):
    """What a curator says of two pictures that look alike."""

    DIFFERENT = "different"
    SAME_PERSON = "same_person"
    DROP_LATER = "drop_later"
    DROP_EARLIER = "drop_earlier"


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


def request_bucket_import(project: Project, prefix: str, by: Person | None) -> tuple[Job, bool]:
    """Queue an import of what lies below ``prefix`` in the server's bucket (``IMPORT_BUCKET``)."""
    if not settings.IMPORT_BUCKET:
        raise ValidationError({"bucket": "This server has no IMPORT_BUCKET; upload a zip instead."})
    if not prefix.isprintable() or len(prefix) > 500 or ".." in prefix.split("/"):
        raise ValidationError({"bucket": "A prefix of at most 500 printable signs, without '..'."})
    source = f"{settings.IMPORT_BUCKET.strip('/')}/{prefix.strip('/')}".strip("/")
    return request_job(project, "import", {"bucket": prefix, "source": source[:300]}, by)


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
        before = image.state
        _set_state(image, (State.ACTIVE, State.HELD), State.EXCLUDED, reason.strip())
        close_images([image.pk])
        _tell("took an image out of the line", image, before, f"excluded: {reason.strip()}")


def restore(image: Image) -> None:
    """Put an excluded image back into the line."""
    with transaction.atomic():
        before = f"excluded: {image.state_reason}"
        _set_state(image, (State.EXCLUDED,), State.ACTIVE, "")
        open_images(image.project, [image.pk])
        _tell("put an image back into the line", image, before, "active")


def decide_copy(image: Image, decision: OfTwo) -> None:
    """What becomes of a flagged image and of the earlier one that it looks like; once.

    Who is dropped is excluded, and can be restored. Both are kept of one person, whose images
    stay in one split of every release. Raises ``ValidationError`` where somebody has decided
    already.
    """
    with transaction.atomic():
        flagged = Image.objects.select_for_update().get(pk=image.pk)
        earlier = flagged.near_copy_of
        if earlier is None:
            raise ValidationError("Somebody has decided on these two already.")
        if decision == OfTwo.DROP_LATER:
            exclude(flagged, f"near copy of {earlier.file_name}"[:300])
        elif decision == OfTwo.DROP_EARLIER:
            exclude(earlier, f"near copy of {flagged.file_name}"[:300])
        else:
            if decision == OfTwo.SAME_PERSON:
                _name_alike(earlier, flagged)
            after = decision.value.replace("_", " ")
            _tell("kept a near copy beside its twin", flagged, "near copy", after)
        Image.objects.filter(pk=flagged.pk).update(near_copy_of=None)


def _name_alike(earlier: Image, later: Image) -> None:
    """Both show one person: the name that one has, else a new one; theirs who had the other's."""
    names = [one.provenance.get("subject") for one in (earlier, later)]
    name = names[0] or names[1] or f"as in {earlier.uid}"
    alike = [earlier, later]
    if names[1] and names[1] != name:
        rows = Image.objects.filter(project=later.project_id, provenance__subject=names[1])
        alike += list(rows.exclude(pk=later.pk))
    for one in alike:
        one.provenance = {**one.provenance, "subject": name}
    Image.objects.bulk_update(alike, ["provenance"])


def _set_state(image: Image, before: tuple[str, ...], after: str, reason: str) -> None:
    rows = Image.objects.filter(pk=image.pk, state__in=before)
    if not rows.update(state=after, state_reason=reason):
        image.refresh_from_db()
        raise ValidationError(f"This image is {image.get_state_display().lower()}.")
    image.refresh_from_db()


def _tell(words: str, image: Image, before: str, after: str) -> None:
    subject = f"{image.file_name} ({image.uid})"
    project = image.project_id
    tell(Kind.IMAGES, words, project=project, subject=subject, before=before, after=after)
