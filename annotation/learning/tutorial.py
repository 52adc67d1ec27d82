"""A project's tutorial: the default text until a curator writes another; reading it is recorded."""

from functools import cache, lru_cache
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils.translation import get_language

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.images.models import Image
from annotation.images.queries import images_of
from annotation.people.models import Membership, Person, Project

from . import lesson
from .models import Tutorial

TEXTS = Path(__file__).parent / "texts"
Pictures = dict[str, Image]


def text_of(project: Project) -> str:
    """The tutorial as written, or the default one in the reader's language."""
    written = Tutorial.objects.filter(project=project).first()
    return written.text if written else default_text(get_language() or "en")


@cache
def default_text(language: str) -> str:
    """The text that comes with the product; English where it does not speak the language."""
    translated = TEXTS / f"tutorial.{language}.md"
    path = translated if translated.is_file() else TEXTS / "tutorial.md"
    return path.read_text(encoding="utf-8")


def steps_of(project: Project) -> list[lesson.Step]:
    """The tutorial as it is read."""
    return _read(text_of(project))


def checked(project: Project, text: str) -> list[lesson.Step]:
    """The steps of a text; raises ``ValidationError`` with lines, and for images not there."""
    if len(text) > lesson.MAX_TEXT:
        raise ValidationError({"text": f"At most {lesson.MAX_TEXT:,} signs."})
    steps = lesson.read(text)
    names = lesson.names_of_project(steps)
    missing = sorted(names - pictures_of(project, steps).keys())
    if missing:
        raise ValidationError({"text": f"The project has no image {', '.join(missing)}."})
    return steps


def write_tutorial(project: Project, text: str, by: Person) -> Tutorial:
    """Put a text in place of the one before; raises ``ValidationError`` as ``checked`` does."""
    checked(project, text)
    told = {"text": text.replace("\r\n", "\n"), "written_by": by, "written_at": Now()}
    with transaction.atomic():
        before = text_of(project)
        tutorial, _ = Tutorial.objects.update_or_create(project=project, defaults=told)
        told = {"before": f"{len(before):,} signs", "after": f"{len(tutorial.text):,} signs"}
        tell(Kind.LEARNING, "wrote the tutorial", project=project, **told)
    return tutorial


def restore_default(project: Project) -> None:
    """Put the default text back in place of the project's own."""
    with transaction.atomic():
        Tutorial.objects.filter(project=project).delete()
        tell(Kind.LEARNING, "went back to the default tutorial", project=project)


def pictures_of(project: Project, steps: list[lesson.Step]) -> Pictures:
    """The project's images that these steps show, by the name they are written with."""
    names = lesson.names_of_project(steps)
    if not names:
        return {}
    found: Pictures = {}
    for image in images_of(project).filter(file_name__in=names):
        found[image.file_name] = image
    uids = [name for name in names if len(name) == 36 and name.count("-") == 4]
    for image in images_of(project).filter(uid__in=uids) if uids else ():
        found[str(image.uid)] = image
    return found


def finish(membership: Membership) -> None:
    """This person read the tutorial to its end; the first time is kept."""
    Membership.objects.filter(pk=membership.pk).update(
        tutorial_done_at=Coalesce("tutorial_done_at", Now())
    )
    membership.refresh_from_db()


@lru_cache(maxsize=8)
def _read(text: str) -> list[lesson.Step]:
    return lesson.read(text)
