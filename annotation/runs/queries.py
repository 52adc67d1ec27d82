"""What may be read of runs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from annotation.images.models import Image
from annotation.people.models import Project
from reliability.expressions import Expression

from .models import Run


def runs_of(project: Project) -> QuerySet[Run]:
    """The project's runs, newest first."""
    before = Run.objects.filter(
        job=OuterRef("job"), number__lt=OuterRef("number"), metrics__isnull=True, error=""
    )
    rows = Run.objects.filter(project=project).select_related("job", "release", "created_by")
    return rows.annotate(waits=Exists(before)).order_by("-number")


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


def sweep_of(run: Run) -> list[Run]:
    """The runs of the same job, oldest first; the run alone where it is no sweep."""
    return list(runs_of(run.project).filter(job=run.job).order_by("number"))


@dataclass(frozen=True)
class Contender:
    """One recipe on one release, over its seeds."""

    recipe: str
    release: str
    epochs: int | None
    runs: list[Run]
    mean_diagonal: tuple[float, float | None]
    """Mean, and half a 95 % Student interval over seeds (None with one seed)."""
    accuracy: float | None
    recalls: dict[str, float | None]
    """Mean recall of each expression, in the paper's order; None without test faces."""
    n_test: int


def comparison(project: Project) -> list[Contender]:
    """Finished runs by release and recipe, newest release first, best recipe first."""
    groups: dict[tuple[int, str, int | None], list[Run]] = {}
    for run in runs_of(project).filter(metrics__isnull=False):
        key = (run.release_id, run.recipe, run.parameters.get("epochs"))
        groups.setdefault(key, []).append(run)
    found = [_contender(runs) for runs in groups.values()]
    newest = {run.release.version: run.release_id for runs in groups.values() for run in runs}
    return sorted(found, key=lambda c: (-newest[c.release], -c.mean_diagonal[0]))


def _contender(runs: list[Run]) -> Contender:
    told = [run.metrics or {} for run in runs]
    return Contender(
        recipe=runs[0].recipe,
        release=runs[0].release.version,
        epochs=runs[0].parameters.get("epochs"),
        runs=runs,
        mean_diagonal=_interval([m["mean_diagonal"] for m in told]),
        accuracy=_mean([m.get("accuracy") for m in told]),
        recalls={
            e.title: _mean([m.get("per_class_recall", {}).get(e.title) for m in told])
            for e in Expression
        },
        n_test=int(told[0].get("n_test", 0)),
    )


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _interval(values: list[float]) -> tuple[float, float | None]:
    """Mean and half a 95 % interval over seeds; a seed trained twice counts twice."""
    from training.metrics import seed_interval

    mean, half = seed_interval(np.array(values))
    return mean, half if np.isfinite(half) else None
