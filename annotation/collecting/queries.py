"""What curators may see of collections."""

from collections import Counter
from typing import Any

from django.db.models import Count, QuerySet

from annotation.people.models import Project

from .models import Collection, Photograph


def collections_of(project: Project) -> QuerySet[Collection]:
    """The project's collections, newest first, with their jobs."""
    return (
        Collection.objects.filter(project=project)
        .select_related("job", "job__imported", "created_by")
        .order_by("-pk")
    )


def course_of(collection: Collection) -> dict[str, int]:
    """How far it came: photographs found, fetched and refused; seen and repeated in answers."""
    rows = collection.photographs.values_list("state").annotate(n=Count("pk"))
    states = Counter(dict(rows))
    return {
        "seen": collection.cursor.get("seen", 0),
        "repeated": collection.cursor.get("repeated", 0),
        "unusable": collection.cursor.get("unusable", 0),
        "found": sum(states.values()),
        "fetched": states[Photograph.State.FETCHED],
        "refused": states[Photograph.State.REFUSED],
    }


def reasons_of(collection: Collection, most: int = 20) -> list[tuple[str, int]]:
    """Why photographs did not come, the most frequent first."""
    rows: Any = (
        collection.photographs.filter(state=Photograph.State.REFUSED)
        .values_list("why")
        .annotate(n=Count("pk"))
        .order_by("-n", "why")
    )
    return list(rows[:most])
