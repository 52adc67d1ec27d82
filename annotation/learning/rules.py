"""What a project asks before ordinary work and mixes into it: the numbers, in one place."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation.audit.models import Kind
from annotation.audit.services import difference, tell
from annotation.people.models import Project

NAMES = frozenset(
    {
        *("after_withdrawal", "asks_tutorial", "gives_feedback", "shows_own_quality"),
        *("qualification_faces", "qualification_pass_percent", "qualification_tries"),
        *("qualification_wait_hours", "gold_every", "repeat_every", "repeat_distance"),
    }
)


def change(project: Project, **values: Any) -> Project:
    """Set some of the rules; they hold from the next face on.

    Raises ``ValidationError`` for a number out of range, and where a qualification asks for more
    faces with known answers than there are.
    """
    unknown = values.keys() - NAMES
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "No such rule."))
    before = Project.objects.filter(pk=project.pk).values(*values).first() if values else {}
    for name, value in values.items():
        setattr(project, name, value)
    n_known = project.gold.filter(is_active=True, image__state="active").count()
    if "qualification_faces" in values and project.qualification_faces > n_known:
        said = f"Only {n_known} faces with known answers are marked."
        raise ValidationError({"qualification_faces": said})
    project.clean_fields(exclude={f.name for f in Project._meta.fields} - values.keys())
    project.validate_constraints()
    with transaction.atomic():
        project.save(update_fields=sorted(values))
        told = difference(before or {}, values)
        tell(Kind.LEARNING, "changed the rules of learning", project=project, **told)
    return project
