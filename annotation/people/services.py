"""People come and go: projects, memberships, invitations, tokens."""

import hashlib
import re
import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.text import slugify

from annotation.audit.models import Kind
from annotation.audit.services import tell

from .models import Invitation, Membership, Person, Project, Role, Token

CODE_LETTER = {Role.ANNOTATOR: "A", Role.CODER: "C", Role.CURATOR: "K", Role.RESEARCHER: "R"}
TOKEN_PREFIX = "rafter_"  # noqa: S105 - a prefix that secret scanners can know, not a secret


def create_project(name: str, curator: Person, **settings: object) -> Project:
    """Open a project whose first curator is ``curator``."""
    project = Project(name=name, slug=_free_slug(name), **settings)
    project.full_clean()
    with transaction.atomic():
        project.save()
        join(project, curator, Role.CURATOR)
        tell(Kind.PROJECT, "opened the project", project=project, subject=project.name)
    return project


def join(project: Project, person: Person, role: str) -> Membership:
    """Make the person a member in this role, or wake the membership they had."""
    role = Role(role)
    known = Membership.objects.filter(project=project, person=person, role=role).first()
    if known is not None:
        if not known.is_active:
            Membership.objects.filter(pk=known.pk).update(is_active=True, excluded_reason="")
            known.refresh_from_db()
        return known
    for _ in range(20):  # two people who join at once may reach for one code
        try:
            with transaction.atomic():
                return Membership.objects.create(
                    project=project, person=person, role=role, code=_next_code(project, role)
                )
        except IntegrityError:
            known = Membership.objects.filter(project=project, person=person, role=role).first()
            if known is not None:
                return known
    raise RuntimeError(f"no free code for a new {role} of project {project.slug}")


def roles_of(membership: Membership) -> list[str]:
    """The roles in which this person is active in the project."""
    rows = Membership.objects.filter(
        project=membership.project_id, person=membership.person_id, is_active=True
    )
    return list(rows.order_by("role").values_list("role", flat=True))


def leave(membership: Membership) -> None:
    """Deactivate a membership; what the person did stays."""
    Membership.objects.filter(pk=membership.pk).update(is_active=False)


def invite(
    project: Project, role: str, by: Person, *, days: int = 14, max_uses: int = 1, note: str = ""
) -> tuple[Invitation, str]:
    """Make an invitation; returns it and the secret for its link, which is not kept."""
    secret = secrets.token_urlsafe(24)
    invitation = Invitation(
        project=project,
        role=Role(role),
        digest=token_digest(secret),
        note=note,
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days),
        max_uses=max_uses,
    )
    invitation.full_clean()
    with transaction.atomic():
        invitation.save()
        words = f"invited up to {max_uses} as {role} for {days} days"
        tell(Kind.PEOPLE, words, project=project, subject=note)
    return invitation, secret


def open_invitation(secret: str) -> Invitation | None:
    """The invitation behind a link, if it still opens."""
    return (
        Invitation.objects.filter(
            digest=token_digest(secret),
            revoked_at=None,
            expires_at__gt=Now(),
            n_uses__lt=F("max_uses"),
        )
        .select_related("project")
        .first()
    )


def accept_invitation(invitation: Invitation, person: Person) -> Membership:
    """Join by invitation; counts one use. Raises ``ValidationError`` if it closed meanwhile."""
    role = invitation.role
    member = Membership.objects.filter(project=invitation.project, person=person, role=role).first()
    if member is not None and member.is_active:
        return member
    if member is not None and member.excluded_reason:
        raise ValidationError("A curator ended your work in this project; ask them.")
    with transaction.atomic():
        used = Invitation.objects.filter(
            pk=invitation.pk, revoked_at=None, expires_at__gt=Now(), n_uses__lt=F("max_uses")
        ).update(n_uses=F("n_uses") + 1)
        if not used:
            raise ValidationError("This invitation has been used up, revoked or has expired.")
        joined = join(invitation.project, person, role)
        words = f"joined as {role} by invitation of {invitation.created_by.username}"
        tell(Kind.PEOPLE, words, project=invitation.project, subject=joined.code)
        return joined


def join_as_new_person(
    invitation: Invitation, username: str, password: str, display_name: str = ""
) -> Person:
    """Make an account and join by invitation: both or neither. Raises ``ValidationError``."""
    with transaction.atomic():
        person = create_person(username, password, display_name=display_name)
        accept_invitation(invitation, person)
    return person


def revoke_invitation(invitation: Invitation) -> None:
    """Close an invitation's link at once; who came by it stays."""
    with transaction.atomic():
        closed = Invitation.objects.filter(pk=invitation.pk, revoked_at=None)
        if closed.update(revoked_at=Now()):
            words = f"closed an invitation as {invitation.role}"
            tell(Kind.PEOPLE, words, project=invitation.project_id, subject=invitation.note)


def exclude(membership: Membership, reason: str) -> None:
    """Deactivate a membership with a reason that the curators read; their work stays.

    Raises ``ValidationError`` without a reason, or where no curator would be left.
    """
    if not reason.strip():
        raise ValidationError({"reason": "Say why: the other curators will read it."})
    others = Membership.objects.filter(
        project=membership.project, role=Role.CURATOR, is_active=True
    ).exclude(pk=membership.pk)
    if membership.role == Role.CURATOR and not others.exists():
        raise ValidationError({"reason": "A project needs a curator; make another one first."})
    Membership.objects.filter(pk=membership.pk).update(
        is_active=False, excluded_reason=reason.strip()[:300]
    )


def readmit(membership: Membership) -> None:
    """Wake a membership that was ended, by exclusion or otherwise."""
    Membership.objects.filter(pk=membership.pk).update(is_active=True, excluded_reason="")


def create_person(username: str, password: str | None, **fields: object) -> Person:
    """A new person; ``password=None`` makes one who cannot sign in (simulated people)."""
    person = Person(username=username, **fields)
    if password is not None:
        validate_password(password, person)
    person.set_password(password)
    person.full_clean(exclude=["password"])
    person.save()
    return person


def new_password() -> str:
    """Four groups that a person can type: about 79 random bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def create_token(
    person: Person, name: str, scope: str, days: int | None = None, *, by: Token | None = None
) -> tuple[Token, str]:
    """A personal API token; returns it and the secret, which is shown once and never kept.

    One that is made ``by`` another token may neither do more than it nor outlive it.
    """
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    if by is not None:
        if by.scope not in (scope, Token.Scope.CURATOR):
            raise ValidationError({"scope": f"This token may only make tokens of {by.scope}."})
        expires_at = min(filter(None, (expires_at, by.expires_at)), default=None)
    token = Token(
        person=person,
        name=name,
        scope=scope,
        digest=token_digest(secret),
        expires_at=expires_at,
    )
    token.full_clean()
    with transaction.atomic():
        token.save()
        words = f"made a token of {person.username} with the scope {scope}"
        tell(Kind.ACCOUNTS, words, subject=name)
    return token, secret


def revoke_token(token: Token) -> None:
    """Close a token at once."""
    with transaction.atomic():
        Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())
        tell(Kind.ACCOUNTS, f"revoked a token of {token.person.username}", subject=token.name)


def token_digest(secret: str) -> str:
    """SHA-256 of a secret with 192 or more random bits; slow hashing would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _free_slug(name: str) -> str:
    stem = slugify(name)[:50] or "project"
    taken = set(Project.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(s for s in (stem, *(f"{stem}-{i}" for i in range(2, 10_000))) if s not in taken)


def _next_code(project: Project, role: Role) -> str:
    letter = CODE_LETTER[role]
    codes = Membership.objects.filter(project=project, role=role).values_list("code", flat=True)
    numbers = [int(m.group(1)) for c in codes if (m := re.fullmatch(letter + r"(\d+)", c))]
    return f"{letter}{max(numbers, default=0) + 1:03d}"
