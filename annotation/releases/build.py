"""The work of a release job: plan, write aside, seal, record, and move it into its place."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.services import Claim, JobError
from annotation.people.models import Project
from annotation.version import code_version

from .archive import Member, Sealed, write_archive
from .content import PICTURES_END, Content, write_content
from .documents import Order
from .folder import Entry, Spot, write_index, written_aside
from .models import LayoutName, Release, ReleasedImage
from .plan import BASIC, Place, Plan, plan_release
from .queries import archive_name, archive_path, index_path

ARCHIVE_END = 0.97  # of the job's progress
ROWS_AT_ONCE = 2000


def build_release(claim: Claim) -> None:
    """Build what the job's parameters ask for; whole or not at all."""
    order = order_of(claim.parameters)
    claim.report(0.0, "Drawing up what goes where")
    plan = _plan(claim.project, claim.parameters)
    check_plan(plan)
    goal = settings.RELEASES_ROOT / claim.project.slug / order.version
    attempt = f"{claim.job.pk}-{claim.attempt}"
    with written_aside(goal, attempt) as aside:
        content = write_content(aside, plan, order, claim.report)
        sealed = _seal(claim, content, aside, order)
        os.sync()  # a release that is recorded must outlive a power cut; once, not 100,000 times
        _record_and_move(claim, plan, order, content.manifest, sealed, aside, goal)


def order_of(parameters: dict[str, Any]) -> Order:
    """What a job's parameters ask for; those of older jobs know fewer things."""
    return Order(
        parameters["version"],
        parameters["changelog"],
        tuple(parameters.get("layouts", [LayoutName.RAFDB])),
        parameters.get("votes", False),
        tuple(parameters.get("features", [])),
        parameters.get("site", ""),
    )


def check_plan(plan: Plan) -> None:
    """Refuse what would be no release, in words for the person who asked."""
    number = plan.estimate.number
    if not plan.places:
        reasons = ", ".join(f"{n:,} {why}" for why, n in plan.left_out.items())
        raise JobError(
            f"Estimate {number} leaves no image to release ({reasons or 'it is empty'})."
        )
    if not plan.of(BASIC) and not plan.has_given_labels:
        raise JobError(
            f"The single-label subset of estimate {number} is empty: no image has exactly one "
            "valid label. Collect more votes, then estimate again."
        )


def _plan(project: Project, parameters: dict[str, Any]) -> Plan:
    version = parameters["version"]
    if project.releases.filter(version=version).exists():
        raise JobError(f"Version {version} was published meanwhile. Ask for the next one.")
    estimate = Estimate.objects.select_related("project").get(
        project=project, number=parameters["estimate"]
    )
    parent = parameters.get("parent")
    return plan_release(
        estimate,
        seed=parameters["seed"],
        parent=project.releases.get(version=parent) if parent else None,
        twelfth=parameters.get("twelfth", False),
        any_licence=parameters.get("any_licence", False),
    )


def _seal(claim: Claim, content: Content, aside: Path, order: Order) -> list[tuple[str, Sealed]]:
    """The archives, each beside the folder; written once and never again."""
    whole = sum(layout.n_files for layout in content.layouts)
    sealed: list[tuple[str, Sealed]] = []
    n_before = 0

    def done(n: int) -> None:
        share = (ARCHIVE_END - PICTURES_END) * (n_before + n) / whole
        claim.report(PICTURES_END + share, "Sealing the archives")

    for layout in content.layouts:
        top = archive_name(claim.project, order.version, layout.name).removesuffix(".tar")
        spots: dict[str, Spot] = {}
        placed = nowhere if layout.name == LayoutName.RAFDB else partial(_note, spots)
        seal = write_archive(aside / f"{layout.name}.tar", layout.members(), top, done, placed)
        if spots:
            write_index(aside / f"{layout.name}.index", spots)
        sealed.append((layout.name, seal))
        n_before += layout.n_files
    return sealed


def _note(spots: dict[str, Spot], member: Member, offset: int) -> None:
    spots[member.path] = Spot(member.sha256, offset, member.size)


def nowhere(member: Member, offset: int) -> None:
    """The official tree's files lie in the release's folder: nobody looks for them in the tar."""


def _record_and_move(
    claim: Claim,
    plan: Plan,
    order: Order,
    manifest: Entry,
    sealed: Sequence[tuple[str, Sealed]],
    aside: Path,
    goal: Path,
) -> None:
    """Rows and job end in one transaction, whose last act moves folder and archives."""
    claim.report(ARCHIVE_END, "Recording")
    archives = [
        {
            "layout": layout,
            "name": archive_name(claim.project, order.version, layout),
            "size": seal.size,
            "sha256": seal.sha256,
        }
        for layout, seal in sealed
    ]
    with claim.finishing() as result:
        release = Release.objects.create(
            project=claim.project,
            version=order.version,
            estimate=plan.estimate,
            parent=plan.parent,
            job=claim.job,
            parameters=claim.parameters,
            seed=plan.seed,
            code_version=code_version(),
            changelog=order.changelog,
            folder=str(goal.relative_to(settings.RELEASES_ROOT)),
            manifest_digest=manifest.sha256,
            archive_digest=archives[0]["sha256"],
            archive_size=archives[0]["size"],
            archives=archives,
            counts=plan.counts,
            left_out=plan.left_out,
            warnings=list(plan.warnings),
        )
        rows = _rows(release, plan.places)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            ReleasedImage.objects.bulk_create(some)
        _refuse_taken_down(release)
        result.update(release=order.version, n_images=len(plan.places))
        result["message"] = f"{order.version} published with {len(plan.places):,} images"
        _move(aside, goal, [layout for layout, _ in sealed])


def _rows(release: Release, places: Sequence[Place]) -> Iterator[ReleasedImage]:
    for p in places:
        yield ReleasedImage(
            release=release,
            image_id=p.image_id,
            subset=p.subset,
            split=p.split,
            fold=p.fold,
            name=p.name,
            label=p.label + 1,
        )


def _refuse_taken_down(release: Release) -> None:
    """Somebody may have excluded an image while its copy was being written."""
    gone = release.images.exclude(image__state=Image.State.ACTIVE).count()
    if gone:
        raise JobError(f"{gone} images were taken out while the release was built. Ask again.")


def _move(aside: Path, goal: Path, layouts: Sequence[str]) -> None:
    """Into place, over what an attempt left that died before its commit."""
    for layout in layouts:
        os.replace(aside / f"{layout}.tar", archive_path(goal, layout))
        if layout != LayoutName.RAFDB:
            os.replace(aside / f"{layout}.index", index_path(goal, layout))
    if goal.exists():
        os.replace(goal, aside / "orphan")
    os.replace(aside / "folder", goal)
