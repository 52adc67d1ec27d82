"""Train: from a release and a recipe to a run folder, by ``training`` on the GPU queue.

Nothing here imports PyTorch; ``run_training`` does, in its body, in the GPU worker only.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from annotation.jobs.services import Claim, JobError, request_job
from annotation.people.models import Person, Project
from annotation.releases.models import Release
from annotation.version import code_version

from .models import Run

if TYPE_CHECKING:
    from training.run import Progress

MAX_EPOCHS = 10_000


def request_run(
    project: Project,
    release: Release,
    recipe: str,
    by: Person | None,
    *,
    seed: int = 0,
    epochs: int | None = None,
) -> tuple[Run, bool]:
    """Queue a training. Returns its run and whether it is new (one live run per project)."""
    _check(project, release, recipe, seed, epochs)
    with transaction.atomic():
        parameters = {"release": release.version, "recipe": recipe, "seed": seed, "epochs": epochs}
        job, created = request_job(project, "train", parameters, by)
        if not created:
            return Run.objects.get(job=job), False
        number = (project.runs.aggregate(last=Max("number"))["last"] or 0) + 1
        run = Run.objects.create(
            project=project,
            number=number,
            release=release,
            job=job,
            recipe=recipe,
            parameters={"epochs": epochs},
            seed=seed,
            code_version=code_version(),
            folder=f"{project.slug}/{number:04d}",
            created_by=by,
        )
    return run, True


def recipes() -> dict[str, str]:
    """The recipes that can be run, each with its one-line description (no PyTorch needed)."""
    from training import recipe

    return recipe.names()


def build_run(claim: Claim) -> None:
    """Train, evaluate and export; resumes what an earlier attempt left in the run's folder."""
    from training import TrainingError
    from training.run import fit

    run = Run.objects.select_related("release").get(job=claim.job)
    if run.release.state == Release.State.WITHDRAWN:
        why = run.release.withdrawn_reason
        raise JobError(f"Release {run.release.version} was withdrawn: {why}")

    def follow(progress: "Progress") -> None:
        claim.report(progress.fraction, progress.message)

    folder = settings.RUNS_ROOT / run.folder
    try:
        told = fit(
            settings.RELEASES_ROOT / run.release.folder,
            run.recipe,
            folder,
            seed=run.seed,
            epochs=run.parameters.get("epochs"),
            progress=follow,
        )
    except TrainingError as error:
        raise JobError(str(error)) from error
    files = [_described(folder, name) for name in told.files]
    with claim.finishing() as result:
        run.metrics = told.metrics
        run.files = files
        run.save(update_fields=["metrics", "files"])
        mean_diagonal = told.metrics["mean_diagonal"]
        result.update(run=run.number, mean_diagonal=mean_diagonal)
        result["message"] = f"Mean diagonal {100 * mean_diagonal:.1f} % on the test split"


def _check(project: Project, release: Release, recipe: str, seed: int, epochs: int | None) -> None:
    errors = {}
    known = recipes()
    if release.project_id != project.pk or release.state != Release.State.PUBLISHED:
        errors["release"] = f"{release.version} is not a published release of this project."
    if recipe not in known:
        errors["recipe"] = f"{recipe!r} is not one of {', '.join(known)}."
    if not 0 <= seed < 2**31:
        errors["seed"] = f"{seed} is not between 0 and {2**31 - 1}."
    if epochs is not None and not 1 <= epochs <= MAX_EPOCHS:
        errors["epochs"] = f"{epochs} is not between 1 and {MAX_EPOCHS}."
    if errors:
        raise ValidationError(errors)


def _described(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": name, "size": path.stat().st_size, "sha256": digest}
