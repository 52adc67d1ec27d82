"""The import as background work."""

from pathlib import Path

from annotation.jobs.services import Claim, JobError, is_disk_full

from . import uploads
from .importing import import_from
from .models import Image
from .sources import BadSource, open_source


def run_import(claim: Claim) -> None:
    """Import the folder, zip or finished upload that the job's parameters name."""
    upload = claim.parameters.get("upload")
    path = uploads.path_of(claim.project.pk, upload) if upload else Path(claim.parameters["path"])
    try:
        source = open_source(path)
        try:
            record = import_from(claim, source, claim.parameters.get("source") or path.name)
        finally:
            source.close()
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


def disk_told(claim: Claim, error: OSError) -> str:
    """What to say when an import ends for want of room, or of a disk."""
    n = Image.objects.filter(imported_in__job=claim.job).count()
    kept = f"{n:,} images are imported whole; retry the job to go on from there."
    if is_disk_full(error):
        return f"The disk is full. {kept}"
    return f"{error.strerror or error}. {kept}"
