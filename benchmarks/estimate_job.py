"""The site's whole estimate job at the paper's size: votes from the database, results back.

    python -m benchmarks.estimate_job --var DIR [--images 29672] [--people 315] [--votes 40]

Fills a scratch site once (SQLite in ``DIR`` unless ``DATABASE_URL`` names PostgreSQL) with rows of
images that have no files and with votes of simulated people, then runs ``manage.py estimate``
twice, each in a process of its own as an operator would: the first starts from nothing, the second
from the first. Prints wall time, CPU and peak memory against the limit of issue 3 (10 s).
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="?", choices=["fill"], help=argparse.SUPPRESS)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--people", type=int, default=315)
    parser.add_argument("--votes", type=int, default=40, help="votes per image")
    options = parser.parse_args()
    os.environ["VAR_DIR"] = str(options.var)
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    if options.step == "fill":
        fill(options)
        return
    options.var.mkdir(parents=True, exist_ok=True)
    manage("migrate", "--verbosity", "0")
    print(f"{'step':<10}{'wall':>9}{'CPU':>9}{'peak':>10}   of its limit")
    again = [sys.executable, "-m", "benchmarks.estimate_job", "fill", *sys.argv[1:]]
    measured("votes", Limit(), again)
    for _ in range(2):
        manage("estimate", SLUG, step="estimate", limit=Limit(wall_s=10))
    told(options)


def fill(options: argparse.Namespace) -> None:
    """Images without files and votes through the bulk path, unless they are there already."""
    prepare()
    from annotation.labelling import services as labelling
    from annotation.people import services as people
    from annotation.people.models import Project
    from annotation.study.demonstration import Study, simulated_people
    from reliability import simulate

    if Project.objects.filter(slug=SLUG).exists():
        return
    curator = people.create_person("bench", None, is_active=False)
    project = people.create_project("Estimate job", curator, target_votes=options.votes)
    images = bare_images(project, options.images)
    labelling.open_images(project, images)
    study = Study(n_images=options.images, n_people=options.people, n_votes=options.votes)
    members = np.array([member.pk for member in simulated_people(project, study)])
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
    labelling.record_votes_bulk(
        project,
        image_ids=np.array(images)[item],
        annotator_ids=members[annotator],
        expressions=crowd.votes.expression,
        response_ms=crowd.response_ms(annotator, item, rng),
        voted_at=moments(len(item), rng),
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
    """What the two estimates say of themselves."""
    prepare()
    from annotation.estimates.models import Estimate

    for made in Estimate.objects.order_by("number"):
        print(
            f"estimate {made.number}: {made.n_votes:,} votes, {made.n_kept} of"
            f" {made.n_annotators} people kept, fit alone {made.report['seconds']:.2f} s,"
            f" {made.report['iterations']} iterations"
        )


if __name__ == "__main__":
    main()
