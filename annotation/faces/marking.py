"""37 automatic landmarks, which the paper took from an online service: here from a model file.

``LANDMARK_MODEL`` names an ONNX file. In: one float tensor ``(1, 3, side, side)``, RGB from 0 to 1,
of the face's box made square and widened by ``MARGIN``. Out: its first output holds x and y of
each point as shares of that square: 37 points in RAF-DB's order (``FORMATS.md``), or the usual 68
of iBUG's scheme, of which 37 are taken. Another service is another ``Provider``.
"""

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotation.images import geometry
from annotation.images.models import Image
from annotation.jobs.services import Claim
from annotation.people.models import Project

from .detecting import Picture, Points

N_POINTS = 37
OF_68 = (17, 19, 21, 22, 24, 26, 27, 30, *range(31, 60))
"""Brows, bridge, tip and base of the nose, rings of eyes and mouth among iBUG's 68."""
LEFT_EYE, RIGHT_EYE = slice(13, 19), slice(19, 25)
TIP, LEFT_MOUTH, RIGHT_MOUTH = 7, 25, 31
MARGIN = 0.1
"""The square reaches so much further than the box, in its sides, all around."""
USUAL_SIDE = 112
"""For a model that takes any side."""
FARTHEST = 3.0
"""Shares beyond this are no shares: the model answers in pixels, say."""


class Unusable(Exception):
    """The model file is not one of this kind; the message says what is wrong."""


class Provider(Protocol):
    """Marks one face: (37, 2) pixels of the picture."""

    def points(self, picture: Picture, box: tuple[float, float, float, float]) -> Points: ...


class OnnxPoints:
    """A network from a file, on one thread. Raises ``Unusable`` for a file of another kind."""

    def __init__(self, model: Path) -> None:
        import onnxruntime  # costs a second: only where a model is given

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no class
            raise Unusable(f"{model.name} is no ONNX model: {str(error)[:200]}") from None
        taken = self._session.get_inputs()
        shape = taken[0].shape
        if len(taken) != 1 or len(shape) != 4 or shape[1] not in (3, "3"):
            raise Unusable(f"{model.name} takes {shape}; one input (1, 3, side, side) is known")
        self._name, self._side = taken[0].name, shape[2] if isinstance(shape[2], int) else None

    def points(self, picture: Picture, box: tuple[float, float, float, float]) -> Points:
        side = self._side or USUAL_SIDE
        patch, corner, length = _square(picture, box, side)
        batch = patch.transpose(2, 0, 1)[None].astype(np.float32) / 255
        told = np.asarray(self._session.run(None, {self._name: batch})[0], np.float64).ravel()
        if told.size not in (2 * N_POINTS, 2 * 68):
            raise Unusable(f"the model gives {told.size} numbers, not 74 (37 points) or 136 (68)")
        if not np.isfinite(told).all() or np.abs(told).max() > FARTHEST:
            raise Unusable("the model's points are no shares of the square that it was shown")
        shares = told.reshape(-1, 2)
        shares = shares if len(shares) == N_POINTS else shares[list(OF_68)]
        return shares * length + corner


def _square(
    picture: Picture, box: tuple[float, float, float, float], side: int
) -> tuple[NDArray[np.uint8], Points, float]:
    """The widened box as (side, side, 3), its upper left corner and length in pixels."""
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    length = max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * MARGIN)
    corner, scale = middle - length / 2, length / side
    back = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    flags = (cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(
        picture, back, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(patch, np.uint8), corner, length


@lru_cache(maxsize=2)
def provider(model: str) -> Provider | None:
    """The provider for a model file; ``None`` where none is given."""
    return OnnxPoints(Path(model)) if model else None


def five_of(points: Points) -> Points:
    """(5, 2) eye centres, nose tip and mouth corners of 37."""
    eyes = points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)
    return np.array([*eyes, points[TIP], points[LEFT_MOUTH], points[RIGHT_MOUTH]])


def unmarked(project: Project) -> QuerySet[Image]:
    """Located faces without automatic landmarks; none where no model is given."""
    rows = Image.objects.filter(project=project, state=Image.State.ACTIVE, box__isnull=False)
    return rows.filter(auto_landmarks__isnull=True) if settings.LANDMARK_MODEL else rows.none()


def mark_faces(claim: Claim) -> int:
    """Mark every face that is not yet marked; how many were. A retry goes on with the rest."""
    ids = list(unmarked(claim.project).order_by("pk").values_list("pk", flat=True))
    marker = provider(settings.LANDMARK_MODEL)
    for n, pk in enumerate(ids):
        claim.report(n / len(ids), f"{n:,} of {len(ids):,} faces marked")
        if marker is not None:
            _mark(Image.objects.get(pk=pk), marker)
    return len(ids)


def _mark(image: Image, marker: Provider) -> None:
    """Store the points; while no coder has spoken they make better proposals than a detector's."""
    with (
        default_storage.open(image.stored_as()) as file,
        Pillow.open(file, formats=("JPEG", "PNG", "WEBP")) as opened,
    ):
        picture = np.asarray(opened.convert("RGB"))
    x_min, y_min, x_max, y_max = image.box or ()
    points = marker.points(picture, (x_min, y_min, x_max, y_max))
    changed = {"auto_landmarks": _listed(points)}
    five = five_of(points)
    try:
        geometry.check_landmarks([(x, y) for x, y in five], (image.width, image.height))
    except geometry.Impossible:
        pass  # what cannot be right is no proposal
    else:
        changed |= {"proposed_landmarks": _listed(five)}
    Image.objects.filter(pk=image.pk, auto_landmarks__isnull=True).update(**changed)


def _listed(points: Points) -> list[list[float]]:
    return [[round(float(x), 2), round(float(y), 2)] for x, y in points]
