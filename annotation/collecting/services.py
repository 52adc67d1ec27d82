"""Collecting: what may be asked for, and the job that searches, fetches and imports."""

import shutil

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.jobs.models import Job
from annotation.jobs.services import request_job
from annotation.people.models import Person, Project

from . import manifest
from .downloading import folder_of
from .models import Collection, Photograph
from .orders import Order
from .searching import ask_again

Door = Collection.Door


def request_collection(project: Project, order: Order, by: Person | None) -> tuple[Job, bool]:
    """Queue a search on Flickr with all that follows; the job and whether it is new."""
    if not settings.FLICKR_API_KEY:
        raise ValidationError(
            "This server has no FLICKR_API_KEY. Get one at flickr.com/services/api/keys and set it."
        )
    name = f"Flickr: {', '.join(order.words)}"[:300]
    with transaction.atomic():
        job, is_new = request_job(project, "collect", {"limit": order.limit}, by)
        if is_new:
            Collection.objects.create(
                job=job, project=project, door=Door.FLICKR, name=name, created_by=by,
                order=order.stored(),
            )  # fmt: skip
    return job, is_new


def request_manifest(
    project: Project, data: bytes, name: str, by: Person | None
) -> tuple[Job, bool]:
    """Queue the fetching of what a manifest names.

    Raises ``ValidationError`` where it cannot be read, with lines and columns. What the project
    has already is not asked for again.
    """
    try:
        lines = manifest.read(data, tuple(settings.COLLECT_HOSTS))
    except manifest.BadManifest as error:
        raise ValidationError({"manifest": f"{name}: {error}"}) from None
    with transaction.atomic():
        job, is_new = request_job(project, "collect", {"manifest": name[:200]}, by)
        if is_new:
            collection = Collection.objects.create(
                job=job, project=project, door=Door.MANIFEST, name=name[:300], created_by=by
            )
            _take(collection, lines)
    return job, is_new


def _take(collection: Collection, lines: list[manifest.Line]) -> None:
    keys = [line.key for line in lines]
    known: set[str] = set()
    n_again = 0
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        found = Photograph.objects.filter(project=collection.project_id, key__in=some)
        known |= set(found.values_list("key", flat=True))
        n_again += ask_again(collection, some)
    Photograph.objects.bulk_create(
        [
            Photograph(
                collection=collection, project_id=collection.project_id, key=line.key,
                url=line.url, file_name=line.file_name, described=line.described,
            )
            for line in lines
            if line.key not in known
        ],
        batch_size=1000,
    )  # fmt: skip
    collection.cursor = {"seen": len(lines), "repeated": len(known) - n_again}
    collection.save(update_fields=["cursor"])


def discard_files(collection: Collection) -> None:
    """Remove what was fetched, once it is imported."""
    shutil.rmtree(folder_of(collection), ignore_errors=True)
