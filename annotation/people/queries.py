"""Who may see and do what. Every look-up of a project goes through ``Access``."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.http import Http404

from .models import Invitation, Membership, Person, Project, Role, Token

SCOPE_ROLES = {
    Token.Scope.ANNOTATOR: {Role.ANNOTATOR, Role.CODER},
    Token.Scope.RESEARCHER: {Role.RESEARCHER},
    Token.Scope.CURATOR: set(Role),
}


@dataclass(frozen=True)
class Access:
    """A person in a project, with the roles that count for this request."""

    person: Person
    project: Project
    roles: frozenset[str]
    memberships: tuple[Membership, ...]

    def has(self, *roles: str) -> bool:
        return bool(self.roles.intersection(roles))

    @property
    def is_curator(self) -> bool:
        return Role.CURATOR in self.roles

    @property
    def may_download(self) -> bool:
        return self.has(Role.CURATOR, Role.RESEARCHER)

    @property
    def annotator(self) -> Membership | None:
        """This person's membership as annotator, which assignments and votes hang on."""
        found = [m for m in self.memberships if m.role == Role.ANNOTATOR]
        return found[0] if found else None


def projects_of(person: Person, token: Token | None = None) -> QuerySet[Project]:
    """The projects in which this person is an active member (in a role the token covers)."""
    members = Membership.objects.filter(person=person, is_active=True, role__in=_roles(token))
    return Project.objects.filter(pk__in=members.values("project")).order_by("name", "pk")


def access(person: Any, slug: str, *roles: str, token: Token | None = None) -> Access:
    """The person's access to one project; 404 unless they hold one of ``roles`` in it.

    Without ``roles`` any membership suffices. A token narrows the roles to its scope.
    """
    if not getattr(person, "is_authenticated", False):
        raise Http404("No such project.")
    memberships = tuple(
        Membership.objects.filter(
            person=person, project__slug=slug, is_active=True, role__in=_roles(token)
        ).select_related("project")
    )
    held = frozenset(m.role for m in memberships)
    if not memberships or (roles and not held.intersection(roles)):
        raise Http404("No such project.")
    return Access(person, memberships[0].project, held, memberships)


def tokens_of(person: Person, token: Token | None = None) -> QuerySet[Token]:
    """The person's tokens that are not revoked, newest first.

    Asked with a ``token``, only those that may do no more than it.
    """
    rows = Token.objects.filter(person=person, revoked_at=None).order_by("-pk")
    if token is None or token.scope == Token.Scope.CURATOR:
        return rows
    return rows.filter(scope=token.scope)


def members_of(project: Project) -> QuerySet[Membership]:
    """Everybody who is or was in the project: those at work first, by role and code."""
    members = Membership.objects.filter(project=project).select_related("person")
    return members.order_by("-is_active", "role", "code")


def invitations_of(project: Project) -> QuerySet[Invitation]:
    """The invitations that still open, newest first."""
    still_open = Invitation.objects.filter(
        project=project, revoked_at=None, expires_at__gt=Now(), n_uses__lt=F("max_uses")
    )
    return still_open.select_related("created_by").order_by("-pk")


def _roles(token: Token | None) -> set[Role]:
    return set(Role) if token is None else SCOPE_ROLES[Token.Scope(token.scope)]
