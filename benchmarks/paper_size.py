"""Votes and estimate at the paper's size on the embedded default: seconds and peak memory of each.

    VAR_DIR=/tmp/paper SECRET_KEY=… python -m benchmarks.paper_size [--images 29672]

Image rows have no pictures here: drawing and importing are timed by ``face_drawing`` and
``import_speed``. The limit for the estimate job is 10 s (figures apart).
"""

import argparse
import os
import resource
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

LIMIT_S = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--people", type=int, default=315)
    parser.add_argument("--votes", type=int, default=40)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    run(options.images, options.people, options.votes)


def run(n_images: int, n_people: int, n_votes: int) -> None:
    from annotation.estimates.services import freeze_votes, request_estimate
    from annotation.jobs.console import perform_here
    from annotation.labelling.services import plan, record_votes_bulk
    from annotation.people import services as people
    from annotation.people.models import Role
    from reliability import simulate

    tag = secrets.token_hex(3)
    curator = people.create_person(f"bench-{tag}", None)
    project = people.create_project(f"Bench {tag}", curator, target_votes=n_votes)
    image_ids = timed("image rows", make_images, project, n_images)
    members = [
        people.join(project, people.create_person(f"bench-{tag}-{i}", None), Role.ANNOTATOR)
        for i in range(n_people)
    ]
    rng = np.random.default_rng(1)
    images, annotators = timed("draw the whole design", plan, project, members, rng)
    crowd = simulate.population(
        n_images, n_people, rng, careless=10, one_key=10, adversarial=10, random=10
    )
    item = np.searchsorted(image_ids, images)
    person = np.searchsorted([m.pk for m in members], annotators)
    expressions = timed("simulate the votes", crowd.vote, person, item, rng)
    n = timed(
        "record the votes (vote service, bulk)",
        lambda: record_votes_bulk(
            project, image_ids=images, annotator_ids=annotators, expressions=expressions
        ),
    )
    print(f"  {n:,} votes")
    timed("freeze the votes", freeze_votes, project)
    began = time.perf_counter()
    job = request_estimate(project, None)[0]
    perform_here(job, sys.stdout)
    spent = time.perf_counter() - began
    made = job.estimate
    print(f"estimate job with figures: {spent:.1f} s, {spent / LIMIT_S:.2f} of the limit")
    print(f"  fit alone {made.report['seconds']:.2f} s, kept {made.n_kept} of {made.n_annotators}")
    bad = np.array([simulate.Kind(k).is_bad for k in crowd.kind])
    rows = dict(made.annotators.values_list("annotator_id", "kept"))
    kept = np.array([rows[m.pk] for m in members])
    n_kept, n_lost = int((kept & bad).sum()), int((~kept & ~bad).sum())
    print(f"  bad people kept: {n_kept}; honest people left out: {n_lost}")


def make_images(project: Any, n: int) -> "np.ndarray[Any, Any]":
    from annotation.images.models import Image, Import
    from annotation.jobs.models import Job
    from annotation.labelling.services import open_images

    job = Job.objects.create(project=project, kind="import", state="succeeded")
    arrival = Import.objects.create(project=project, source="benchmark", job=job)
    Image.objects.bulk_create(
        (
            Image(
                project=project,
                imported_in=arrival,
                file_name=f"{i:06}.jpg",
                digest=f"{i:064x}",
                pixel_digest=f"{i:064x}",
                phash=i,
                mirrored_phash=i,
                width=100,
                height=100,
            )
            for i in range(n)
        ),
        batch_size=5000,
    )
    ids = list(project.images.order_by("pk").values_list("pk", flat=True))
    open_images(project, ids)
    return np.array(ids)


def timed(what: str, do: Callable[..., Any], *args: Any) -> Any:
    began = time.perf_counter()
    result = do(*args)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {time.perf_counter() - began:.1f} s (peak {peak:,.0f} MB so far)", flush=True)
    return result


if __name__ == "__main__":
    main()
