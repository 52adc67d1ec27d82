"""One file of bytes to one clean picture with its copies, digests and hashes. Knows no database.

Three formats, told by the bytes. Limits are checked on the header, before anything is decoded.
What is stored has no metadata. Pixels are kept as they came: JPEG and lossy WebP lose their extra
segments only, other WebP and PNG become a plain PNG; only a JPEG that must be turned or whose
colours are not sRGB is coded anew (quality 95, full colour resolution).
"""

import hashlib
import io
import warnings
from dataclasses import dataclass, field

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from . import geometry, stripping
from .copies import Hashes, hashes

MAX_BYTES = 32 * 2**20
MAX_PIXELS = 40_000_000
MAX_SIDE, MIN_SIDE = 10_000, 32
MAX_RATIO = 20
DISPLAY_SIDE, THUMB_SIDE = 640, 160
DISPLAY_BYTES = 60_000
"""A JPEG no larger than this, and no wider than ``DISPLAY_SIDE``, is its own display copy."""
FACE_MARGIN = 0.5
"""Display and thumbnail show the face's box widened by this share of its sides all around."""
WHOLE = 0.6
"""Where that is at least this share of the picture, they show the whole picture."""
SIGNATURES = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"))
ORIENTATION = 0x0112
SRGB = ImageCms.createProfile("sRGB")


class Refused(Exception):
    """A file that is not taken; the message is the reason, for the person who sent it."""


@dataclass(frozen=True)
class Face:
    """Where the face is in the file as it came, before its orientation is applied."""

    box: tuple[float, float, float, float] | None = None
    landmarks: tuple[geometry.Point, ...] | None = None
    auto_landmarks: tuple[geometry.Point, ...] | None = None
    """37 points, which are kept where the picture need not be turned."""


@dataclass(frozen=True)
class Picture:
    """A clean picture. ``display`` is None where the stored file serves for it."""

    stored: bytes
    format: str
    display: bytes | None
    thumb: bytes
    width: int
    height: int
    digest: str
    pixel_digest: str
    hashes: Hashes
    box: list[float] | None
    landmarks: list[geometry.Point] | None
    auto_landmarks: list[geometry.Point] | None = None
    remarks: list[str] = field(default_factory=list)


def take_in(data: bytes, face: Face | None = None) -> Picture:
    """Check, clean and copy one picture; raises ``Refused``.

    Impossible geometry does not refuse the picture: it is left out and named in ``remarks``.
    """
    if len(data) > MAX_BYTES:
        raise Refused(f"{len(data):,} bytes; the limit is {MAX_BYTES:,}")
    kind = kind_of(data)
    if kind is None:
        raise Refused("not a JPEG, PNG or WebP image" if data else "empty file")
    orientation, profile, raw_size = _inspected(data, kind)
    stored = _stripped(data, kind)
    image, is_changed = _upright_rgb(stored or data, kind, orientation, profile)
    face = face or Face()
    box, landmarks, remarks = _turned(face, orientation, raw_size)
    if stored is None or is_changed:
        kind = "png" if kind == "png" or (kind == "webp" and stored is None) else "jpeg"
        stored = _encoded(image, kind)
    display, thumb, small = copies(image, box, kind, len(stored))
    return Picture(
        stored=stored,
        format=kind,
        display=display,
        thumb=thumb,
        width=image.width,
        height=image.height,
        digest=hashlib.sha256(data).hexdigest(),
        pixel_digest=pixel_digest(image),
        hashes=hashes(small),
        box=box,
        landmarks=landmarks,
        auto_landmarks=None if orientation in TURNS else _listed(face.auto_landmarks),
        remarks=remarks,
    )


def _listed(points: tuple[geometry.Point, ...] | None) -> list[geometry.Point] | None:
    return None if points is None else list(points)


def kind_of(data: bytes) -> str | None:
    """The format that the first bytes tell."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in SIGNATURES if data.startswith(start)), None)


def pixel_digest(image: Pillow.Image) -> str:
    """SHA-256 of size and RGB pixels: the same for every lossless copy, whatever its metadata."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _inspected(data: bytes, kind: str) -> tuple[int, bytes | None, tuple[int, int]]:
    """Orientation, colour profile and size from the header, within the limits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data), formats=(kind.upper(),)) as header:
                _check_size(*header.size)
                if kind != "jpeg" and getattr(header, "n_frames", 1) > 1:
                    raise Refused("animated: one picture per file is taken")
                orientation = header.getexif().get(ORIENTATION, 1)
                return orientation, header.info.get("icc_profile"), header.size
    except Refused:
        raise
    except Pillow.DecompressionBombError:
        raise Refused(f"more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # every decoder has its own exceptions for damage
        raise Refused(f"cannot be read as {kind.upper()}: {_said(error)}") from None


def _check_size(width: int, height: int) -> None:
    told = f"{width}×{height} pixels"
    if width * height > MAX_PIXELS:
        raise Refused(f"{told}; at most {MAX_PIXELS // 1_000_000} million are taken")
    if max(width, height) > MAX_SIDE:
        raise Refused(f"{told}; no side may be longer than {MAX_SIDE:,}")
    if min(width, height) < MIN_SIDE:
        raise Refused(f"{told}; no side may be shorter than {MIN_SIDE}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise Refused(f"{told}; one side may be at most {MAX_RATIO} times the other")


def _stripped(data: bytes, kind: str) -> bytes | None:
    try:
        if kind == "jpeg":
            return stripping.stripped_jpeg(data)
        return stripping.stripped_webp(data) if kind == "webp" else None
    except stripping.Damaged as error:
        raise Refused(f"damaged {kind.upper()}: {error}") from None


def _upright_rgb(
    data: bytes, kind: str, orientation: int, profile: bytes | None
) -> tuple[Pillow.Image, bool]:
    """The decoded picture in RGB, upright, without any metadata, and whether it was changed."""
    try:
        with Pillow.open(io.BytesIO(data), formats=(kind.upper(),)) as opened:
            opened.load()
            image: Pillow.Image = opened
            is_changed = image.mode != "RGB"
            if profile is not None and (converted := _to_srgb(image, profile)) is not None:
                image, is_changed = converted, True
            image = _rgb(image)
    except Exception as error:
        raise Refused(f"damaged {kind.upper()}: {_said(error)}") from None
    image.info = {}  # Pillow writes comments and profiles it finds here
    if orientation in TURNS:
        image, is_changed = image.transpose(TURNS[orientation]), True
    return image, is_changed


TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}


def _rgb(image: Pillow.Image) -> Pillow.Image:
    """Any of Pillow's modes to RGB; what is transparent becomes white."""
    if image.mode == "RGB":
        return image.copy() if image.info else image
    if image.mode.startswith("I;16") or image.mode == "I":
        return Pillow.fromarray((np.asarray(image, dtype=np.uint32) >> 8).astype(np.uint8)).convert(
            "RGB"
        )
    if image.has_transparency_data:
        over = image.convert("RGBA")
        ground = Pillow.new("RGBA", over.size, (255, 255, 255, 255))
        return Pillow.alpha_composite(ground, over).convert("RGB")
    return image.convert("RGB")


def _to_srgb(image: Pillow.Image, profile: bytes) -> Pillow.Image | None:
    """The picture in sRGB; None where it is that already or its profile is of no use."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source) or image.mode not in ("RGB", "CMYK"):
            return None
        return ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _turned(
    face: Face, orientation: int, size: tuple[int, int]
) -> tuple[list[float] | None, list[geometry.Point] | None, list[str]]:
    """Box and landmarks in the upright picture, and what was impossible about them."""
    box, landmarks, remarks = None, None, []
    try:
        if face.box is not None:
            geometry.check_box(face.box, size)
            turned = geometry.turned_box(face.box, orientation, size)
            upright = size[::-1] if orientation >= 5 else size
            box = geometry.clipped_box(turned, upright)
    except geometry.Impossible as error:
        remarks.append(str(error))
    try:
        if face.landmarks is not None:
            geometry.check_landmarks(face.landmarks, size)
            landmarks = geometry.turned_landmarks(face.landmarks, orientation, size)
    except geometry.Impossible as error:
        remarks.append(str(error))
    return box, landmarks, remarks


def copies(
    image: Pillow.Image, box: list[float] | None, kind: str, n_bytes: int
) -> tuple[bytes | None, bytes, Pillow.Image]:
    """Display copy (or None), thumbnail, and the whole picture made small for hashing."""
    part = region(image.size, box)
    is_whole = part == (0, 0, *image.size)
    serves = is_whole and kind == "jpeg" and n_bytes <= DISPLAY_BYTES
    shown = _fitted(image, part, DISPLAY_SIDE)
    display = None if serves and max(image.size) <= DISPLAY_SIDE else _encoded(shown, "jpeg", 85)
    thumb = _fitted(shown, (0, 0, *shown.size), THUMB_SIDE)
    small = thumb if is_whole else _fitted(image, (0, 0, *image.size), THUMB_SIDE)
    return display, _encoded(thumb, "jpeg", 82), small


def region(size: tuple[int, int], box: list[float] | None) -> tuple[int, int, int, int]:
    """The part of the picture that is shown: the face with its surroundings, or everything."""
    everything = (0, 0, *size)
    if box is None:
        return everything
    x_margin, y_margin = (FACE_MARGIN * (box[i + 2] - box[i]) for i in (0, 1))
    part = (
        max(round(box[0] - x_margin), 0),
        max(round(box[1] - y_margin), 0),
        min(round(box[2] + x_margin), size[0]),
        min(round(box[3] + y_margin), size[1]),
    )
    area = (part[2] - part[0]) * (part[3] - part[1])
    is_small_face = min(part[2] - part[0], part[3] - part[1]) < MIN_SIDE
    return everything if is_small_face or area >= WHOLE * size[0] * size[1] else part


def _fitted(image: Pillow.Image, part: tuple[int, int, int, int], side: int) -> Pillow.Image:
    """A part of the picture, made smaller to fit a square of ``side``, never larger."""
    width, height = part[2] - part[0], part[3] - part[1]
    scale = min(1.0, side / max(width, height))
    target = (max(round(width * scale), 1), max(round(height * scale), 1))
    if scale == 1.0:
        return image if part == (0, 0, *image.size) else image.crop(part)
    return image.resize(target, Pillow.Resampling.LANCZOS, box=part, reducing_gap=2.0)


def _encoded(image: Pillow.Image, kind: str, quality: int = 95) -> bytes:
    out = io.BytesIO()
    if kind == "png":
        image.save(out, "PNG", compress_level=6)
    else:
        image.save(out, "JPEG", quality=quality, subsampling=0 if quality >= 95 else 2)
    return out.getvalue()


def _said(error: Exception) -> str:
    """The first line of a decoder's message, without its object addresses."""
    text = str(error).split("\n")[0] or type(error).__name__
    return "it cannot be identified" if "cannot identify" in text else text[:120]
