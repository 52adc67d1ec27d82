"""The kinds of background work: which queue does each, and which function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Kind:
    """One kind of job. ``handler`` is a dotted path, so that only its worker imports it."""

    name: str
    title: str
    queue: str
    handler: str

    def load(self) -> Callable[[Any], None]:
        """Import the function that does this work; it takes a ``jobs.services.Claim``."""
        loaded: Callable[[Any], None] = import_string(self.handler)
        return loaded


KINDS = {
    kind.name: kind
    for kind in (
        Kind("import", "Import", "default", "annotation.images.tasks.run_import"),
        Kind("collect", "Collection", "default", "annotation.collecting.tasks.run_collect"),
        Kind("find_faces", "Finding faces", "default", "annotation.faces.tasks.run_find_faces"),
        Kind("design", "Plan of assignments", "default", "annotation.labelling.tasks.run_plan"),
        Kind("estimate", "Estimate", "default", "annotation.estimates.tasks.run_estimate"),
        Kind("plan", "Vote plan", "default", "annotation.estimates.tasks.run_plan"),
        Kind("release", "Release", "default", "annotation.releases.tasks.run_release"),
        Kind("train", "Training", "gpu", "annotation.runs.tasks.run_training"),
    )
}
