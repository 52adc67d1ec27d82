"""The work of a release job: plan, write aside, seal, record, and move it into its place."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.services import Claim, JobError
from annotation.people.models import Project
from annotation.version import code_version

from . import documents
from .archive import Sealed, write_archive
from .documents import Order, Tally
from .folder import Entry, Folder, written_aside
from .models import Release, ReleasedImage
from .plan import BASIC, Place, Plan, plan_release
from .tree import manual_text, write_faces, write_labels

PICTURES_END, ARCHIVE_END = 0.75, 0.97  # shares of the job's progress


def build_release(claim: Claim) -> None:
    """Build what the job's parameters ask for; whole or not at all."""
    parameters = claim.parameters
    order = Order(
        parameters["version"], parameters["changelog"], tuple(parameters.get("layouts", ["rafdb"]))
    )
    claim.report(0.0, "Drawing up what goes where")
    plan = _plan(claim.project, parameters)
    check_plan(plan)
    goal = settings.RELEASES_ROOT / claim.project.slug / order.version
    attempt = f"{claim.job.pk}-{claim.attempt}"
    with written_aside(goal, attempt) as aside:
        folder = Folder(aside / "folder")
        manifest = _write_tree(claim, folder, plan, order)
        sealed = _seal(claim, folder, aside, order)
        os.sync()  # a release that is recorded must outlive a power cut; once, not 100,000 times
        _record_and_move(claim, plan, order, manifest, sealed, aside, goal)


def check_plan(plan: Plan) -> None:
    """Refuse what would be no release, in words for the person who asked."""
    number = plan.estimate.number
    if not plan.places:
        reasons = ", ".join(f"{n:,} {why}" for why, n in plan.left_out.items())
        raise JobError(
            f"Estimate {number} leaves no image to release ({reasons or 'it is empty'})."
        )
    if not plan.of(BASIC):
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
    )


def _write_tree(claim: Claim, folder: Folder, plan: Plan, order: Order) -> Entry:
    """Every file of the official tree; returns the manifest's entry."""
    tally, sources = Tally(), [documents.attribution_header()]
    n_places = len(plan.places)
    n_before = 0

    def done(n: int) -> None:
        claim.report(PICTURES_END * (n_before + n) / n_places, "Writing pictures")

    for subset in plan.subsets:
        places = plan.of(subset)
        labels = []
        for written in write_faces(folder, plan.estimate, places, stored_picture, done):
            face = written.face
            tally.add(written, has_manual=manual_text(face.image) is not None)
            sources.append(documents.attribution(subset, face.place.name, face.image))
            labels.append((face.place, face.distribution))
        write_labels(folder, subset, labels)
        n_before += len(places)
    folder.put("attribution.csv", "".join(sources))
    told = documents.facts(plan, order, tally)
    folder.put("README.md", documents.datasheet(told, plan.estimate.report, tally.licences))
    folder.put("CITATION.cff", documents.citation(told))
    manifest = folder.write_manifest(told)
    folder.write_sums()
    return manifest


def stored_picture(image: Image) -> bytes:
    """The stored original; a lost one ends the job with the image's name."""
    try:
        with default_storage.open(image.stored_as()) as file:
            content: bytes = file.read()
        return content
    except FileNotFoundError:
        raise JobError(
            f"The picture of image {image.uid} ({image.file_name}) is no longer in the storage. "
            "Exclude the image or restore the file, then ask again."
        ) from None


def _seal(claim: Claim, folder: Folder, aside: Path, order: Order) -> list[tuple[str, Sealed]]:
    """The archives, each beside the folder; written once and never again."""
    entries = folder.in_order()
    top = f"{claim.project.slug}-{order.version}"

    def done(n: int) -> None:
        share = (ARCHIVE_END - PICTURES_END) * n / len(entries)
        claim.report(PICTURES_END + share, "Sealing the archive")

    return [("rafdb", write_archive(aside / "rafdb.tar", folder.root, entries, top, done))]


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
        ReleasedImage.objects.bulk_create(_rows(release, plan.places), batch_size=2000)
        _refuse_taken_down(release)
        result.update(release=order.version, n_images=len(plan.places))
        result["message"] = f"{order.version} published with {len(plan.places):,} images"
        _move(aside, goal, [layout for layout, _ in sealed])


def archive_name(project: Project, version: str, layout: str) -> str:
    """The file name a download gets."""
    return f"{project.slug}-{version}{'' if layout == 'rafdb' else f'-{layout}'}.tar"


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
    if goal.exists():
        os.replace(goal, aside / "orphan")
    os.replace(aside / "folder", goal)


def archive_path(folder: Path, layout: str) -> Path:
    """Beside the folder: ``1.0.0.tar`` for the official tree, ``1.0.0.parquet.tar`` …"""
    return folder.with_name(f"{folder.name}{'' if layout == 'rafdb' else f'.{layout}'}.tar")
