"""What people may see of images and imports."""

from django.db.models import Count, Q, QuerySet

from annotation.people.models import Project
from reliability.expressions import NAMES

from .copies import Prints, distance
from .models import Image, Import, Trace
from .pictures import region


def images_of(project: Project) -> QuerySet[Image]:
    """All images that were not taken down."""
    return Image.objects.filter(project=project).exclude(state=Image.State.TAKEN_DOWN)


def mark_of(image: Image) -> list[float] | None:
    """Where the face that is meant lies in the picture as it is shown: x, y, width, height.

    In shares (0–1) of the picture's sides. None unless it was cut from a photograph of several
    faces: where there is one face, a frame around it would only disturb. No query.
    """
    if image.box is None or "face_of" not in image.provenance:
        return None
    left, top, right, bottom = region((image.width, image.height), image.box)
    x1, y1, x2, y2 = image.box
    width, height = right - left, bottom - top
    shares = (x1 - left) / width, (y1 - top) / height, (x2 - x1) / width, (y2 - y1) / height
    return [round(share, 4) for share in shares]


def traces() -> list[Prints]:
    """The fingerprints of every picture that was taken down from any project of the site."""
    rows = Trace.objects.values_list("plain", "mirrored")
    return [Prints(bytes(plain), bytes(mirrored)) for plain, mirrored in rows]


def imports_of(project: Project) -> QuerySet[Import]:
    """The project's imports, newest first."""
    return (
        Import.objects.filter(project=project).select_related("created_by", "job").order_by("-id")
    )


def is_mirrored(image: Image) -> bool:
    """Whether a flagged image looks like the mirror image of its near copy."""
    other = image.near_copy_of
    if other is None:
        return False
    return distance(image.mirrored_phash, other.phash) < distance(image.phash, other.phash)


def filtered(
    images: QuerySet[Image], state: str = "", keyword: str = "", near_copies: bool = False
) -> QuerySet[Image]:
    """The images that match what was chosen; an empty choice matches all."""
    if state:
        images = images.filter(state=state)
    if keyword:
        images = images.filter(provenance__keyword=keyword)
    return images.filter(near_copy_of__isnull=False) if near_copies else images


def undecided_copies(project: Project) -> QuerySet[Image]:
    """Images in the line that look like an earlier one in the line; nobody has decided yet."""
    in_line = (Image.State.ACTIVE, Image.State.HELD)
    return (
        images_of(project)
        .filter(state__in=in_line, near_copy_of__state__in=in_line)
        .select_related("near_copy_of", "project")
        .order_by("pk")
    )


def keywords_of(project: Project) -> list[str]:
    """The search words that photographs were found by, alphabetically."""
    words = images_of(project).filter(provenance__has_key="keyword")
    return sorted(set(words.values_list("provenance__keyword", flat=True).distinct()))


def copies_of(image: Image) -> list[Image]:
    """The images that look like this one, on either side of the flag."""
    linked = Q(near_copy_of=image) | Q(pk=image.near_copy_of_id)
    return list(images_of(image.project).filter(linked).order_by("pk")[:12])


def votes_on(image: Image) -> list[tuple[str, int]]:
    """How many current votes each expression has, in the paper's order."""
    rows = image.assignments.filter(votes__is_current=True)
    counted = dict(rows.values_list("votes__expression").annotate(n=Count("pk")))
    return [(name, counted.get(index, 0)) for index, name in enumerate(NAMES)]
