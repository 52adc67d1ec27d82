"""What people may see of findings."""

from django.db.models import Count, QuerySet

from annotation.images.models import Image
from annotation.people.models import Project

from .models import Finding

Kind = Finding.Kind


def findings_of(project: Project) -> QuerySet[Finding]:
    """What was seen in the project's images that were not taken down, by image."""
    return (
        Finding.objects.filter(image__project=project)
        .exclude(image__state=Image.State.TAKEN_DOWN)
        .select_related("image", "image__project")
        .order_by("image_id")
    )


def doubtful(project: Project, kind: str = "") -> QuerySet[Finding]:
    """Photographs that wait for a decision."""
    rows = findings_of(project).filter(decision="").exclude(kind=Kind.FACE)
    return rows.filter(kind=kind) if kind else rows


def counts_of(project: Project) -> dict[str, int]:
    """How many findings of each kind there are, decided or not."""
    rows = findings_of(project).order_by().values_list("kind").annotate(n=Count("pk"))
    counted = dict(rows)
    return {str(kind): counted.get(kind, 0) for kind in Kind}
