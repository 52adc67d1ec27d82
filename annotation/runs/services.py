"""Train: from a release and a recipe to a run folder, by ``training`` on the GPU queue.

Nothing here imports PyTorch; ``run_training`` does, in its body, in the GPU worker only.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from annotation.jobs.services import Claim, JobError, request_job, retry_job
from annotation.people.models import Person, Project
from annotation.releases.models import Release
from annotation.version import code_version

from .models import Run

if TYPE_CHECKING:
    from training.run import Progress

MAX_EPOCHS = 10_000
MAX_SWEEP = 100
"""Runs of one job."""


def request_run(
    project: Project,
    release: Release,
    recipe: str,
    by: Person | None,
    *,
    seed: int = 0,
    epochs: int | None = None,
) -> tuple[Run, bool]:
    """Queue a training. Returns its run and whether it is new (one live job per project)."""
    runs, created = request_sweep(project, release, [recipe], [seed], by, epochs=epochs)
    return runs[0], created


def request_sweep(
    project: Project,
    release: Release,
    recipes: Sequence[str],
    seeds: Sequence[int],
    by: Person | None,
    *,
    epochs: int | None = None,
) -> tuple[list[Run], bool]:
    """Queue a run of every recipe with every seed, as one job; seed by seed.

    Returns the runs and whether they are new: one job of a project trains at a time.
    """
    _check(project, release, recipes, seeds, epochs)
    asked = {"release": release.version, "recipes": recipes, "seeds": seeds, "epochs": epochs}
    with transaction.atomic():
        job, created = request_job(project, "train", asked, by)
        if not created:
            return list(Run.objects.filter(job=job).order_by("number")), False
        first = (project.runs.aggregate(last=Max("number"))["last"] or 0) + 1
        wanted = [(recipe, seed) for seed in seeds for recipe in recipes]
        runs = [
            Run(
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
            for number, (recipe, seed) in enumerate(wanted, start=first)
        ]
        Run.objects.bulk_create(runs)
    return runs, True


def resume_run(run: Run) -> bool:
    """Queue what is left of the run's job again; each goes on after its last whole epoch.

    False where its job has not failed or been cancelled, or another one trains.
    """
    return retry_job(run.job)


def recipes() -> dict[str, str]:
    """The recipes that can be run, each with its one-line description (no PyTorch needed)."""
    from training import recipe

    return recipe.names()


def build_runs(claim: Claim) -> None:
    """Train, judge and export each run of a job; goes on where an earlier attempt stopped.

    A run that cannot be trained keeps its reason, and the runs after it are trained all the same.
    """
    runs = list(Run.objects.filter(job=claim.job).select_related("release").order_by("number"))
    Run.objects.filter(job=claim.job).exclude(error="").update(error="")
    failed = dict[int, str]()
    for i, run in enumerate(runs):
        if run.metrics is None and (error := _build(claim, run, i, len(runs))):
            failed[run.number] = error
            Run.objects.filter(pk=run.pk).update(error=error)
    if failed and len(runs) == 1:
        raise JobError(failed[runs[0].number])
    if failed:
        first, why = next(iter(failed.items()))
        raise JobError(f"{len(failed)} of {len(runs)} runs failed; run {first}: {why}")
    with claim.finishing() as result:
        best = max(runs, key=lambda run: float((run.metrics or {})["mean_diagonal"]))
        mean_diagonal = float((best.metrics or {})["mean_diagonal"])
        result.update(run=best.number, mean_diagonal=mean_diagonal)
        which = "" if len(runs) == 1 else f", the best of {len(runs)} runs"
        result["message"] = f"Mean diagonal {100 * mean_diagonal:.1f} % on the test split{which}"


def _build(claim: Claim, run: Run, place: int, of: int) -> str:
    """Train one run of a job and record it; why it failed, empty where it did not."""
    from training import TrainingError
    from training.run import fit

    if run.release.state == Release.State.WITHDRAWN:
        return f"Release {run.release.version} was withdrawn: {run.release.withdrawn_reason}"
    folder = settings.RUNS_ROOT / run.folder
    name = "" if of == 1 else f"run {run.number} ({place + 1} of {of}): "

    def follow(progress: "Progress") -> None:
        claim.report((place + progress.fraction) / of * 0.999, f"{name}{progress.message}")

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
        return str(error)
    run.metrics, run.files = told.metrics, [_described(folder, n) for n in told.files]
    with transaction.atomic():
        claim.check()  # an attempt that was superseded records nothing
        run.save(update_fields=["metrics", "files"])
    return ""


def _check(
    project: Project,
    release: Release,
    chosen: Sequence[str],
    seeds: Sequence[int],
    epochs: int | None,
) -> None:
    errors, known = {}, recipes()
    if release.project_id != project.pk or release.state != Release.State.PUBLISHED:
        errors["release"] = f"{release.version} is not a published release of this project."
    if unknown := [name for name in chosen if name not in known]:
        errors["recipe"] = f"{unknown[0]!r} is not one of {', '.join(known)}."
    if wrong := [seed for seed in seeds if not 0 <= seed < 2**31]:
        errors["seed"] = f"{wrong[0]} is not between 0 and {2**31 - 1}."
    for field, given in (("recipe", chosen), ("seed", seeds)):
        if not given or len(set(given)) < len(given):
            errors.setdefault(field, "Give at least one, and each only once.")
    if len(chosen) * len(seeds) > MAX_SWEEP:
        errors.setdefault("seed", f"{len(chosen) * len(seeds)} runs; at most {MAX_SWEEP}.")
    if epochs is not None and not 1 <= epochs <= MAX_EPOCHS:
        errors["epochs"] = f"{epochs} is not between 1 and {MAX_EPOCHS}."
    if errors:
        raise ValidationError(errors)


def _described(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": name, "size": path.stat().st_size, "sha256": digest}
