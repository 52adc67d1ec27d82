"""Which images of the site a request may mean: by number, by source address, by looks."""

import io
import uuid
from collections.abc import Iterable
from typing import NamedTuple

from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet

from annotation.images.copies import Index, are_alike, small_grey
from annotation.images.models import Image
from annotation.images.pictures import Picture

from .models import Match

How = Match.How
MAX_MATCHES = 200
"""Of one request; an address may be the source of a whole group photograph, not of a data set."""


class Wanted(NamedTuple):
    """What somebody wants removed, as far as they could say it."""

    image: uuid.UUID | None = None
    source_url: str = ""
    picture: Picture | None = None


def find(wanted: Wanted) -> dict[int, How]:
    """By image id, why each image may be meant; of several reasons the surest.

    Copies of what was found, exact ones in other projects and near ones, come along: who wants a
    picture removed wants all of it removed.
    """
    found: dict[int, How] = {}
    if wanted.image is not None:
        _add(found, _images().filter(uid=wanted.image), How.NAMED)
    if wanted.source_url:
        same = Q(provenance__source_url=wanted.source_url)
        _add(found, _images().filter(same), How.SOURCE)
    if wanted.picture is not None:
        same = Q(digest=wanted.picture.digest) | Q(pixel_digest=wanted.picture.pixel_digest)
        _add(found, _images().filter(same), How.SAME)
        _add(found, _alike(wanted.picture), How.ALIKE)
    _add_copies(found)
    return found


def _images() -> QuerySet[Image]:
    return Image.objects.exclude(state=Image.State.TAKEN_DOWN)


def _add(found: dict[int, How], images: QuerySet[Image] | Iterable[int], how: How) -> None:
    ids = images.values_list("pk", flat=True) if isinstance(images, QuerySet) else images
    for pk in list(ids)[:MAX_MATCHES]:
        found.setdefault(pk, how)


def _alike(picture: Picture) -> list[int]:
    """Images that look like a picture or its mirror image, by hash and then by correlation."""
    rows = list(_images().order_by("pk").values_list("pk", "phash"))
    index = Index([pk for pk, _ in rows], [value for _, value in rows])
    near = index.near(picture.hashes)
    known = _images().in_bulk([one.key for one in near])
    alike = []
    for one in near:
        grey = small_grey(io.BytesIO(picture.stored), one.is_mirrored)
        try:
            with default_storage.open(known[one.key].stored_as()) as file:
                if are_alike(grey, small_grey(file)):
                    alike.append(one.key)
        except FileNotFoundError:
            continue
    return alike


def _add_copies(found: dict[int, How]) -> None:
    rows = Image.objects.filter(pk__in=list(found))
    digests = [d for pair in rows.values_list("digest", "pixel_digest") for d in pair]
    same = Q(digest__in=digests) | Q(pixel_digest__in=digests)
    _add(found, _images().filter(same), How.SAME)
    originals = [pk for pk in rows.values_list("near_copy_of", flat=True) if pk is not None]
    near = Q(near_copy_of__in=[*found, *originals]) | Q(pk__in=originals)
    _add(found, _images().filter(near), How.ALIKE)
