"""What may be read of learning: what a person must do first, and the texts in force."""

from collections import defaultdict
from dataclasses import dataclass

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotation.estimates.models import Estimate, ItemEstimate
from annotation.images.models import Image
from annotation.people.models import Membership, Project, Role
from reliability import Subset
from reliability.expressions import N_EXPRESSIONS

from .measures import Score, score
from .models import Check, CheckAnswer, Consent, ConsentText, Gold


class Step(models.TextChoices):
    """What comes before ordinary work, in this order; each is a page of that name."""

    CONSENT = "consent"
    TUTORIAL = "tutorial"
    QUALIFICATION = "qualification"


def next_step(membership: Membership) -> Step | None:
    """What this person must do before further faces; ``None`` if they may go on. No query."""
    project = membership.project
    if project.consent_version > membership.consent_version:
        return Step.CONSENT
    if project.asks_tutorial and membership.tutorial_done_at is None:
        return Step.TUTORIAL
    if project.qualification_faces and membership.qualified_at is None:
        return Step.QUALIFICATION
    return None


def may_answer(membership: Membership) -> bool:
    """Whether answers are taken: consent to some version stands, where it is asked. No query."""
    return not membership.project.consent_version or membership.consent_version > 0


def consent_in_force(project: Project) -> ConsentText | None:
    """The text that people are asked to accept; ``None`` where none is asked."""
    return project.consent_texts.filter(version=project.consent_version).first()


def consent_of(membership: Membership) -> Consent | None:
    """The last consent that this person gave and did not take back."""
    given = Consent.objects.filter(membership=membership, ended_at=None).select_related("text")
    return given.order_by("-text__version").first()


def consents_in(project: Project) -> QuerySet[ConsentText]:
    """Every version, newest first, with how many people stand by it (``n_standing``)."""
    standing = Count("consents", filter=Q(consents__ended_at=None))
    texts = ConsentText.objects.filter(project=project).select_related("written_by")
    return texts.annotate(n_standing=standing).order_by("-version")


def learning_state(project: Project) -> dict[str, int]:
    """How many of the annotators at work have read, agreed and qualified; how many faces known."""
    people = Membership.objects.filter(project=project, role=Role.ANNOTATOR, is_active=True)
    counted = people.aggregate(
        n_people=Count("pk"),
        n_read=Count("pk", filter=Q(tutorial_done_at__isnull=False)),
        n_qualified=Count("pk", filter=Q(qualified_at__isnull=False)),
    )
    known = Gold.objects.filter(project=project, is_active=True, image__state=Image.State.ACTIVE)
    return {**counted, "n_known": known.count()}


@dataclass(frozen=True)
class Scores:
    """One person's results: known answers hit, and own answers given again."""

    gold: Score
    repeat: Score


NO_SCORES = Scores(score([]), score([]))


def open_checks(membership: Membership) -> list[Check]:
    """The checks a person has open, oldest first; their browser mixes them with assignments."""
    rows = membership.checks.filter(
        state=Check.State.OPEN, expires_at__gt=timezone.now(), image__state=Image.State.ACTIVE
    )
    return list(rows.select_related("image").order_by("drawn_at", "id"))


def n_checks(membership: Membership) -> tuple[int, int]:
    """How many checks a person has answered and how many were drawn, for what their page shows."""
    done = Count("pk", filter=Q(state=Check.State.ANSWERED))
    counted = membership.checks.aggregate(done=done, drawn=Count("pk"))
    return counted["done"], counted["drawn"]


def scores_in(project: Project) -> dict[int, Scores]:
    """By membership id, the results of everybody who answered a check."""
    return _scores(CheckAnswer.objects.filter(check_row__annotator__project=project))


def scores_of(membership: Membership) -> Scores:
    found = _scores(CheckAnswer.objects.filter(check_row__annotator=membership))
    return found.get(membership.pk, NO_SCORES)


def gold_of(project: Project) -> QuerySet[Gold]:
    """The faces with known answers, newest first, with how often they were answered and hit."""
    answers = CheckAnswer.objects.filter(
        check_row__kind=Check.Kind.GOLD, check_row__image=OuterRef("image"), is_current=True
    ).order_by()
    hit = answers.filter(expression=models.F("check_row__expected"))
    flagged = Check.objects.filter(image=OuterRef("image"), state=Check.State.FLAGGED).order_by()
    rows = Gold.objects.filter(project=project, is_active=True).select_related("image", "marked_by")
    return rows.annotate(
        n_answers=_count(answers, "check_row__image"),
        n_right=_count(hit, "check_row__image"),
        n_flagged=_count(flagged, "image"),
    ).order_by("-pk")


def suggestions(estimate: Estimate, per_expression: int = 6) -> list[ItemEstimate]:
    """The clearest single-label faces of each expression that are not marked yet."""
    marked = Gold.objects.filter(image=OuterRef("image"), is_active=True)
    clear = estimate.items.filter(
        ~Exists(marked), subset=Subset.SINGLE_LABEL, image__state=Image.State.ACTIVE
    ).select_related("image")
    ordered = clear.order_by("entropy", "-n_votes", "image_id")
    found: list[ItemEstimate] = []
    for expression in range(N_EXPRESSIONS):
        found += ordered.filter(consensus=expression)[:per_expression]
    return found


def _count(rows: QuerySet[models.Model], by: str) -> models.Subquery:
    counted = rows.values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(models.Subquery(counted), 0)  # type: ignore[return-value]


def _scores(answers: QuerySet[CheckAnswer]) -> dict[int, Scores]:
    rows = answers.filter(is_current=True).order_by()
    counted = rows.values_list(
        "check_row__annotator", "check_row__kind", "check_row__expected", "expression"
    ).annotate(n=Count("pk"))
    by_person: dict[int, dict[str, list[tuple[int, int, int]]]] = defaultdict(
        lambda: {Check.Kind.GOLD: [], Check.Kind.REPEAT: []}
    )
    for annotator, kind, expected, answered, n in counted:
        by_person[annotator][kind].append((expected, answered, n))
    return {
        annotator: Scores(score(kinds[Check.Kind.GOLD]), score(kinds[Check.Kind.REPEAT]))
        for annotator, kinds in by_person.items()
    }
