"""Release: from an estimate to an immutable folder; withdrawing it; who had it."""

import logging
import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.estimates.models import Estimate
from annotation.jobs.models import Job
from annotation.jobs.services import request_job
from annotation.people.models import Person, Project

from . import queries
from .crowd import MIN_GROUP
from .features import refusal as features_refusal
from .models import Download, LayoutName, Notice, Release

logger = logging.getLogger(__name__)
MAX_SEED = 2**31 - 1
VERSION = re.compile(r"(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})")


def request_release(
    project: Project,
    by: Person | None,
    *,
    estimate: Estimate | None = None,
    version: str | None = None,
    changelog: str = "",
    seed: int = 0,
    layouts: Iterable[str] = (LayoutName.RAFDB,),
    twelfth: bool = False,
    votes: bool | None = None,
    features: Iterable[int] = (),
    site: str = "",
    any_licence: bool = False,
) -> tuple[Job, bool]:
    """Ask for a release: of the latest estimate, as the next minor version, unless said otherwise.

    The official tree is always among the ``layouts``. ``votes`` publishes the votes themselves,
    where the project shares them (by default where it does); ``features`` are runs whose features
    of every face go in; ``site`` is the address that the datasheet names for take-downs. Everything
    the build depends on is fixed here, in the job's parameters, so that building again gives the
    same bytes. Raises ``ValidationError``.
    """
    estimate = estimate or project.estimates.first()
    if estimate is None or estimate.project_id != project.pk:
        raise ValidationError({"estimate": "There is no estimate yet: estimate first."})
    if not 0 <= seed <= MAX_SEED:
        raise ValidationError({"seed": f"{seed} is not between 0 and {MAX_SEED}."})
    runs = sorted(set(features))
    if why := features_refusal(project, runs):
        raise ValidationError({"features": why})
    parent = project.releases.first()
    version = version or queries.next_version(parent)
    _check_version(version, parent)
    parameters = {
        "version": version,
        "estimate": estimate.number,
        "parent": parent.version if parent else None,
        "seed": seed,
        "changelog": changelog.strip(),
        "layouts": _known_layouts(layouts),
        "twelfth": twelfth,
        "votes": _with_votes(project, estimate, votes),
        "features": runs,
        "site": site or (parent.parameters.get("site", "") if parent else ""),
        "any_licence": any_licence,
    }
    return request_job(project, "release", parameters, by)


def request_patch(release: Release, version: str, changelog: str) -> tuple[Job, bool]:
    """Ask for a release like another one, of the same estimate, as a version of its own."""
    newest = release.project.releases.first()
    _check_version(version, newest)
    parameters = release.parameters | {
        "votes": release.parameters.get("votes", False) and release.project.shares_votes,
        "version": version,
        "parent": newest.version if newest else None,
        "changelog": changelog,
    }
    return request_job(release.project, "release", parameters, None)


def withdraw_release(release: Release, reason: str) -> int:
    """Take a version back, for good, and leave a notice for everybody who downloaded it.

    Returns how many people were notified. Withdrawing twice changes nothing.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": "Say why: everybody who downloaded it will read it."})
    with transaction.atomic():
        changed = Release.objects.filter(pk=release.pk, state=Release.State.PUBLISHED).update(
            state=Release.State.WITHDRAWN, withdrawn_reason=reason[:300], withdrawn_at=Now()
        )
        people = set(release.downloads.values_list("person_id", flat=True)) if changed else set()
        text = f"{release.project.name} {release.version} was withdrawn: {reason}"[:500]
        Notice.objects.bulk_create(
            Notice(release=release, person_id=pk, text=text) for pk in sorted(people)
        )
        if changed:
            told = {"before": "published", "after": f"withdrawn: {reason}; {len(people)} told"}
            project, subject = release.project_id, release.version
            tell(Kind.RELEASES, "withdrew a release", project=project, subject=subject, **told)
    release.refresh_from_db()
    return len(people)


def mail_notices() -> int:
    """Send every notice that was not sent yet to whoever has an address; how many were sent."""
    waiting = Notice.objects.filter(mailed_at=None).select_related("person", "release__project")
    return sum(_mail(notice) for notice in waiting)


def _mail(notice: Notice) -> bool:
    """Send one notice, once; where the mail server refuses, another time."""
    release, address = notice.release, notice.person.email
    try:
        with transaction.atomic():
            mine = Notice.objects.filter(pk=notice.pk, mailed_at=None)
            if not mine.update(mailed_at=Now()) or not address:
                return False
            send_mail(
                f"{release.project.name} {release.version} was withdrawn",
                f"{notice.text}\n\nYou downloaded it. Please delete your copies and take the next "
                "version, which the page of this release names as soon as it is there.\n",
                None,
                [address],
            )
    except OSError as error:  # smtplib's exceptions are OSErrors
        logger.warning("notice %s not mailed: %s", notice.pk, error)
        return False
    return True


def read_notice(person: Person, notice_id: int) -> None:
    """Note that a person has read a notice of theirs."""
    Notice.objects.filter(pk=notice_id, person=person, read_at=None).update(read_at=Now())


def record_download(release: Release, person: Person, path: str, n_bytes: int = 0) -> None:
    """Note that a person fetched something; a resumed download stays one row and adds up."""
    mine = Download.objects.filter(release=release, person=person, path=path[:300])
    again = {
        "n_requests": F("n_requests") + 1,
        "n_bytes": F("n_bytes") + n_bytes,
        "last_at": Now(),
    }
    if mine.update(**again):
        return
    try:
        with transaction.atomic():
            Download.objects.create(
                release=release, person=person, path=path[:300], n_bytes=n_bytes
            )
    except IntegrityError:  # two connections began it at once
        mine.update(**again)


def _check_version(version: str, parent: Release | None) -> None:
    if not VERSION.fullmatch(version):
        raise ValidationError({"version": f"{version!r} is not three numbers such as 1.0.0."})
    if parent and queries.numbers(version) <= queries.numbers(parent.version):
        raise ValidationError(
            {"version": f"{version} must be above {parent.version}, the newest there is."}
        )


def _known_layouts(layouts: Iterable[str]) -> list[str]:
    asked = {*layouts, LayoutName.RAFDB.value}
    unknown = sorted(asked - set(LayoutName.values))
    if unknown:
        known = ", ".join(LayoutName.values)
        raise ValidationError({"layouts": f"{', '.join(unknown)}: known are {known}."})
    return [layout for layout in LayoutName.values if layout in asked]


def _with_votes(project: Project, estimate: Estimate, asked: bool | None) -> bool:
    """Whether the votes go in; raises where they were asked for and may not."""
    refusal = ""
    if not project.shares_votes:
        refusal = "This project does not share its votes: see its settings."
    elif estimate.n_annotators < MIN_GROUP:
        refusal = f"Votes of fewer than {MIN_GROUP} people are not published one by one."
    if asked and refusal:
        raise ValidationError({"votes": refusal})
    return not refusal if asked is None else asked
