"""Photographs with one, several, small, blurred and no faces, held until they are looked at."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from annotation.faces.services import request_faces
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.labelling.services import close_images
from annotation.study.faces import DrawnFace, draw
from tests.conftest import Cast
from tests.images.conftest import photos as photos
from tests.images.conftest import run_import
from tests.images.conftest import storage as storage

SEEN = (0, 1, 3, 4)
"""Drawn faces of seed 5 that the cascades find."""


def drawn(index: int) -> DrawnFace:
    return draw(index, seed=5)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1])


def beside(*indices: int, height: int = 320) -> NDArray[np.uint8]:
    """Drawn faces side by side."""
    pictures = [drawn(i).picture for i in indices]
    return np.hstack([cv2.resize(p, (p.shape[1] * height // p.shape[0], height)) for p in pictures])


def noise(seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (300, 300), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture
def brought(cast: Cast, photos: Path) -> Callable[..., dict[str, Image]]:
    """Import pictures by name, held; the images by name."""

    def put(**pictures: NDArray[np.uint8]) -> dict[str, Image]:
        for name, picture in pictures.items():
            (photos / f"{name}.jpg").write_bytes(jpeg(picture))
        run_import(cast, photos)
        ids = list(Image.objects.values_list("pk", flat=True))
        close_images(ids)
        Image.objects.update(state=Image.State.HELD)
        return {image.file_name[:-4]: image for image in Image.objects.all()}

    return put


@pytest.fixture
def looked(cast: Cast) -> Callable[[], Job]:
    """Look for faces now; the ended job."""

    def run(again: bool = False) -> Job:
        job, is_new = request_faces(cast.project, cast.carla, again=again)
        assert is_new
        perform(job.pk, "test")
        job.refresh_from_db()
        return job

    return run


def points_model(path: Path, points: NDArray[np.float64]) -> Path:
    """An ONNX file that always answers with these points, whatever face it is shown."""
    from onnx import TensorProto, helper, numpy_helper, save

    told = numpy_helper.from_array(points.astype(np.float32).reshape(1, -1), "told")
    nothing = numpy_helper.from_array(np.zeros(1, np.float32), "nothing")
    nodes = [
        helper.make_node("ReduceMean", ["face"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        helper.make_node("Add", ["told", "zero"], ["points"]),
    ]
    face = helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 3, 64, 64])
    out = helper.make_tensor_value_info("points", TensorProto.FLOAT, [1, points.size])
    graph = helper.make_graph(nodes, "points", [face], [out], [told, nothing])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path
