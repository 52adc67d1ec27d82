"""Where the next estimate begins: at the end of the last one, for whom and what both know."""

from pathlib import Path

import reliability
from annotation.people.models import Project
from reliability import start

from .frozen import FrozenVotes, places
from .models import Estimate
from .queries import estimates_of, folder_of

NAME = "start.npz"


def leave(folder: Path, frozen: FrozenVotes, fit: reliability.Estimate) -> None:
    """Write beside the tables where a later estimate may begin; only the paper's model asks."""
    if fit.optimum is None:
        return
    reliability.start_after(fit).save(
        folder / NAME, image_ids=frozen.image_ids, annotator_ids=frozen.annotator_ids
    )


def last_of(project: Project, method: str) -> Estimate | None:
    """The last estimate by this method, if its folder still says where it ended."""
    last = estimates_of(project).filter(method=method).first()
    return last if last is not None and (folder_of(last) / NAME).is_file() else None


def take(last: Estimate | None, frozen: FrozenVotes) -> reliability.Start | None:
    """The end of an earlier estimate in the order of these votes."""
    if last is None:
        return None
    found, ids = start.load(folder_of(last) / NAME)
    return found.renumbered(
        places(ids["annotator_ids"], frozen.annotator_ids),
        places(ids["image_ids"], frozen.image_ids),
    )
