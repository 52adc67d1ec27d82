"""How well faces are found, marked, aligned and turned, on drawn faces whose truth is known.

    python -m benchmarks.find_faces [--faces 400] [--seed 5] [--model centerface.onnx]

Per detector: faces found, how far the proposed landmarks are off (in distances between the eyes),
what that makes of the aligned picture (pixels of 100×100), and the pose by angle, from the true
points and from the proposed ones, beside the error of always answering 0. Then decoding and
detection per second on one core. The pose model's numbers were chosen on study 100: leave it out.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from annotation.faces import pose
from annotation.faces.detecting import Cascade, CenterFace, Detector, Picture, Seen
from annotation.faces.proposing import propose
from annotation.images.alignment import TEMPLATE, similarity
from annotation.study.faces import DrawnFace, draw

Points = NDArray[np.float64]
T = TypeVar("T")
NAMES = ("left eye", "right eye", "nose tip", "left mouth", "right mouth")
ANGLES = ("pitch", "yaw", "roll")
EDGES = (0, 5, 10, 20, 90)


class Marked(NamedTuple):
    """One drawn face that was found, with its proposed points."""

    face: DrawnFace
    points: Points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=400)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--model", type=Path, action="append", default=[], help="CenterFace's ONNX file"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    drawn = [draw(index, options.seed) for index in range(options.faces)]
    print(f"{len(drawn)} drawn faces of study {options.seed}\n")
    pose_by_angle("true points", [Marked(face, face.landmarks) for face in drawn])
    finders: list[Detector] = [Cascade(), *map(CenterFace, options.model)]
    for finder in finders:
        marked = [m for face in drawn if (m := found(face, finder)) is not None]
        print(f"\n{finder.name}: {len(marked) / len(drawn):.1%} of the faces found\n")
        landmark_errors(marked)
        alignment(marked)
        pose_by_angle(f"points proposed by {finder.name}", marked, pose.PROPOSED_NOISE)
    for finder in finders:
        speed(drawn, finder)


def found(face: DrawnFace, finder: Detector) -> Marked | None:
    """The detection over the true face's middle, if any."""
    middle = face.landmarks.mean(0)
    for seen in finder.faces(np.asarray(face.picture, np.uint8)):
        x0, y0, x1, y1 = seen.box
        if x0 < middle[0] < x1 and y0 < middle[1] < y1:
            return Marked(face, points_of(face.picture, seen))
    return None


def points_of(picture: Picture, seen: Seen) -> Points:
    return propose(picture, seen.box) if seen.landmarks is None else seen.landmarks


def between_eyes(face: DrawnFace) -> float:
    return float(np.hypot(*(face.landmarks[1] - face.landmarks[0])))


def landmark_errors(marked: list[Marked]) -> None:
    off = np.array(
        [np.hypot(*(m.points - m.face.landmarks).T) / between_eyes(m.face) for m in marked]
    )
    print(f"{'landmark':<14}{'median':>8}{'mean':>8}{'95 %':>8}   distances between the eyes")
    for name, column in [*zip(NAMES, off.T, strict=True), ("mean of five", off.mean(1))]:
        row = (np.median(column), column.mean(), np.quantile(column, 0.95))
        print(f"{name:<14}" + "".join(f"{v:8.3f}" for v in row))


def alignment(marked: list[Marked]) -> None:
    """Misfit to the template by the true points, and where proposals put the true points."""
    best, proposed = [], []
    for face, points in marked:
        best.append(misfit(face.landmarks, similarity(face.landmarks.tolist())))
        proposed.append(misfit(face.landmarks, similarity(points.tolist())))
    print(f"\n{'aligned by':<14}{'median':>8}{'mean':>8}{'95 %':>8}   pixels of 100×100, residual")
    for name, column in (("true points", best), ("proposals", proposed)):
        row = (np.median(column), np.mean(column), np.quantile(column, 0.95))
        print(f"{name:<14}" + "".join(f"{v:8.2f}" for v in row))


def misfit(landmarks: Points, matrix: Points) -> float:
    """Root mean square distance of eyes and mouth from the template, once aligned."""
    three = np.vstack([landmarks[:2], landmarks[3:].mean(0)])
    gaps = three @ matrix[:, :2].T + matrix[:, 2] - np.array(TEMPLATE)
    return float(np.sqrt((gaps**2).sum(1).mean()))


def pose_by_angle(told: str, marked: list[Marked], noise: Sequence[float] = pose.NOISE) -> None:
    """Mean absolute errors by how far the head is truly turned."""
    got = np.array([pose.estimate(m.points.tolist(), noise)[:6] for m in marked])
    true = np.array([[getattr(m.face.spec.pose, name) for name in ANGLES] for m in marked])
    off = np.abs(got[:, :3] - true)
    print(f"\npose from {told}: mean error in degrees (always answering 0)")
    spans = list(itertools.pairwise(EDGES))
    print(
        f"{'':<8}" + "".join(f"{f'{a}–{b}°':>15}" for a, b in spans) + f"{'all':>15}{'> 2 sd':>9}"
    )
    for i, name in enumerate(ANGLES):
        size = np.abs(true[:, i])
        cells = [off[:, i][(a <= size) & (size < b)] for a, b in spans] + [off[:, i]]
        zeros = [size[(a <= size) & (size < b)] for a, b in spans] + [size]
        row = "".join(
            f"{f'{cell.mean():.1f} ({zero.mean():.1f})' if len(cell) else '–':>15}"
            for cell, zero in zip(cells, zeros, strict=True)
        )
        print(f"{name:<8}{row}{(off[:, i] > 2 * got[:, 3 + i]).mean():9.1%}")


def speed(drawn: list[DrawnFace], finder: Detector) -> None:
    """Drawn faces enlarged to the 1,024 pixels of a photograph from Flickr, on one core."""
    some = [cv2.resize(face.picture, (1024, 768)) for face in drawn[:40]]
    files = [cv2.imencode(".jpg", picture)[1] for picture in some]
    pictures = [np.asarray(picture, np.uint8) for picture in some]
    decoding = rate(files, lambda file: cv2.imdecode(file, cv2.IMREAD_COLOR_RGB))
    finding = rate(pictures, finder.faces)
    boxes = [(p, s[0]) for p in pictures if (s := finder.faces(p))]
    marking = rate(boxes, lambda one: points_of(*one))
    print(f"\n{finder.name}, photographs of 1,024×768 per second on one core")
    print(f"decode {decoding:.0f}   find faces {finding:.1f}   propose points {marking:.0f}")


def rate(things: list[T], work: Callable[[T], object]) -> float:
    began = time.perf_counter()
    for thing in things:
        work(thing)
    return len(things) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
