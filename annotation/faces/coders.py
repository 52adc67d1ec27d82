"""What coders and curators may see of coding: queues, progress, agreement."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, QuerySet
from django.db.models.functions import Mod

from annotation.images.models import Image
from annotation.people.models import Membership, Project, Role

from . import sayings, units
from .coding import asks, plan_of
from .models import Coding, Outcome, Part

STRIDE = 1_009
"""Every coder has an order of their own, so that two seldom open the same face."""


def coder_of(memberships: tuple[Membership, ...]) -> Membership | None:
    """The membership that codings hang on."""
    return next((m for m in memberships if m.role == Role.CODER), None)


def to_code(project: Project, part: str) -> QuerySet[Image]:
    """Images that this part is coded of: all, or for action units those of the sample."""
    images = Image.objects.filter(project=project, state=Image.State.ACTIVE)
    return images.filter(sampled__isnull=False) if part == Part.UNITS else images


def open_faces(project: Project, part: str) -> QuerySet[Image]:
    """Those that want a coding still: of the target, or one more because coders disagree."""
    done = Outcome.objects.filter(part=part, wants_more=False, image__project=project)
    rows = to_code(project, part)
    if plan_of(project).target(part) == 0:
        return rows.none()
    return rows.exclude(pk__in=done.values("image"))


def queue(coder: Membership, part: str, n: int = 10) -> list[Image]:
    """The next faces for a coder: disputed ones first, never one they have coded."""
    mine = Coding.objects.filter(coder=coder, part=part)
    rows = open_faces(coder.project, part).exclude(pk__in=mine.values("image"))
    disputed = Outcome.objects.filter(part=part, wants_more=True, is_settled=False)
    first = list(rows.filter(pk__in=disputed.values("image")).order_by("pk")[:n])
    turned = Mod(F("id") * (7_919 + coder.pk % 997 * STRIDE), 99_991)
    rest = rows.exclude(pk__in=[image.pk for image in first]).order_by(turned, "pk")
    return first + list(rest[: n - len(first)])


def described(image: Image, part: str, coding: Coding | None = None) -> dict[str, Any]:
    """A face as the tools take it; ``said`` is this coder's own word, not the others'."""
    box = image.box
    proposed = image.proposed_landmarks
    if part != Part.POINTS or coding is not None:
        proposed = None
    return {
        "uid": str(image.uid),
        "file_name": image.file_name,
        "width": image.width,
        "height": image.height,
        "box": box,
        "proposed": proposed or (image.landmarks if part == Part.POINTS and not coding else None),
        "revision": coding.revision if coding else 0,
        "said": coding.said if coding else None,
    }


def progress(project: Project, part: str) -> dict[str, int]:
    """Faces to code of this part, done, in dispute."""
    everything = to_code(project, part)
    outcomes = Outcome.objects.filter(image__in=everything.values("pk"), part=part)
    return {
        "faces": everything.count() if plan_of(project).target(part) else 0,
        "done": outcomes.filter(wants_more=False).count(),
        "disputed": outcomes.filter(wants_more=True, is_settled=False).count(),
    }


@dataclass
class Coder:
    """One coder's work on one part: how much, how fast, how far others agree."""

    membership: Membership
    n: int = 0
    seconds: list[float] = field(default_factory=list)
    agreements: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float | None:
        return sorted(self.seconds)[len(self.seconds) // 2] if self.seconds else None

    @property
    def agreement(self) -> float | None:
        """Mean agreement with every other coder of the same faces, 0–1."""
        return sum(self.agreements) / len(self.agreements) if self.agreements else None


def coders(project: Project, part: str) -> list[Coder]:
    """Every coder who coded this part, the busiest first."""
    rows = Coding.objects.filter(image__project=project, part=part).select_related("coder__person")
    by_image: dict[int, list[Coding]] = defaultdict(list)
    found: dict[int, Coder] = {}
    for row in rows.order_by("image_id", "place"):
        one = found.setdefault(row.coder_id, Coder(row.coder))
        one.n += 1
        if row.seconds is not None:
            one.seconds.append(row.seconds)
        by_image[row.image_id].append(row)
    for together in by_image.values():
        for a in together:
            found[a.coder_id].agreements += [
                sayings.agreement(part, a.said, b.said)
                for b in together
                if b.coder_id != a.coder_id
            ]
    return sorted(found.values(), key=lambda one: -one.n)


def settings_of(project: Project) -> dict[str, Any]:
    """What the tools must know of the plan."""
    plan = plan_of(project)
    allowed = set(units.SETS[plan.unit_set])
    return {
        "asks": list(asks(plan)),
        "units": [u._asdict() for u in units.UNITS if u.number in allowed],
    }


def demographics(project: Project) -> dict[str, dict[str, int]]:
    """Faces by gender, age and race as they were coded; ``unknown`` were not."""
    images = Image.objects.filter(project=project, state=Image.State.ACTIVE)
    summary: dict[str, dict[str, int]] = {}
    for name, choices in (("gender", Image.Gender), ("age", Image.Age), ("race", Image.Race)):
        counted = dict(images.values_list(name).annotate(n=Count("pk")))
        labels = {int(value): str(label) for value, label in choices.choices}
        summary[name] = {label: counted.get(value, 0) for value, label in labels.items()}
        summary[name]["unknown"] = counted.get(None, 0)
    return summary
