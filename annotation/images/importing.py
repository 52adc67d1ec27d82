"""An import from source to rows: read and clean in threads, write in small whole batches.

An import can be killed at any moment and run again. A batch's files and rows appear together:
the rows in one transaction that also proves the job is still ours, the files under names that
follow from the import and the photograph, so that a second attempt writes over what a dead one
left. What an earlier attempt finished is not read again.
"""

import io
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from annotation.jobs.services import Cancelled, Claim
from annotation.labelling.services import open_images
from annotation.people.models import Project

from .copies import Hashes, Index, Prints, are_alike, fingerprint, is_same_face, small_grey
from .models import GivenLabel, Image, Import, Size
from .pictures import Picture, Refused, take_in
from .queries import is_mirrored, traces
from .sidecar import Remark, Row, Sidecar, remark
from .sources import BadSource, Entry, Source

BATCH = 64
"""Images per transaction: long enough to be quick, short enough for votes to pass between."""
THREADS = 2
AHEAD = 24
"""Files read and decoded ahead of the writer; bounds memory."""
NAMES = uuid.UUID("5b3f5a52-6f0e-4c52-8f0d-2f5f7ce6f6a1")
TAKEN_DOWN = "was taken down and may not come back"
Taken = tuple[Entry, Row, Picture]


@dataclass
class Course:
    """One attempt at one import, as it goes on."""

    claim: Claim
    record: Import
    index: Index
    n_todo: int
    start: float = 0.0
    """The share of the job's progress that was done before."""
    held: bool = False
    n_done: int = 0
    remarks: list[Remark] = field(default_factory=list)

    def refuse(self, file: str, why: str) -> None:
        self.remarks.append({"file": file, "what": "refused", "why": why})

    def report(self) -> None:
        done = self.n_done / max(self.n_todo, 1)
        self.claim.report(
            self.start + done * (0.99 - self.start), f"{self.n_done:,} of {self.n_todo:,} files"
        )


def import_from(
    claim: Claim, source: Source, name: str, *, start: float = 0.0, held: bool = False
) -> Import:
    """Import everything of ``source`` that is not there yet, and end the job with its record.

    ``held`` images are not voted on until faces were looked for; those that came with a box are.
    Raises ``BadSource`` where there is nothing to import. Where the import is cancelled or the
    disk is full, what was imported stays and the record says how far it came.
    """
    entries = source.entries()
    if not entries:
        raise BadSource("There are no files in it. Photographs are JPEG, PNG or WebP.")
    described = source.sidecar()
    record, _ = Import.objects.get_or_create(
        job=claim.job,
        defaults={"project": claim.project, "source": name, "created_by": claim.job.created_by},
    )
    already = set(record.images.values_list("file_name", flat=True))
    todo = [entry for entry in entries if entry.name not in already]
    course = Course(
        claim, record, _index_of(claim.project), n_todo=len(todo), start=start, held=held
    )
    course.remarks += described.remarks + described.missing(entry.name for entry in entries)
    try:
        _take_all(course, source, todo, described)
    except (Cancelled, OSError):
        _fill(record, len(entries), course.remarks)
        raise
    with claim.finishing() as result:
        _fill(record, len(entries), course.remarks)
        result |= {
            "import": record.pk,
            "seen": record.n_seen,
            "imported": record.n_imported,
            "refused": record.n_refused,
            "flagged": record.n_flagged,
            "message": f"{record.n_imported:,} of {record.n_seen:,} files imported",
        }
    return record


def _index_of(project: Project) -> Index:
    there = Image.objects.filter(project=project).exclude(state=Image.State.TAKEN_DOWN)
    rows = list(there.values_list("pk", "phash").order_by("pk"))
    return Index([key for key, _ in rows], [value for _, value in rows])


def _take_all(course: Course, source: Source, todo: list[Entry], described: Sidecar) -> None:
    batch: list[Taken] = []
    for entry, outcome in _cleaned(source, todo, described):
        course.n_done += 1
        if isinstance(outcome, Refused):
            course.refuse(entry.name, str(outcome))
        else:
            row = described.rows.get(entry.name, Row())
            course.remarks += [remark(entry.name, why) for why in outcome.remarks]
            batch.append((entry, row, outcome))
        if len(batch) == BATCH:
            _write(course, batch)
            batch = []
        course.report()
    if batch:
        _write(course, batch)


def _cleaned(
    source: Source, todo: list[Entry], described: Sidecar
) -> Iterator[tuple[Entry, Picture | Refused]]:
    """Every file with its clean picture or refusal, in order, decoded ahead in threads."""

    def work(entry: Entry) -> Picture | Refused:
        try:
            if entry.refusal:
                raise Refused(entry.refusal)
            return take_in(source.read(entry.name), described.rows.get(entry.name, Row()).face)
        except Refused as refused:
            return refused

    waiting: deque[tuple[Entry, Future[Picture | Refused]]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="picture") as pool:
        try:
            for entry in todo:
                waiting.append((entry, pool.submit(work, entry)))
                if len(waiting) > AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _write(course: Course, batch: list[Taken]) -> None:
    """Files and rows of a batch, all or none."""
    written: list[str] = []
    try:
        with transaction.atomic():
            course.claim.check()
            images = []
            for entry, row, picture in _without_copies(course, batch):
                image = new_image(course.record, entry.name, row, picture)
                if course.held and image.box is None:
                    image.state = Image.State.HELD
                store(image, picture, written)
                images.append(image)
            Image.objects.bulk_create(images)
            GivenLabel.objects.bulk_create(_given(images, batch))
            _flag_near_copies(course.index, images)
            opened = [image.pk for image in images if image.state == Image.State.ACTIVE]
            open_images(course.record.project, opened)
    except BaseException:
        for name in written:
            default_storage.delete(name)
        raise


def _without_copies(course: Course, batch: list[Taken]) -> Iterator[Taken]:
    """The batch less exact copies of what the project has, or of what came just before.

    Nor does anything come back that was taken down from any project, or a near copy of it.
    """
    wanted = Q(digest__in=[p.digest for _, _, p in batch])
    wanted |= Q(pixel_digest__in=[p.pixel_digest for _, _, p in batch])
    here = Q(project=course.record.project_id) | Q(state=Image.State.TAKEN_DOWN)
    known: dict[str, str] = {}
    for digest, pixel_digest, name, state in Image.objects.filter(wanted, here).values_list(
        "digest", "pixel_digest", "file_name", "state"
    ):
        gone = state == Image.State.TAKEN_DOWN
        why = TAKEN_DOWN if gone else f"exact copy of {name}"
        known |= {digest: why, pixel_digest: why}
    banned = traces()
    for entry, row, picture in batch:
        refusal = known.get(picture.digest) or known.get(picture.pixel_digest)
        if not refusal and banned and _is_like(picture, banned):
            refusal = f"looks like a picture that {TAKEN_DOWN}"
        if refusal:
            course.refuse(entry.name, refusal)
            continue
        why = f"exact copy of {entry.name}"
        known |= {picture.digest: why, picture.pixel_digest: why}
        yield entry, row, picture


def _is_like(picture: Picture, banned: list[Prints]) -> bool:
    prints = fingerprint(io.BytesIO(picture.stored))
    return any(is_same_face(prints, one) for one in banned)


def new_image(record: Import, name: str, row: Row, picture: Picture) -> Image:
    """The row of one picture, not yet saved; its ``uid`` follows from import and bytes."""
    return Image(
        project=record.project,
        imported_in=record,
        uid=uuid.uuid5(NAMES, f"{record.pk}/{picture.digest}"),
        file_name=name,
        digest=picture.digest,
        pixel_digest=picture.pixel_digest,
        phash=picture.hashes.plain,
        mirrored_phash=picture.hashes.mirrored,
        format=picture.format,
        has_display=picture.display is not None,
        width=picture.width,
        height=picture.height,
        box=picture.box,
        landmarks=picture.landmarks,
        auto_landmarks=picture.auto_landmarks,
        provenance=row.provenance,
        **row.attributes,
    )


def _given(images: list[Image], batch: list[Taken]) -> Iterator[GivenLabel]:
    """The labels that came with the images of a batch."""
    given = {entry.name: row.given for entry, row, _ in batch}
    for image in images:
        if (told := given[image.file_name]) is not None:
            yield GivenLabel(image=image, **vars(told))


def store(image: Image, picture: Picture, written: list[str]) -> None:
    """Put the image's files into the storage; every name is noted before it is written."""
    files = {
        Size.ORIGINAL: picture.stored,
        Size.DISPLAY: picture.display,
        Size.THUMB: picture.thumb,
    }
    for size, content in files.items():
        if content is None:
            continue
        name = image.stored_as(size)
        written.append(name)
        if default_storage.exists(name):  # left by an attempt that died
            default_storage.delete(name)
        default_storage.save(name, ContentFile(content))


def _flag_near_copies(index: Index, images: list[Image]) -> None:
    flagged = []
    for image in images:
        image.near_copy_of_id = _near_copy_of(index, image)
        if image.near_copy_of_id is not None:
            flagged.append(image)
        index.add(image.pk, image.phash)
    Image.objects.bulk_update(flagged, ["near_copy_of"])


def _near_copy_of(index: Index, image: Image) -> int | None:
    """The id of the known image that this one looks like, if any."""
    candidates = index.near(Hashes(image.phash, image.mirrored_phash))
    others = Image.objects.in_bulk([found.key for found in candidates]) if candidates else {}
    for found in candidates:
        try:
            with default_storage.open(others[found.key].stored_as()) as file:
                other = small_grey(file)
            with default_storage.open(image.stored_as()) as file:
                if are_alike(small_grey(file, found.is_mirrored), other):
                    return found.key
        except FileNotFoundError:  # the other was taken down: its hash alone must do
            return found.key
    return None


def _fill(record: Import, n_seen: int, remarks: list[Remark]) -> None:
    """Write the report; what was flagged is read from the rows, by whichever attempt it came."""
    flagged = record.images.filter(near_copy_of__isnull=False).select_related("near_copy_of")
    record.report = remarks + [
        {
            "file": image.file_name,
            "what": "flagged",
            "why": f"looks like {image.near_copy_of.file_name}"
            + (", mirrored" if is_mirrored(image) else ""),
            "image": str(image.uid),
        }
        for image in flagged.order_by("pk")
    ]
    record.n_seen = n_seen
    record.n_imported = record.images.count()
    record.n_refused = sum(remark["what"] == "refused" for remark in remarks)
    record.n_flagged = len(record.report) - len(remarks)
    record.save()
