"""What may be read of runs."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from annotation.images.models import Image
from annotation.people.models import Project

from .models import Run


def runs_of(project: Project) -> QuerySet[Run]:
    """The project's runs, newest first."""
    rows = Run.objects.filter(project=project).select_related("job", "release", "created_by")
    return rows.order_by("-number")


def affected_runs(project: Project) -> QuerySet[Run]:
    """The runs whose release held an image that was taken down since."""
    struck = Image.objects.filter(
        state=Image.State.TAKEN_DOWN, released_as__release=OuterRef("release")
    )
    return runs_of(project).filter(Exists(struck))


def latest_run(project: Project) -> Run | None:
    """The newest run that ended well."""
    return runs_of(project).filter(metrics__isnull=False).first()


def folder_of(run: Run) -> Path:
    """Where the run's curves, checkpoints and exports are."""
    folder: Path = settings.RUNS_ROOT / run.folder
    return folder


def file_of(run: Run, path: str) -> dict[str, Any] | None:
    """The recorded file of this relative path; only recorded ones can be downloaded."""
    return next((f for f in run.files if f["path"] == path), None)


def epochs_of(run: Run) -> list[dict[str, Any]]:
    """The lines of ``metrics.jsonl`` so far, for curves while the run goes on."""
    path = folder_of(run) / "metrics.jsonl"
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break  # the line being written at this moment
    return rows
