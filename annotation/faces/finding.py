"""Finding faces as a job: image by image, each with its outcome in one transaction."""

import io
from collections import Counter
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from PIL import Image as Pillow

from annotation.images.importing import new_image, store
from annotation.images.models import Image, Size
from annotation.images.pictures import Face as Placed
from annotation.images.pictures import copies, take_in
from annotation.images.sidecar import Row
from annotation.jobs.services import Claim
from annotation.labelling.services import close_images, open_images
from annotation.people.models import Project

from .detecting import Detector, detector
from .looking import Face, look
from .marking import mark_faces
from .models import Finding

Kind = Finding.Kind
State = Image.State
SURROUNDINGS = 0.9
"""A face of several is cut out with so much around it, in sides of its box."""
QUALITY = 95


def waiting(project: Project) -> QuerySet[Image]:
    """Images without a box in which nobody has looked for faces."""
    return Image.objects.filter(
        Q(state=State.HELD) | Q(state=State.ACTIVE, box__isnull=True), project=project, finding=None
    )


def find_faces(claim: Claim) -> None:
    """Look at every waiting image, mark every face; the job's result counts what was found."""
    ids = list(waiting(claim.project).order_by("pk").values_list("pk", flat=True))
    finder = detector(settings.FACE_MODEL)
    found: Counter[str] = Counter()
    for n, pk in enumerate(ids):
        claim.report(n / max(len(ids), 1), f"{n:,} of {len(ids):,} photographs looked at")
        image = Image.objects.select_related("imported_in", "project").get(pk=pk)
        found[_take(claim, image, finder)] += 1
    n_marked = mark_faces(claim)
    with claim.finishing() as result:
        result |= {str(kind): found[kind] for kind in Kind} | {"marked": n_marked}
        doubtful = len(ids) - found[Kind.FACE]
        result["message"] = (
            f"{found[Kind.FACE]:,} of {len(ids):,} photographs have one face; "
            f"{doubtful:,} wait for a decision"
        ) + (f"; {n_marked:,} faces marked" if n_marked else "")


def _take(claim: Claim, image: Image, finder: Detector) -> str:
    """Look at one image and store what was seen, with all that follows from it."""
    with default_storage.open(image.stored_as()) as file:
        stored = file.read()
    with Pillow.open(io.BytesIO(stored), formats=("JPEG", "PNG", "WEBP")) as opened:
        picture = opened.convert("RGB")
    kind, faces = look(np.asarray(picture), finder)
    written: list[str] = []
    try:
        with transaction.atomic():
            claim.check()
            _store(image, kind, faces, finder.name)
            if kind == Kind.FACE:
                place(image, faces[0].stored(), stored, picture)
                let_in(image)
            elif kind == Kind.SEVERAL:
                _part(image, [face for face in faces if face.is_good], picture, written)
    except BaseException:
        for name in written:
            default_storage.delete(name)
        raise
    return kind


def _store(image: Image, kind: str, faces: list[Face], name: str) -> None:
    Finding.objects.create(
        image=image, kind=kind, detector=name, faces=[face.stored() for face in faces[:20]]
    )


def place(image: Image, face: dict[str, Any], stored: bytes, picture: Pillow.Image) -> None:
    """Give the image its face, and copies for labelling that show it."""
    image.box, image.proposed_landmarks = face["box"], face["landmarks"]
    display, thumb, _ = copies(picture, image.box, image.format, len(stored))
    image.has_display = display is not None
    for size, content in ((Size.DISPLAY, display), (Size.THUMB, thumb)):
        if content is not None:
            name = image.stored_as(size)
            default_storage.delete(name)
            default_storage.save(name, ContentFile(content))
    image.save(update_fields=["box", "proposed_landmarks", "has_display"])


def let_in(image: Image) -> None:
    """A held image joins the line."""
    if Image.objects.filter(pk=image.pk, state=State.HELD).update(state=State.ACTIVE):
        open_images(image.project, [image.pk])
        image.refresh_from_db(fields=["state"])


def _part(image: Image, faces: list[Face], picture: Pillow.Image, written: list[str]) -> None:
    """Each face of a photograph becomes an image of its own; the photograph leaves the line."""
    parts = []
    for number, face in enumerate(faces, start=1):
        region, local = _cut(picture, face)
        taken = take_in(region, local)
        name = f"{image.file_name[:280]} · face {number}"
        row = Row(provenance={**image.provenance, "face_of": str(image.uid)})
        part = new_image(image.imported_in, name, row, taken)
        part.proposed_landmarks, part.landmarks = part.landmarks, None
        if not _is_known(part):
            store(part, taken, written)
            parts.append(part)
    Image.objects.bulk_create(parts)
    open_images(image.project, [part.pk for part in parts])
    reason = f"shows {len(faces)} faces; each is an image of its own"
    Image.objects.filter(pk=image.pk).update(state=State.EXCLUDED, state_reason=reason)
    close_images([image.pk])


def _cut(picture: Pillow.Image, face: Face) -> tuple[bytes, Placed]:
    """The face with its surroundings as JPEG, and where it is in it."""
    x_min, y_min, x_max, y_max = face.box
    margin = SURROUNDINGS * max(x_max - x_min, y_max - y_min)
    left, top = max(int(x_min - margin), 0), max(int(y_min - margin), 0)
    right = min(int(x_max + margin), picture.width)
    bottom = min(int(y_max + margin), picture.height)
    out = io.BytesIO()
    picture.crop((left, top, right, bottom)).save(out, "JPEG", quality=QUALITY, subsampling=0)
    points = face.landmarks and tuple((x - left, y - top) for x, y in face.landmarks)
    box = (x_min - left, y_min - top, x_max - left, y_max - top)
    return out.getvalue(), Placed(box, points or None)


def _is_known(part: Image) -> bool:
    same = Q(digest=part.digest) | Q(pixel_digest=part.pixel_digest)
    return Image.objects.filter(same, project=part.project_id).exists()
