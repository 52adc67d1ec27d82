"""Plan mode: the whole design drawn at once, both margins exact, and opened a few at a time.

A plan covers the open images that nobody was given yet, so that it can be drawn again for images
that came later, and goes on where it was cut off. Each person meets theirs in an order drawn anew.
"""

import secrets
from collections import Counter
from datetime import timedelta

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from annotation.jobs.models import Job
from annotation.jobs.services import request_job
from annotation.people.models import Membership, Person, Project, Role

from .bulk import Integers, Report, design
from .models import Assignment, Coverage, Rules, Share
from .room import forget_room

BLOCK_VOTES = 40_000
"""Assignments per transaction: other writers wait a second or two."""


def plannable(project: Project) -> tuple[list[int], list[int]]:
    """The open images that nobody was given yet, and the annotators at work, by key.

    Raises ``ValidationError`` where no design fits them.
    """
    ended = Assignment.objects.filter(
        image=OuterRef("pk"), state__in=[Assignment.State.FLAGGED, Assignment.State.WITHDRAWN]
    )  # somebody said no, or was told so: such an image is left to ordinary draws
    untouched = Coverage.objects.filter(~Exists(ended), project=project, is_open=True, n_live=0)
    images = list(untouched.order_by("pk").values_list("pk", flat=True))
    here = Membership.objects.filter(project=project, role=Role.ANNOTATOR, is_active=True)
    people = list(here.order_by("pk").values_list("pk", flat=True))
    if not images:
        raise ValidationError("Every image is given to somebody already: nothing is left to plan.")
    if len(people) < project.target_votes:
        raise ValidationError(
            f"{project.target_votes} votes per image need as many annotators; "
            f"{len(people)} are at work."
        )
    return images, people


def request_plan(project: Project, by: Person | None, seed: int | None = None) -> tuple[Job, bool]:
    """Queue the drawing of a plan; the job, and whether it is new.

    Raises ``ValidationError`` where no design fits.
    """
    plannable(project)
    parameters = {"seed": secrets.randbits(32) if seed is None else seed}
    return request_job(project, "design", parameters, by)


def draw_plan(project: Project, rng: np.random.Generator, report: Report) -> int:
    """Assign every untouched image to its target of distinct people; how many assignments.

    Everybody gets as many images as anybody, or one more. Blocks of images are stored whole.
    """
    images, people = plannable(project)
    target = project.target_votes
    rows: Integers = np.array(people)[design(len(images), len(people), target, rng)]
    order = rng.permutation(len(images))
    at_once = max(BLOCK_VOTES // target, 1)
    Rules.objects.update_or_create(project=project, defaults={"is_planned": True})
    n_planned = 0
    for start in range(0, len(images), at_once):
        block = order[start : start + at_once]
        n_planned += _store(project, {images[i]: rows[i].tolist() for i in block})
        report((start + len(block)) / len(images), f"{n_planned:,} assignments planned")
    forget_room(project.pk)
    return n_planned


def _store(project: Project, wanted: dict[int, list[int]]) -> int:
    """Write these images' assignments, by the order in which everybody locks."""
    people = sorted({pk for row in wanted.values() for pk in row})
    with transaction.atomic():
        Share.objects.bulk_create(
            [Share(annotator_id=pk, project=project) for pk in people], ignore_conflicts=True
        )
        list(Share.objects.filter(pk__in=people).order_by("pk").select_for_update())
        places = Coverage.objects.filter(pk__in=wanted, is_open=True, n_live=0)
        free = list(places.order_by("pk").select_for_update().values_list("pk", flat=True))
        pairs = [(image, person) for image in free for person in wanted[image]]
        Coverage.objects.filter(pk__in=free).update(
            n_live=project.target_votes, target=project.target_votes
        )
        expires = Now() + timedelta(hours=project.assignment_hours)
        Assignment.objects.bulk_create(
            [
                Assignment(
                    image_id=image,
                    annotator_id=person,
                    state=Assignment.State.PLANNED,
                    expires_at=expires,
                )
                for image, person in pairs
            ],
            update_conflicts=True,
            unique_fields=["annotator", "image"],
            update_fields=["state"],
            batch_size=2_000,
        )
        for person, n in Counter(person for _, person in pairs).items():
            Share.objects.filter(pk=person).update(n_live=F("n_live") + n)
    return len(pairs)
