"""The site's whole estimate job at the paper's size: votes from the database, results back.

    python -m benchmarks.estimate_job --var DIR [--images 29672] [--people 315] [--votes 40]

Fills a scratch site once (SQLite in ``DIR`` unless ``DATABASE_URL`` names PostgreSQL) with rows of
images that have no files and with votes of simulated people, all but the last 5,000, then runs
``manage.py estimate`` in a process of its own as an operator would; stores those 5,000 and runs it
again, as the clock does. The first starts from nothing, the second where the first ended. Prints
wall time, CPU and peak memory against the limit of issue 3 (10 s), and what share of the first
fit's time the second takes.
"""

import argparse
import os
import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.paper_size import Limit, manage, measured, prepare

SLUG = "estimate-job"
BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
DAYS = 30
LATE = 5_000  # votes that come after the first estimate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="?", choices=["fill", "late"], help=argparse.SUPPRESS)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--people", type=int, default=315)
    parser.add_argument("--votes", type=int, default=40, help="votes per image")
    options = parser.parse_args()
    os.environ["VAR_DIR"] = str(options.var)
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    if options.step:
        fill(options)
        return
    options.var.mkdir(parents=True, exist_ok=True)
    manage("migrate", "--verbosity", "0")
    print(f"{'step':<16}{'wall':>9}{'CPU':>9}{'peak':>10}   of its limit")
    for step, name in (("fill", "first"), ("late", "second")):
        again = [sys.executable, "-m", "benchmarks.estimate_job", step, *sys.argv[1:]]
        measured(f"{name} votes", Limit(), again)
        manage("estimate", SLUG, step=f"{name} estimate", limit=Limit(wall_s=10))
    told(options)


def fill(options: argparse.Namespace) -> None:
    """The project, if it is not there, and the votes of this step through the bulk path."""
    prepare()
    from annotation.labelling import services as labelling
    from annotation.people import services as people
    from annotation.people.models import Membership, Project
    from annotation.study.demonstration import Study, simulated_people
    from reliability import simulate

    study = Study(n_images=options.images, n_people=options.people, n_votes=options.votes)
    project = Project.objects.filter(slug=SLUG).first()
    if project is None:
        curator = people.create_person("bench", None, is_active=False)
        project = people.create_project("Estimate job", curator, target_votes=options.votes)
        labelling.open_images(project, bare_images(project, options.images))
        simulated_people(project, study)
    images = np.array(project.images.order_by("pk").values_list("pk", flat=True))
    voters = Membership.objects.filter(project=project, role="annotator").order_by("pk")
    members = np.array(voters.values_list("pk", flat=True))
    rng = np.random.default_rng(1)
    crowd = simulate.crowd(
        options.images,
        options.people,
        options.votes,
        rng,
        confusion=simulate.CONFUSION,
        **study.kinds(),
    )
    item, annotator = crowd.votes.item, crowd.votes.annotator
    response_ms, voted_at = crowd.response_ms(annotator, item, rng), moments(len(item), rng)
    late = np.zeros(len(item), dtype=bool)
    late[rng.choice(len(item), size=min(LATE, len(item) // 2), replace=False)] = True
    chosen = np.flatnonzero(late if options.step == "late" else ~late)
    labelling.record_votes_bulk(
        project,
        image_ids=images[item[chosen]],
        annotator_ids=members[annotator[chosen]],
        expressions=crowd.votes.expression[chosen],
        response_ms=response_ms[chosen],
        voted_at=[voted_at[i] for i in chosen.tolist()],
    )


def bare_images(project: Any, n: int) -> list[int]:
    """Rows of images without files; their ids."""
    from annotation.images.models import Image, Import
    from annotation.jobs.models import Job

    job = Job.objects.create(project=project, kind="import", state=Job.State.SUCCEEDED)
    record = Import.objects.create(job=job, project=project, source="rows for a measurement")
    rows = [
        Image(
            project=project, imported_in=record, file_name=f"{i}.jpg", digest=f"{i:064x}",
            pixel_digest=f"{i:064x}", phash=i, mirrored_phash=i, format="jpeg", width=100,
            height=100,
        )
        for i in range(n)
    ]  # fmt: skip
    Image.objects.bulk_create(rows, batch_size=2000)
    return list(Image.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))


def moments(n: int, rng: np.random.Generator) -> list[str]:
    """When the votes were given, over thirty days."""
    seconds = rng.integers(DAYS * 86_400, size=n).tolist()
    return [(BEGAN + timedelta(seconds=s)).strftime("%Y-%m-%d %H:%M:%S") for s in seconds]


def told(options: argparse.Namespace) -> None:
    """What the estimates say of themselves, and the second fit beside the first."""
    prepare()
    from annotation.estimates.models import Estimate

    fits = list(Estimate.objects.filter(project__slug=SLUG).order_by("number"))
    for made in fits:
        began = made.report["began_at"]
        print(
            f"estimate {made.number}: {made.n_votes:,} votes, {made.n_kept} of"
            f" {made.n_annotators} people kept, fit alone {made.report['seconds']:.2f} s,"
            f" {made.report['iterations']} iterations from"
            f" {f'estimate {began}' if began else 'nothing'}"
        )
    if len(fits) > 1:
        share = fits[-1].report["seconds"] / fits[0].report["seconds"]
        print(f"the last fit took {100 * share:.0f} % of the first one's time")


if __name__ == "__main__":
    main()
