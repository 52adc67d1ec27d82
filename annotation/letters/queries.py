"""Reading messages: a curator's sent ones, a person's own."""

from django.db.models import Count, Q, QuerySet

from annotation.people.models import Person, Project

from .models import Delivery, Letter


def letters_of(project: Project) -> QuerySet[Letter]:
    """What was sent in a project, newest first, with how many got and read it."""
    rows = Letter.objects.filter(project=project).select_related("written_by")
    return rows.annotate(
        n_to=Count("deliveries"),
        n_read=Count("deliveries", filter=Q(deliveries__read_at__isnull=False)),
    ).order_by("-pk")


def unread(person: Person, project: Project | None = None) -> list[Letter]:
    """What a person has not read yet, oldest first: five at most."""
    mine = Delivery.objects.filter(
        membership__person=person,
        membership__is_active=True,
        read_at=None,
        letter__withdrawn_at=None,
    )
    if project is not None:
        mine = mine.filter(letter__project=project)
    rows = Letter.objects.filter(pk__in=mine.values("letter"))
    return list(rows.select_related("project", "written_by").order_by("pk")[:5])
