"""What the camera does to a painted scene: exposure, colour, focus, grain, compression."""

from dataclasses import dataclass

import cv2
import numpy as np

from annotation.study.painting import Colour

_SHOULDER, _ROOM = 190.0, 62.0


@dataclass(frozen=True)
class Camera:
    """One exposure."""

    exposure: float = 1.0
    contrast: float = 1.0
    tint: Colour = (1.0, 1.0, 1.0)
    blur: float = 0.0
    """Sigma in pixels."""
    grain: float = 0.0
    """Standard deviation of the noise, of 255."""
    vignette: float = 0.0
    is_grey: bool = False
    jpeg_quality: int | None = None
    """None is not compressed before; the file that is written is another matter."""
    grain_seed: int = 0


def sample(rng: np.random.Generator, laboratory: bool) -> Camera:
    """Draw a camera: a steady one in the laboratory, anybody's in the wild."""
    seed = int(rng.integers(2**31))
    if laboratory:
        return Camera(grain=1.5, grain_seed=seed)
    warm = rng.normal(0, 0.045)
    return Camera(
        exposure=float(np.clip(rng.normal(1.0, 0.09), 0.72, 1.2)),
        contrast=float(np.clip(rng.normal(1.0, 0.07), 0.8, 1.2)),
        tint=(1 + warm, 1.0, 1 - warm),
        blur=float(rng.uniform(0.6, 1.8)) if rng.random() < 0.22 else 0.0,
        grain=float(rng.gamma(2.0, 1.6)),
        vignette=float(rng.uniform(0, 0.35)),
        is_grey=bool(rng.random() < 0.10),
        jpeg_quality=int(rng.integers(25, 75)) if rng.random() < 0.25 else None,
        grain_seed=seed,
    )


def take(scene: np.ndarray, camera: Camera) -> np.ndarray:
    """The photograph (height, width, 3) uint8 RGB of a painted scene of the same shape."""
    # One table per channel does exposure, contrast and colour at once.
    values = np.arange(256, dtype=np.float32)
    curve = (values - 128) * camera.contrast + 128
    tables = np.clip(curve[:, None] * camera.exposure * np.array(camera.tint), 0, 255).astype(
        np.uint8
    )
    picture = cv2.LUT(scene, tables[None])
    if camera.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), camera.blur)
    if camera.vignette > 0.02:
        picture = cv2.multiply(picture, _vignette(picture.shape, camera.vignette), dtype=cv2.CV_8U)
    if camera.is_grey:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if camera.grain > 0.3:
        picture = _grain(picture, camera)
    if camera.jpeg_quality is not None:
        _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg_quality])
        picture = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return picture


def _vignette(shape: tuple[int, ...], strength: float) -> np.ndarray:
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] ** 2
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :] ** 2
    return cv2.merge([1 - strength * 0.5 * (x + y) ** 1.5 * 0.5] * 3)


def _grain(picture: np.ndarray, camera: Camera) -> np.ndarray:
    """Noise in brightness, the same in the three channels, as film has it."""
    rng = np.random.default_rng(camera.grain_seed)
    noise = rng.standard_normal(picture.shape[:2], dtype=np.float32) * np.float32(camera.grain)
    return cv2.add(picture, cv2.merge([noise] * 3), dtype=cv2.CV_8U)
