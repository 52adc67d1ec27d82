"""Who has accepted what, and who may not download yet."""

from django.db.models import QuerySet

from annotation.people.models import Person, Project
from annotation.people.queries import Access

from .models import Acceptance, Agreement
from .services import agreement_of


def acceptance_of(agreement: Agreement, person: Person) -> Acceptance | None:
    return Acceptance.objects.filter(agreement=agreement, person=person).first()


def acceptances_of(project: Project) -> QuerySet[Acceptance]:
    """Everybody's, to every version, newest first."""
    rows = Acceptance.objects.filter(agreement__project=project)
    return rows.select_related("agreement", "person").order_by("-id")


def still_to_accept(who: Access) -> Agreement | None:
    """The agreement that stands between this person and a download, if any.

    Curators write the agreement and answer for the pictures; everybody else accepts it.
    """
    if who.is_curator:
        return None
    agreement = agreement_of(who.project)
    return None if acceptance_of(agreement, who.person) else agreement
