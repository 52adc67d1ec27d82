"""What people may see of images and imports."""

from django.db.models import QuerySet

from annotation.people.models import Project

from .copies import distance
from .models import Image, Import


def images_of(project: Project) -> QuerySet[Image]:
    """All images that were not taken down."""
    return Image.objects.filter(project=project).exclude(state=Image.State.TAKEN_DOWN)


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
