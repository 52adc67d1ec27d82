"""What may be read of estimates."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from annotation.images.models import GivenLabel, Image
from annotation.labelling.models import Vote
from annotation.labelling.queries import moved_since
from annotation.people.models import Membership, Project
from reliability import Subset

from .models import AnnotatorEstimate, Estimate, ItemEstimate, Overruling


def estimates_of(project: Project) -> QuerySet[Estimate]:
    """The project's estimates, newest first."""
    return Estimate.objects.filter(project=project).select_related("job").order_by("-number")


def latest_estimate(project: Project) -> Estimate | None:
    return estimates_of(project).first()


def latest_fit(project: Project) -> Estimate | None:
    """The last estimate that was fitted to votes, not given with the images."""
    return estimates_of(project).exclude(method="given").first()


def before(estimate: Estimate) -> Estimate | None:
    """The estimate before this one."""
    return estimates_of(estimate.project).filter(number__lt=estimate.number).first()


def changed_since(
    estimate: Estimate, earlier: Estimate, items: QuerySet[ItemEstimate] | None = None
) -> QuerySet[ItemEstimate]:
    """The images that this estimate names otherwise than an earlier one did."""
    then = ItemEstimate.objects.filter(estimate=earlier, image=OuterRef("image"))
    rows = estimate.items.all() if items is None else items
    return rows.filter(Exists(then.exclude(consensus=OuterRef("consensus"))))


def folder_of(estimate: Estimate) -> Path:
    """Where the estimate's tables, report and figures are."""
    folder: Path = settings.ESTIMATES_ROOT / estimate.folder
    return folder


def has_votes(project: Project) -> bool:
    """Whether there is anything to estimate from: one current vote on an active image."""
    votes = Vote.objects.filter(is_current=True, assignment__annotator__project=project)
    return votes.filter(assignment__image__state=Image.State.ACTIVE).exists()


def has_given_labels(project: Project) -> bool:
    """Whether some active image came with a label, for an estimate by the method ``given``."""
    rows = GivenLabel.objects.filter(image__project=project, image__state=Image.State.ACTIVE)
    return rows.exists()


def history_of(annotator: Membership) -> QuerySet[AnnotatorEstimate]:
    """This annotator's reliability in every estimate, oldest first."""
    rows = AnnotatorEstimate.objects.filter(annotator=annotator)
    return rows.select_related("estimate").order_by("estimate__number")


def standing_overrulings(project: Project) -> dict[int, Overruling]:
    """By membership id, what curators decided over the rule and have not withdrawn."""
    rows = Overruling.objects.filter(annotator__project=project, withdrawn_at=None)
    return {row.annotator_id: row for row in rows.select_related("decided_by")}


def projects_due() -> list[Project]:
    """The projects whose periodic estimate is due: so many hours or so many new votes."""
    periodic = Project.objects.filter(is_archived=False).filter(
        Q(estimate_every_hours__isnull=False) | Q(estimate_every_votes__isnull=False)
    )
    return [project for project in periodic if _is_due(project)]


def votes_since(estimate: Estimate | None, project: Project) -> int:
    """How many votes came or went since an estimate's were frozen, or at all."""
    return moved_since(project, estimate.job.started_at if estimate else None)


def certain_images(estimate: Estimate, certainty: float, least_votes: int) -> set[int]:
    """The images whose expression the estimate is so sure of, from so many votes or more."""
    sure = estimate.items.filter(confidence__gte=certainty, n_votes__gte=least_votes)
    return set(sure.values_list("image", flat=True))


def _is_due(project: Project) -> bool:
    last = latest_estimate(project)
    n_new = votes_since(last, project)
    if n_new == 0:
        return False
    by_votes = project.estimate_every_votes
    if by_votes is not None and n_new >= by_votes:
        return True
    if project.estimate_every_hours is None:
        return False
    return last is None or _is_older(last, project.estimate_every_hours)


def _is_older(estimate: Estimate, hours: int) -> bool:
    limit = Now() - timedelta(hours=hours)
    return Estimate.objects.filter(pk=estimate.pk, created_at__lte=limit).exists()


def clearest_of(estimate: Estimate) -> dict[int, tuple[int, Image]]:
    """By expression (0–6): how many single-label images it has, and the most certain active one."""
    rows = estimate.items.filter(subset=Subset.SINGLE_LABEL, image__state=Image.State.ACTIVE)
    found: dict[int, tuple[int, Image]] = {}
    counts = dict(rows.values_list("consensus").annotate(n=Count("pk")).order_by())
    for expression, n in counts.items():
        same = rows.filter(consensus=expression).select_related("image")
        clearest = same.order_by("entropy", "-n_votes", "image_id").first()
        if clearest is not None:
            found[expression] = (n, clearest.image)
    return found
