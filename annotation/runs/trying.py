"""Ask a trained network about one picture: onnxruntime in this process, and nothing is stored."""

import base64
import io
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest
from numpy.typing import NDArray
from PIL import Image as Pillow

from annotation.faces.detecting import detector
from annotation.faces.looking import look
from annotation.images import alignment, pictures

from . import queries
from .models import Run

MODEL = "model.onnx"
ALIGNED_SIDE = 256
"""A square picture no larger than this counts as aligned already."""


class NoModel(Exception):
    """The run has no network that could be asked."""


@dataclass(frozen=True)
class Answer:
    """What the network says: ``shares`` of the classes, 0–1, in the order of its classes."""

    shares: dict[str, float]
    seen_by: str
    """How the face was cut out: ``face`` found, ``aligned`` already, or the ``centre``."""
    crop: str
    """The square that the network looked at, as a ``data:`` address."""

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """The classes, most probable first."""
        return sorted(self.shares.items(), key=lambda pair: -pair[1])


def ask(run: Run, data: bytes) -> Answer:
    """The network's probabilities for one picture's bytes.

    Raises ``pictures.Refused`` for what is no picture within the limits, ``NoModel`` where the run
    has not exported a network.
    """
    known = queries.file_of(run, MODEL)
    path = queries.folder_of(run) / MODEL
    if known is None or not path.is_file():
        raise NoModel(f"Run {run.number} has no {MODEL}.")
    taken = pictures.take_in(data)
    with Pillow.open(io.BytesIO(taken.stored), formats=("JPEG", "PNG", "WEBP")) as opened:
        picture = np.asarray(opened.convert("RGB"))
    session, class_names = _session(str(path), known["sha256"])
    side = session.get_inputs()[0].shape[2]
    face, seen_by = cut_out(picture, side)
    probabilities, _ = session.run(None, {"pictures": face.transpose(2, 0, 1)[None]})
    shares = dict(zip(class_names, map(float, probabilities[0]), strict=True))
    return Answer(shares, seen_by, _address(face))


def cut_out(picture: NDArray[np.uint8], side: int) -> tuple[NDArray[np.uint8], str]:
    """The face as (side, side, 3), aligned as the project's are, and ``Answer.seen_by``."""
    height, width = picture.shape[:2]
    if width == height <= ALIGNED_SIDE:
        whole = Pillow.fromarray(picture).resize((side, side), Pillow.Resampling.BILINEAR)
        return np.asarray(whole), "aligned"
    _, faces = look(picture, detector(settings.FACE_MODEL))
    if not faces:
        return alignment.align(picture, size=side).pixels, "centre"
    best = faces[0]
    return alignment.align(picture, best.landmarks, best.box, side).pixels, "face"


@lru_cache(maxsize=2)
def _session(path: str, digest: str) -> tuple[Any, tuple[str, ...]]:
    """The loaded network; ``digest`` is there so that another file is another entry."""
    import onnxruntime  # here, so that a server that is never asked never loads it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a web process has neighbours
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
    return session, tuple(names)


def _address(face: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Pillow.fromarray(face).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


class InMemory(FileUploadHandler):
    """Keeps an upload in memory only, and no more of it than a picture may have."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.parts: list[bytes] = []
        self.n_bytes = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.n_bytes += len(raw_data)
        if self.n_bytes > pictures.MAX_BYTES:
            raise StopUpload(connection_reset=False)
        self.parts.append(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        return InMemoryUploadedFile(
            io.BytesIO(b"".join(self.parts)),
            self.field_name,
            self.file_name,
            self.content_type,
            file_size,
            self.charset,
        )
