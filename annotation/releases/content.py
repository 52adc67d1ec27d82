"""Everything that a release holds, written aside: pictures, tables, documents, votes."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage

from annotation.faces.units import rafau_text
from annotation.images.models import Image
from annotation.jobs.services import JobError

from . import documents
from .columns import Context
from .croissant import NAME as CROISSANT
from .croissant import croissant
from .crowd import ANNOTATORS, VOTES, Crowd, codes, read_crowd
from .datasheet import Account, People, datasheet
from .documents import Order
from .features import write_features
from .folder import Entry, Folder
from .layouts import HuggingFace, ImageFolder, Layout, OfficialTree, work_folder
from .models import LayoutName
from .plan import Plan
from .queries import README
from .tree import labels_written, write_faces

PICTURES_END = 0.75  # of the job's progress
LAYOUTS: dict[str, type[Layout]] = {
    layout.name: layout for layout in (OfficialTree, ImageFolder, HuggingFace)
}
CITATION, ATTRIBUTION = "CITATION.cff", "attribution.csv"
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Content:
    """What was written: the layouts, ready to be sealed, and the official tree's manifest."""

    layouts: list[Layout]
    manifest: Entry


def write_content(aside: Path, plan: Plan, order: Order, report: Report) -> Content:
    """Write the official tree to ``aside/folder`` and each further layout's own files beside it."""
    tree = Folder(aside / "folder")
    crowd = read_crowd(plan.estimate)
    votes_of = crowd.counts_of if crowd else lambda _: None
    context = Context(plan, votes_of, _subject_codes(plan, order))
    layouts = [_layout(name, aside, tree, context) for name in order.layouts]
    with ExitStack() as tables:  # a full disk or a cancelled job leaves no file open
        for layout in layouts:
            tables.callback(layout.end_tables)
        account = _write_faces(tree, layouts, plan, report)
    features = write_features(
        tree, plan, order.features, lambda: report(PICTURES_END, "Computing features")
    )
    told = documents.facts(plan, order, account) | {"features": features}
    tree.put(CITATION, documents.citation(told))
    if order.has_votes:
        _write_votes(tree, plan, order, crowd)
    people = People.of(plan.estimate)
    for layout in layouts:
        layout.finish()
        _add_documents(layout, tree, told)
        words = datasheet(told, plan.estimate.report, account, people, layout)
        layout.own.put(README, layout.front_matter(told) + words)
        layout.own.put(CROISSANT, croissant(told, layout, layout.own.entries))
    manifest = tree.write_manifest(told)
    for layout in layouts:
        layout.own.write_sums(layout.picture_entries())
    return Content(layouts, manifest)


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


ACTION_UNITS = "RAFAU_label.txt"
"""RAF-AU's own name and syntax; only faces that were coded stand in it."""


def _layout(name: str, aside: Path, tree: Folder, context: Context) -> Layout:
    own = tree if name == LayoutName.RAFDB else Folder(work_folder(aside, name))
    if name == LayoutName.PARQUET:
        from .parquet import Parquet  # pyarrow takes 30 MB: only where it is wanted

        return Parquet(own, tree, context)
    return LAYOUTS[name](own, tree, context)


def _write_faces(tree: Folder, layouts: list[Layout], plan: Plan, report: Report) -> Account:
    """Every picture and annotation, each face told to every layout as it is written."""
    account, n_before = Account(), 0

    def done(n: int) -> None:
        report(PICTURES_END * (n_before + n) / len(plan.places), "Writing pictures")

    with tree.written(ATTRIBUTION) as attribute:
        attribute(documents.attribution_header())
        for subset in plan.subsets:
            places, codes = plan.of(subset), []
            with labels_written(tree, subset) as label:
                for written in write_faces(tree, plan.estimate, places, stored_picture, done):
                    face = written.face
                    account.add(written)
                    attribute(documents.attribution(subset, face.place.name, face.image))
                    label(face)
                    if (units := rafau_text(face.image.action_units)) is not None:
                        codes.append(f"{face.place.name} {units}\n")
                    for layout in layouts:
                        layout.add(written)
            if codes:
                tree.put(f"{subset}/EmoLabel/{ACTION_UNITS}", "".join(codes))
            n_before += len(places)
    return account


def _add_documents(layout: Layout, tree: Folder, told: dict[str, Any]) -> None:
    """What every archive carries, linked from the official tree where it is another's."""
    if layout.own is tree:
        return
    shared = [CITATION, ATTRIBUTION, *([VOTES, ANNOTATORS] if told["has_votes"] else [])]
    for entry in tree.entries:
        if entry.path in shared:
            layout.own.link(tree, entry)


def _scope(plan: Plan, order: Order) -> str:
    """What the codes of people are good for: one version of one project."""
    return f"{plan.estimate.project_id}/{order.version}"


def _subject_codes(plan: Plan, order: Order) -> dict[str, str]:
    subjects = Image.objects.filter(project=plan.estimate.project_id)
    named = subjects.exclude(provenance__subject=None).values_list("provenance__subject", flat=True)
    return codes(f"{_scope(plan, order)}/subject", {str(name) for name in named if name})


def _write_votes(tree: Folder, plan: Plan, order: Order, crowd: Crowd | None) -> None:
    if crowd is None:
        raise JobError(
            f"The frozen votes of estimate {plan.estimate.number} are no longer on the disk. "
            "Leave the votes out, or estimate again."
        )
    from .parquet import write_annotators, write_votes

    names = codes(f"{_scope(plan, order)}/annotator", crowd.annotator_ids.tolist())
    write_votes(tree, plan, crowd, names)
    rows = plan.estimate.annotators.values_list(
        "annotator_id", "n_votes", "reliability", "std_error", "kept"
    )
    write_annotators(tree, ((names[pk], *rest) for pk, *rest in rows))
