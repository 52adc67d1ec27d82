"""What a release would hold and weigh, before anybody asks for it. Nothing is written."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.files.storage import default_storage
from PIL import Image as Pillow

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.services import JobError
from annotation.people.models import Project

from .build import check_plan
from .difference import Difference, difference, spots_of, spots_planned
from .models import LayoutName, Release
from .plan import Plan, plan_release
from .tree import cut_out

SAMPLE = 24
"""Pictures that are looked at to tell sizes."""
BLOCK = 512
N_TEXTS = 3
ROW_BYTES, PARQUET_ROW_BYTES = 900, 450
"""Of one image in a table, as measured at the paper's size."""
LISTED_BYTES = 120
"""Of one file in SHA256SUMS; half as much again in the manifest."""


@dataclass(frozen=True)
class Preview:
    """A plan with what it would change and weigh. ``refusal`` says why it could not be built."""

    plan: Plan
    refusal: str
    sizes: dict[str, int]
    """Bytes of each layout's archive, estimated from a few pictures."""
    change: Difference


def preview(
    project: Project,
    estimate: Estimate,
    *,
    seed: int = 0,
    twelfth: bool = False,
    any_licence: bool = False,
) -> Preview:
    """What ``request_release`` with these choices would lead to. Seconds for 30,000 images."""
    parent: Release | None = project.releases.select_related("estimate").first()
    plan = plan_release(
        estimate, seed=seed, parent=parent, twelfth=twelfth, any_licence=any_licence
    )
    refusal = ""
    try:
        check_plan(plan)
    except JobError as error:
        refusal = str(error)
    change = difference(spots_of(parent), spots_planned(plan))
    return Preview(plan, refusal, _sizes(plan), change)


def _sizes(plan: Plan) -> dict[str, int]:
    """By layout, about how large its archive will be."""
    n = len(plan.places)
    step = max(n // SAMPLE, 1)
    ids = [place.image_id for place in plan.places[::step][:SAMPLE]]
    original, aligned = _mean_sizes(Image.objects.filter(pk__in=ids))
    beside = n * (_in_tar(aligned) + ROW_BYTES + LISTED_BYTES)
    texts = N_TEXTS * _in_tar(BLOCK) + round((2 + N_TEXTS) * 2.5 * LISTED_BYTES)
    return {
        LayoutName.RAFDB: beside + n * (_in_tar(original) + texts),
        LayoutName.IMAGEFOLDER: beside,
        LayoutName.HUGGINGFACE: beside,
        LayoutName.PARQUET: n * (round(aligned) + PARQUET_ROW_BYTES),
    }


def _mean_sizes(images: Iterable[Image]) -> tuple[float, float]:
    """Mean bytes of the stored original and of its aligned face; lost files do not count."""
    pairs = []
    for image in images:
        try:
            with default_storage.open(image.stored_as()) as file:
                stored = file.read()
        except FileNotFoundError:
            continue
        with Pillow.open(io.BytesIO(stored)) as picture:
            cut, _ = cut_out(picture.convert("RGB"), image)
        pairs.append((len(stored), len(cut)))
    if not pairs:
        return 0.0, 0.0
    originals, cuts = zip(*pairs, strict=True)
    return sum(originals) / len(pairs), sum(cuts) / len(pairs)


def _in_tar(size: float) -> int:
    """A file with its header, filled up to whole blocks on average."""
    return round(size) + BLOCK + BLOCK // 2
