"""The drawn faces of the tutorial: every expression, single action units, a few mixed faces.

They are part of the product, so they lie with the static files; this draws them anew.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from annotation.study import action_units
from annotation.study.faces import DrawnFace, examples, paint
from annotation.study.specification import FaceSpec
from reliability.expressions import Expression

N_EACH = 6
SIDE_PX = 240
QUALITY = 82
MODEL = 4
"""Which of the example people shows the single units: one with clear brows."""
UNITS: dict[int, tuple[int, ...]] = {u: (u,) for u in action_units.UNITS} | {
    26: (25, 26),
    27: (25, 27),
}
"""What is moved to show a unit: a dropped jaw parts the lips too."""
MIXED = {
    "mixed-happily-surprised": (Expression.HAPPINESS, Expression.SURPRISE),
    "mixed-sadly-angry": (Expression.SADNESS, Expression.ANGER),
    "mixed-fearfully-surprised": (Expression.FEAR, Expression.SURPRISE),
}


def tutorial_faces() -> Iterator[tuple[str, DrawnFace]]:
    """``(name, face)``: ``fear-1`` … ``fear-6``, ``au-12``, ``mixed-sadly-angry``."""
    shown = {e: examples(e, N_EACH) for e in Expression}
    for expression, faces in shown.items():
        for number, face in enumerate(faces, start=1):
            yield f"{expression.name.lower()}-{number}", face
    still = shown[Expression.NEUTRAL][MODEL].spec
    for unit, moved in UNITS.items():
        yield f"au-{unit}", _with_units(still, dict.fromkeys(moved, 1.0))
    for name, (first, second) in MIXED.items():
        both = (shown[e][2].spec.units for e in (first, second))
        yield name, _with_units(shown[first][2].spec, action_units.blend(*both, 0.5))


def write_examples(folder: Path) -> int:
    """Draw all of them into ``folder`` as WebP; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    n = 0
    for name, face in tutorial_faces():
        (folder / f"{name}.webp").write_bytes(as_webp(face))
        n += 1
    return n


def as_webp(face: DrawnFace) -> bytes:
    """The face as the tutorial shows it: ``SIDE_PX`` square."""
    small = cv2.resize(face.picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(
        ".webp", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_WEBP_QUALITY, QUALITY]
    )
    if not done:
        raise RuntimeError("OpenCV could not write a WebP picture")
    return bytes(data)


def _with_units(spec: FaceSpec, units: dict[int, float]) -> DrawnFace:
    return paint(replace(spec, units=action_units.none_shown() | dict(units)))
