"""A project with a published release of patterns that a tiny network can learn."""

from pathlib import Path
from typing import Any

import pytest

from annotation.jobs.models import Job
from annotation.releases.models import Release
from annotation.runs.models import Run
from tests.conftest import Cast
from tests.releases.conftest import make_collection
from tests.training.patterns import TINY, write_release
from training import recipe as recipes


@pytest.fixture
def published(cast: Cast, settings: Any, tmp_path: Path) -> Release:
    """A release whose folder holds twelve training faces of each expression."""
    settings.RELEASES_ROOT, settings.RUNS_ROOT = tmp_path / "releases", tmp_path / "runs"
    settings.ESTIMATES_ROOT = tmp_path / "estimates"
    settings.JOB_LEASE_S = 600  # SQLite's test transaction would keep the lease's thread waiting
    estimate = make_collection(cast).estimate({})
    folder = write_release(settings.RELEASES_ROOT / "faces" / "1.0.0")
    return Release.objects.create(
        project=cast.project,
        version="1.0.0",
        estimate=estimate,
        job=Job.objects.create(project=cast.project, kind="release", state="succeeded"),
        code_version="test",
        folder=str(folder.relative_to(settings.RELEASES_ROOT)),
        state=Release.State.PUBLISHED,
        archive_size=0,
        counts={},
    )


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recipe at the size of a test, two epochs long."""
    whole = recipes.load
    small = {**TINY, "epochs": 2}
    monkeypatch.setattr(
        recipes, "load", lambda name, more=None: whole(name, {**small, **(more or {})})
    )


@pytest.fixture
def without_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing a network takes seconds, which one test is enough for."""
    for writer in ("save_onnx", "save_pt2"):
        monkeypatch.setattr(f"training.export.{writer}", lambda path, _: path.write_bytes(b"x"))


def states(cast: Cast) -> list[str]:
    """The states of the project's runs, oldest first."""
    from annotation.runs import queries

    return [run.state for run in reversed(queries.runs_of(cast.project))]


def newest(cast: Cast) -> Run:
    return Run.objects.filter(project=cast.project).latest("number")
