"""Coding: a saying is stored, what the coders say together is concluded. Nothing is overwritten.

Each coder has their own row of each part of each face. A save states the revision it changes (0
for a first one); another is refused, so that two windows, or two coders who open the same face, do
not undo each other. The conclusion is written under the image's lock.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.db.models.functions import Now
from django.forms import model_to_dict

from annotation.audit.models import Kind
from annotation.audit.services import difference, tell
from annotation.images.models import Image
from annotation.people.models import Membership, Project

from . import sayings, units
from .models import Coding, Outcome, Part, Plan

FIELDS = {
    Part.POINTS: ("landmarks", "box"),
    Part.ATTRIBUTES: ("gender", "race", "age"),
    Part.UNITS: ("units",),
}


class Stale(Exception):
    """What is there is not what this save would change; the message says what to do."""

    def __init__(self, told: str, coding: Coding | None = None) -> None:
        super().__init__(told)
        self.coding = coding


def plan_of(project: Project) -> Plan:
    """The project's plan, or the usual one."""
    return Plan.objects.filter(project=project).first() or Plan(project=project)


def asks(plan: Plan) -> tuple[str, ...]:
    """The attributes that are asked for."""
    return tuple(n for n in FIELDS[Part.ATTRIBUTES] if getattr(plan, f"asks_{n}"))


def save(
    image: Image,
    coder: Membership,
    part: str,
    said: Any,
    *,
    revision: int,
    seconds: float | None = None,
    extra: bool = False,
) -> Coding:
    """Store what a coder says, or that they now say otherwise.

    ``extra`` stores one that is not needed any more. Raises ``ValidationError`` for what cannot be
    right and ``Stale`` where somebody, or the same person elsewhere, was faster.
    """
    plan = plan_of(image.project)
    size = (image.width, image.height)
    sound = sayings.checked(part, said, size, asks(plan), units.SETS[plan.unit_set])
    try:
        with transaction.atomic():
            locked = Image.objects.select_for_update().get(pk=image.pk)
            if locked.state not in (Image.State.ACTIVE, Image.State.HELD):
                raise Stale("This image was taken out of the line. Take the next one.")
            coding = _store(locked, coder, part, sound, revision, seconds, extra, plan)
            conclude(locked, part, plan)
    except IntegrityError:
        raise Stale("Somebody saved this face at the same moment. Save once more.") from None
    return coding


def _store(
    image: Image,
    coder: Membership,
    part: str,
    said: sayings.Saying,
    revision: int,
    seconds: float | None,
    extra: bool,
    plan: Plan,
) -> Coding:
    rows = Coding.objects.filter(image=image, part=part)
    mine = rows.filter(coder=coder).first()
    if mine is None:
        n = rows.count()
        if revision != 0:
            raise Stale("You have not coded this face before. Save it as new.")
        if n >= places(image, part, plan) and not extra:
            raise Stale(_full(n))
        return Coding.objects.create(
            image=image, coder=coder, part=part, place=n, said=said, seconds=seconds
        )
    if mine.said == said and revision in (mine.revision, mine.revision - 1):
        return mine  # a resend
    if revision != mine.revision:
        raise Stale(
            "You saved this face in another window meanwhile. That is what stands; "
            "save again to replace it.",
            mine,
        )
    mine.former = [*mine.former, mine.said]
    mine.said, mine.revision, mine.changed_at = said, mine.revision + 1, Now()
    mine.save()
    mine.refresh_from_db()
    return mine


def _full(n: int) -> str:
    others = "Another coder has" if n == 1 else f"{n} other coders have"
    return (
        f"{others} coded this face meanwhile; yours is not needed and was not stored. "
        "Take the next one, or keep yours beside theirs."
    )


def places(image: Image, part: str, plan: Plan) -> int:
    """How many codings this face takes now: the target, one more while they disagree."""
    found = Outcome.objects.filter(image=image, part=part).first()
    target = plan.target(part)
    if found is None or found.n < target:
        return target
    return found.n + found.wants_more


def conclude(image: Image, part: str, plan: Plan) -> None:
    """Write what the codings say together to the image, and whether more are wanted."""
    rows = Coding.objects.filter(image=image, part=part).order_by("place")
    said = list(rows.values_list("said", flat=True))
    together, is_settled = sayings.concluded(part, said)
    target = plan.target(part)
    wants_more = len(said) < target or (not is_settled and len(said) < sayings.MOST)
    Outcome.objects.update_or_create(
        image=image,
        part=part,
        defaults={"n": len(said), "is_settled": is_settled, "wants_more": wants_more},
    )
    if together is not None:
        names = {"units": "action_units"}
        changed = {names.get(name, name): value for name, value in together.items()}
        Image.objects.filter(pk=image.pk).update(**changed)


def set_plan(plan: Plan) -> None:
    """Store a plan; every face is asked anew how many coders it wants."""
    plan.full_clean(validate_unique=False)
    with transaction.atomic():
        before = plan_of(plan.project)
        plan.save()
        for part in Part.values:
            target = plan.target(part)
            rows = Outcome.objects.filter(image__project=plan.project, part=part)
            rows.update(wants_more=False)
            rows.filter(n__lt=target).update(wants_more=True)
            rows.filter(n__gte=target, is_settled=False, n__lt=sayings.MOST).update(wants_more=True)
        fields = model_to_dict(plan, exclude=["project"])
        told = difference(model_to_dict(before, exclude=["project"]), fields)
        tell(Kind.FACES, "changed the plan of coding", project=plan.project, **told)


def draw_sample(project: Project, per_expression: int, seed: int = 0) -> dict[int, int]:
    """Choose faces of each expression, by the latest estimate, whose action units are coded.

    Adds to the sample until each expression has ``per_expression`` faces, as far as there are
    single-label ones; what is coded stays. Returns how many each expression, 0–6, has.
    """
    import random

    from annotation.estimates.models import ItemEstimate
    from reliability import Subset

    from .models import Sampled

    estimate = project.estimates.first()
    if estimate is None:
        raise ValidationError("There is no estimate yet: estimate first, then draw the sample.")
    if not 1 <= per_expression <= 5000:
        raise ValidationError(f"{per_expression}: from 1 to 5,000 faces of each expression.")
    rows = ItemEstimate.objects.filter(
        estimate=estimate, subset=Subset.SINGLE_LABEL, image__state=Image.State.ACTIVE
    )
    mine = Sampled.objects.filter(image__project=project)
    have = dict(mine.values_list("expression").annotate(n=Count("pk")))
    taken = set(mine.values_list("image_id", flat=True))
    free: dict[int, list[int]] = {}
    for image_id, expression in rows.order_by("image_id").values_list("image_id", "consensus"):
        if image_id not in taken:
            free.setdefault(expression, []).append(image_id)
    rng = random.Random(seed)
    drawn = []
    for expression, ids in sorted(free.items()):
        wanted = max(per_expression - have.get(expression, 0), 0)
        for pk in rng.sample(ids, min(wanted, len(ids))):
            drawn.append(Sampled(image_id=pk, expression=expression))
    with transaction.atomic():
        Sampled.objects.bulk_create(drawn, batch_size=1000)
        words = f"drew {len(drawn):,} faces for the coding of action units"
        tell(Kind.FACES, words, project=project)
    return dict(mine.order_by("expression").values_list("expression").annotate(n=Count("pk")))
