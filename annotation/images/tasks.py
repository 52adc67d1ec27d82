"""The import as background work."""

from pathlib import Path

from annotation.estimates.services import GIVEN, request_estimate
from annotation.jobs.services import Claim, JobError, is_disk_full
from annotation.jobs.tasks import wake

from . import uploads
from .buckets import Bucket
from .importing import import_from
from .labelled import recognised
from .models import GivenLabel, Image, Import
from .sources import BadSource, Source, open_source


def run_import(claim: Claim) -> None:
    """Import the folder, zip, finished upload or part of a bucket that the parameters name."""
    upload = claim.parameters.get("upload")
    try:
        opened = _opened(claim)
        try:
            record = import_from(claim, recognised(opened), claim.parameters["source"])
        finally:
            opened.close()
    except BadSource as error:
        raise JobError(str(error)) from None
    except OSError as error:
        raise JobError(disk_told(claim, error)) from error
    if upload:
        uploads.discard(claim.project.pk, upload)
    claim.log(
        f"{record.n_imported} of {record.n_seen} files imported, {record.n_refused} refused, "
        f"{record.n_flagged} flagged as near copies."
    )
    if GivenLabel.objects.filter(image__imported_in=record).exists():
        _conclude(claim, record)


def _opened(claim: Claim) -> Source:
    told = claim.parameters
    if "bucket" in told:
        return Bucket(told["bucket"])
    upload = told.get("upload")
    return open_source(uploads.path_of(claim.project.pk, upload) if upload else Path(told["path"]))


def _conclude(claim: Claim, record: Import) -> None:
    """Labels came in: ask for the estimate that is made of them."""
    job, created = request_estimate(claim.project, claim.job.created_by, method=GIVEN)
    if created:
        wake(job)
    claim.log(f"Labels came with {record.source}: job {job.pk} makes an estimate of them.")


def disk_told(claim: Claim, error: OSError) -> str:
    """What to say when an import ends for want of room, or of a disk."""
    n = Image.objects.filter(imported_in__job=claim.job).count()
    kept = f"{n:,} images are imported whole; retry the job to go on from there."
    if is_disk_full(error):
        return f"The disk is full. {kept}"
    return f"{error.strerror or error}. {kept}"
