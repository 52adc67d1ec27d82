"""A run: one execution of a recipe on a release, from reading it to the exported network.

The run folder::

    recipe.toml  run.json           what was asked for; run.json guards against mixing runs
    metrics.jsonl events.out.tfev…  one line per epoch; the same for TensorBoard
    checkpoints/                    to resume from: the last two epochs and the best weights
    figures/curves.svg confusion.svg
    predictions.csv                 the test faces: name, true, predicted, probabilities
    model.safetensors model.onnx model.pt2 model-card.md
    report.json                     written last: a folder that has it is finished
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from training import batches, checkpoint, data, events, export, metrics, plots, results, votes
from training import recipe as recipes
from training.card import model_card
from training.checkpoint import Checkpoint
from training.checks import check_classes
from training.data import Faces, Release
from training.errors import TrainingError
from training.loop import Trainer
from training.machine import choose_device, code_version, out_of_memory
from training.objective import START_RELIABILITY
from training.recipe import Recipe, Target
from training.storage import is_disk_full, write_json, write_text
from training.team import Team, join

MIN_PROGRESS_S = 0.25  # a page is not redrawn more often, and a database not asked more often
MIN_CURVES_S = 5.0  # drawing the curves can take longer than a small epoch


@dataclass(frozen=True)
class Progress:
    """Where a run stands: ``fraction`` 0–1, a line for people, and the last epoch's numbers."""

    fraction: float
    message: str
    epoch: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunReport:
    """What a finished run gives: numbers, and its files relative to the run folder."""

    metrics: dict[str, Any]
    files: list[str]
    class_names: list[str]
    warnings: list[str]


class _Clock:
    """Hands progress to the caller now and then; the caller may raise to stop the run."""

    def __init__(self, callback: Callable[[Progress], None] | None) -> None:
        self.callback, self.last = callback, 0.0
        self.epoch, self.metrics = 0, dict[str, Any]()

    def tell(self, fraction: float, message: str, *, now: bool = True) -> None:
        """Report; with ``now`` false only when the last report is a while ago."""
        due = now or time.monotonic() - self.last >= MIN_PROGRESS_S
        if self.callback and due:
            self.last = time.monotonic()
            self.callback(Progress(min(fraction, 1.0), message, self.epoch, self.metrics))


def fit(
    release: Path,
    recipe: str,
    out: Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    device: str = "auto",
    resume: bool = True,
    overrides: dict[str, object] | None = None,
    exports: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Train a recipe on a release folder and export the network into ``out``.

    With ``resume`` a stopped run goes on after its last whole epoch, a finished one returns its
    report at once, and a folder of another run is refused. Without it, ``out`` must hold no run.
    Without ``exports`` only ``model.safetensors`` is written, from which the others can be made.
    ``progress`` is called a few times a second; an exception that it raises stops the run, passes
    through, and leaves the folder resumable. Raises TrainingError with a message for people.
    """
    changed = {**(overrides or {}), **({"epochs": epochs} if epochs else {})}
    chosen = recipes.load(recipe, changed)
    team, place = join(choose_device(device))
    clock = _Clock(progress if team.leads else None)
    try:
        clock.tell(0.0, "reading the release")
        read = data.read_release(
            Path(release),
            chosen.input_size,
            message=lambda f, m: clock.tell(0.04 * f, m, now=False),
        )
        run = _Run(chosen, read, Path(out), seed, place, clock, exports, team)
        return _run(run, resume)
    except torch.cuda.OutOfMemoryError as error:
        raise out_of_memory(chosen.batch, lambda n: _try_batch(run, n)) from error
    except OSError as error:
        if is_disk_full(error):
            raise TrainingError(
                f"the disk is full: the run in {out} stopped; free some and resume"
            ) from error
        raise


@dataclass
class _Run:
    """What the steps of a run share."""

    recipe: Recipe
    release: Release
    out: Path
    seed: int
    device: torch.device
    clock: _Clock
    exports: bool
    team: Team
    warnings: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    drawn_at: float = -1e9  # seconds of the monotonic clock
    started: float = field(default_factory=time.time)

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"


def _is_finished(run: _Run, resume: bool) -> bool:
    """Whether the run in the folder is finished already; refuses a folder of another run."""
    out, marker = run.out, run.out / "run.json"
    if not marker.is_file():
        return False
    if not resume:
        raise TrainingError(f"{out} holds a run already; resume it or choose another folder")
    before, identity = json.loads(marker.read_text(encoding="utf-8")), _identity(run)
    run.started = float(before.get("started", run.started))
    for what in identity:
        if before.get(what) != identity[what]:
            raise TrainingError(f"{out} holds a run with another {what}; choose another folder")
    return (out / "report.json").is_file()


def _identity(run: _Run) -> dict[str, Any]:
    return {"recipe": run.recipe.as_dict(), "seed": run.seed, "data": run.release.digest}


def _begin_folder(run: _Run) -> None:
    """Mark the folder as this run's, once it is known that the run can be made."""
    if not (run.out / "run.json").is_file():
        run.out.mkdir(parents=True, exist_ok=True)
        write_text(run.out / "recipe.toml", run.recipe.as_toml())
        write_json(run.out / "run.json", {**_identity(run), "started": time.time()})


def _run(run: _Run, resume: bool) -> RunReport:
    is_finished = run.team.agree(run.team.leads and _is_finished(run, resume))
    if not is_finished:
        _train(run)
    run.team.leave()
    return RunReport(**json.loads((run.out / "report.json").read_text(encoding="utf-8")))


def _train(run: _Run) -> None:
    trainer, validation = _prepare(run)
    if run.team.leads:
        _begin_folder(run)
    _resume(run, trainer)
    deadline = time.monotonic() + run.recipe.time_limit_s if run.recipe.time_limit_s else None
    while trainer.epoch < trainer.n_epochs:
        if run.team.agree(run.team.leads and _must_stop(run, deadline)):
            break
        _epoch(run, trainer, validation)
    if run.team.leads:
        _conclude(run, trainer, len(validation))
    run.team.agree(True)  # the others wait for the report


def _try_batch(run: _Run, batch: int) -> None:
    """One step on the run's device with another batch; the memory is what is asked about."""
    smaller = replace(run.recipe, batch=batch, target=Target.LABEL)
    n = len(run.release.class_names)
    Trainer(smaller, run.release.train, n, seed=run.seed, device=run.device).try_step()


def _prepare(run: _Run) -> tuple[Trainer, Faces]:
    """Check the faces against the recipe, split off the validation faces, make the trainer."""
    chosen, release = run.recipe, run.release
    run.warnings += check_classes(chosen, release)
    rows, held = batches.hold_out(release.train.labels, chosen.validation, run.seed)
    train, validation = release.train.take(rows), release.train.take(held)
    given = None
    if chosen.target is not Target.LABEL:
        more = data.read_unlabelled(release.folder, chosen.input_size, already=release.train.names)
        train = data.join([train, more]) if len(more) else train
    if chosen.target is Target.VOTES:
        given = votes.read_votes(release.folder, train.names, START_RELIABILITY)
    if chosen.batch > len(train):
        raise TrainingError(f"batch is {chosen.batch}; there are only {len(train)} training faces")
    trainer = Trainer(
        chosen, train, len(release.class_names),
        seed=run.seed, device=run.device, votes=given, team=run.team,
    )  # fmt: skip
    return trainer, validation


def _resume(run: _Run, trainer: Trainer) -> None:
    """Continue from the newest checkpoint, and bring metrics.jsonl back to its epoch."""
    path = checkpoint.newest(run.checkpoints)
    if path is None:
        return
    saved = checkpoint.read(path)
    trainer.restore(saved)
    run.history = list(saved.facts["history"])
    if run.team.leads:
        _write_history(run)


def _must_stop(run: _Run, deadline: float | None) -> bool:
    """Whether patience or time has run out."""
    if deadline is not None and time.monotonic() > deadline:
        run.warnings.append("the time limit ended the run before its last epoch")
        return True
    best = max((h["epoch"] for h in run.history if h["best"]), default=0)
    waited = len(run.history) - best
    return bool(run.recipe.patience) and waited >= run.recipe.patience


def _epoch(run: _Run, trainer: Trainer, validation: Faces) -> None:
    """One epoch: train, validate, keep the best, write the line, the checkpoint and the curves."""
    n_epochs = trainer.n_epochs

    def tick(done: int, of: int) -> None:
        share = (trainer.epoch + done / of) / n_epochs
        run.clock.tell(0.04 + 0.86 * share, f"epoch {trainer.epoch + 1} of {n_epochs}", now=False)

    line: dict[str, Any] = {"epoch": trainer.epoch + 1, **trainer.train_epoch(tick)}
    if not run.team.leads:
        return
    line |= _validate(trainer, validation)
    earlier = [_merit(h) for h in run.history]
    line["best"] = not earlier or _merit(line) > max(earlier)
    run.history.append(line)
    if line["best"]:
        weights = Checkpoint(trainer.best_network.state_dict(), {"epoch": trainer.epoch})
        checkpoint.save(run.checkpoints / "best.safetensors", weights)
    facts = {"epoch": trainer.epoch, "step": trainer.step, "history": run.history}
    checkpoint.save_epoch(run.checkpoints, trainer.epoch, Checkpoint(trainer.state(), facts))
    _write_history(run)
    run.clock.epoch, run.clock.metrics = trainer.epoch, line
    run.clock.tell(0.04 + 0.86 * trainer.epoch / n_epochs, _describe(line, n_epochs))


def _validate(trainer: Trainer, validation: Faces) -> dict[str, float | None]:
    if not len(validation):
        return {"val_mean_diagonal": None, "val_accuracy": None, "val_loss": None}
    confusion, loss = trainer.evaluate(validation)
    return {
        "val_mean_diagonal": metrics.mean_diagonal(confusion),
        "val_accuracy": metrics.accuracy(confusion),
        "val_loss": loss,
    }


def _merit(line: dict[str, Any]) -> tuple[float, float]:
    """What the best epoch is best in: validation mean diagonal, then loss; else the last."""
    if line["val_mean_diagonal"] is None:
        return (float(line["epoch"]), 0.0)
    return (line["val_mean_diagonal"], -line["val_loss"])


def _describe(line: dict[str, Any], n_epochs: int) -> str:
    text = f"epoch {line['epoch']} of {n_epochs}: loss {line['loss']:.3f}"
    if line["val_mean_diagonal"] is not None:
        text += f", validation mean diagonal {100 * line['val_mean_diagonal']:.1f} %"
    return text


def _write_history(run: _Run) -> None:
    text = "".join(json.dumps(line) + "\n" for line in run.history)
    write_text(run.out / "metrics.jsonl", text)
    events.write(run.out / events.FILE_NAME, run.history, run.started)
    if time.monotonic() - run.drawn_at >= MIN_CURVES_S:
        _draw_curves(run)


def _draw_curves(run: _Run) -> None:
    plots.curves(run.out / "figures" / "curves.svg", run.history)
    run.drawn_at = time.monotonic()


def _conclude(run: _Run, trainer: Trainer, n_validation: int) -> None:
    """Judge the best epoch on the test split, export it, and write the report last of all."""
    _draw_curves(run)
    network = trainer.best_network
    best = checkpoint.read(run.checkpoints / "best.safetensors")
    network.load_state_dict(best.tensors)
    run.clock.tell(0.91, "judging the best epoch on the test split")
    found = results.judge(network.eval(), run.release, run.out, run.device)
    found |= {"n_train": len(trainer.train), "n_validation": n_validation}
    network.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    model = export.Model(network, run.recipe, run.release.class_names)
    writers = results.WRITERS if run.exports else results.WRITERS[:1]
    results.export_all(model, run.out, lambda f, m: run.clock.tell(0.93 + 0.06 * f, m), writers)
    facts = _facts(run, trainer, int(best.facts["epoch"]))
    card = model_card(run.recipe, run.release, found, facts, run.warnings)
    write_text(run.out / "model-card.md", card)
    _report(run, {**found, **facts})


def _facts(run: _Run, trainer: Trainer, best_epoch: int) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "best_epoch": best_epoch,
        "n_epochs": trainer.epoch,
        "device": str(run.device),
        "torch": torch.__version__,
        "code": code_version(),
        "seconds": sum(line["seconds"] for line in run.history),
    }


def _report(run: _Run, found: dict[str, Any]) -> None:
    """Write report.json, then drop the checkpoints, which a finished run needs no more."""
    written = (p.relative_to(run.out) for p in run.out.rglob("*") if p.is_file())
    files = sorted(p.as_posix() for p in written if p.parts[0] not in ("checkpoints", "run.json"))
    names = list(run.release.class_names)
    report = RunReport(found, [*files, "report.json"], names, run.warnings)
    write_json(run.out / "report.json", asdict(report))
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    shown = f"{100 * found['mean_diagonal']:.2f} %"
    run.clock.tell(1.0, f"finished: mean diagonal {shown} on the test split")
