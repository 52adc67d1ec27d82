"""Finding faces as background work."""

from annotation.images.tasks import disk_told
from annotation.jobs.services import Claim, JobError

from .finding import find_faces
from .marking import Unusable


def run_find_faces(claim: Claim) -> None:
    """Look for faces in every image that waits for it; a retry goes on with the rest."""
    try:
        find_faces(claim)
    except (FileNotFoundError, Unusable) as error:
        raise JobError(f"{error}") from None
    except OSError as error:
        raise JobError(disk_told(claim, error)) from error
