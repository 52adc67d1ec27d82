"""Runs and sweeps: queued as one job, trained one after another, cancelled, resumed, compared."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotation.jobs.models import Job
from annotation.jobs.services import Claim, cancel_job, perform
from annotation.pages.runs import seeds_of
from annotation.releases.models import Release
from annotation.runs import queries, services
from annotation.runs.models import Run
from tests.conftest import Cast

from .conftest import states

pytestmark = pytest.mark.django_db


def sweep(cast: Cast, release: Release, recipes: list[str], seeds: list[int]) -> list[Run]:
    runs, created = services.request_sweep(cast.project, release, recipes, seeds, cast.carla)
    assert created
    return runs


@pytest.mark.usefixtures("tiny", "without_exports")
def test_a_sweep_trains_every_recipe_with_every_seed(cast: Cast, published: Release) -> None:
    runs = sweep(cast, published, ["softmax", "dlp"], [0, 1])
    assert [(r.number, r.recipe, r.seed) for r in runs] == [
        (1, "softmax", 0), (2, "dlp", 0), (3, "softmax", 1), (4, "dlp", 1),
    ]  # fmt: skip
    perform(runs[0].job_id, "test")
    assert states(cast) == ["succeeded"] * 4
    assert Job.objects.get(pk=runs[0].job_id).result["run"] in (1, 2, 3, 4)
    rows = queries.comparison(cast.project)
    assert {(c.recipe, len(c.runs)) for c in rows} == {("softmax", 2), ("dlp", 2)}
    assert all(c.mean_diagonal[1] is not None for c in rows)
    assert [c.mean_diagonal[0] for c in rows] == sorted(
        (c.mean_diagonal[0] for c in rows), reverse=True
    )


@pytest.mark.usefixtures("tiny", "without_exports")
def test_one_run_that_cannot_be_trained_does_not_stop_the_others(
    cast: Cast, published: Release, settings: Any
) -> None:
    (settings.RELEASES_ROOT / published.folder / "votes.csv").unlink()
    runs = sweep(cast, published, ["crowd", "softmax"], [0])
    perform(runs[0].job_id, "test")
    assert states(cast) == ["failed", "succeeded"]
    job = Job.objects.get(pk=runs[0].job_id)
    assert job.state == "failed"
    assert job.error.startswith("1 of 2 runs failed; run 1: the release holds no votes")
    assert Run.objects.get(number=1).error.startswith("the release holds no votes")


@pytest.mark.usefixtures("tiny", "without_exports")
def test_a_cancelled_sweep_goes_on_where_it_stopped(
    cast: Cast, published: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = sweep(cast, published, ["softmax"], [0, 1])
    report, seen = Claim.report, list[str]()

    def cancel_in_the_second(claim: Claim, fraction: float, message: str = "") -> None:
        seen.append(message)
        if message.startswith("run 2 (2 of 2): epoch 1 of 2: loss"):
            cancel_job(claim.job)
        report(claim, fraction, message)

    monkeypatch.setattr("annotation.jobs.services.REPORT_INTERVAL_S", 0.0)
    monkeypatch.setattr(Claim, "report", cancel_in_the_second)
    perform(runs[0].job_id, "test")
    assert states(cast) == ["succeeded", "cancelled"]
    monkeypatch.setattr(Claim, "report", report)
    folder = queries.folder_of(runs[1])
    first = (folder / "metrics.jsonl").read_text()
    assert services.resume_run(Run.objects.get(number=1))
    assert states(cast) == ["succeeded", "queued"]
    perform(runs[0].job_id, "test")
    assert states(cast) == ["succeeded", "succeeded"]
    assert (folder / "metrics.jsonl").read_text().startswith(first)
    assert not services.resume_run(runs[0])


@pytest.mark.usefixtures("tiny", "without_exports")
def test_an_attempt_that_was_superseded_records_nothing(
    cast: Cast, published: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fencing: another attempt has taken the job while this one trained."""
    runs = sweep(cast, published, ["softmax"], [0, 1])
    told = services._described

    def taken_over(folder: Path, name: str) -> dict[str, Any]:
        Job.objects.filter(pk=runs[0].job_id).update(attempt=7)
        return told(folder, name)

    monkeypatch.setattr(services, "_described", taken_over)
    perform(runs[0].job_id, "test")
    assert list(Run.objects.values_list("metrics", flat=True)) == [None, None]


def test_while_one_run_of_a_sweep_trains_the_next_waits(cast: Cast, published: Release) -> None:
    runs = sweep(cast, published, ["softmax"], [0, 1])
    Job.objects.filter(pk=runs[0].job_id).update(state="running")
    assert states(cast) == ["running", "queued"]
    Run.objects.filter(number=1).update(metrics={"mean_diagonal": 0.5})
    assert states(cast) == ["succeeded", "running"]


@pytest.mark.parametrize(
    ("recipes", "seeds", "message"),
    [
        (["nonsense"], [0], "'nonsense' is not one of"),
        (["softmax", "softmax"], [0], "each only once"),
        ([], [0], "Give at least one"),
        (["softmax"], [-1], "-1 is not between"),
        (["softmax", "dlp"], list(range(51)), "102 runs; at most 100"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(
    cast: Cast, published: Release, recipes: list[str], seeds: list[int], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        services.request_sweep(cast.project, published, recipes, seeds, cast.carla)
    assert not Run.objects.exists()
    assert not Job.objects.filter(kind="train").exists()


def test_seeds_are_read_as_people_write_them() -> None:
    assert seeds_of("0-3, 7") == [0, 1, 2, 3, 7]
    assert seeds_of(" 5 ") == [5]
    for wrong in ("five", "3-1", "1-2-3", "0-4000"):
        with pytest.raises(ValidationError):
            seeds_of(wrong)


def test_epochs_are_told_while_a_run_goes_on(cast: Cast, published: Release) -> None:
    run = sweep(cast, published, ["softmax"], [0])[0]
    line = {"epoch": 1, "loss": 2.0, "fit": 1.9, "pull": 0.1, "rate": 0.01, "seconds": 1.0,
            "images_per_s": 80.0, "val_mean_diagonal": 0.2, "val_accuracy": 0.3, "val_loss": 1.8,
            "best": True}  # fmt: skip
    folder = queries.folder_of(run)
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text(json.dumps(line) + '\n{"epoch": 2, "lo')
    client = cast.client(cast.rafik)
    told = client.get(f"/api/v1/projects/{cast.project.slug}/runs/1/epochs/")
    assert told.json() == [line]


def test_a_sweep_is_started_and_resumed_over_the_api(cast: Cast, published: Release) -> None:
    client, base = cast.client(cast.carla), f"/api/v1/projects/{cast.project.slug}/runs/"
    asked = {"release": "latest", "recipes": ["softmax", "dlp"], "seeds": [0, 1]}
    told = client.post(f"{base}sweep/", asked, content_type="application/json")
    assert told.status_code == 202
    assert told.json()["runs"] == [1, 2, 3, 4]
    again = client.post(f"{base}sweep/", asked, content_type="application/json")
    assert again.json() == {**told.json(), "created": False}
    assert client.post(f"{base}1/resume/").status_code == 409
    cancel_job(Job.objects.get(pk=told.json()["job"]))
    assert client.post(f"{base}1/resume/").json()["state"] == "queued"
    assert cast.client(cast.rafik).post(f"{base}1/resume/").status_code == 404
    assert client.get(f"{base}compare/").json() == []
