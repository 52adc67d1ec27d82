"""Where a fit begins that knows an earlier one: a periodic estimate need not start from nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reliability.measured import Floats, Measured, Optimum

_FORMAT = 1
_NAMES = ("alpha", "b", "told", "integrated")


@dataclass(frozen=True)
class Start:
    """Parameters of an earlier fit on the priors' scale; NaN for whom or what is new since."""

    alpha: Floats
    """(n_annotators,) where the joint likelihood was highest."""
    b: Floats
    """(n_items,) ln easiness there."""
    told: Floats
    """(n_annotators,) α as it was concluded, with the easiness integrated out."""
    easiness_spread: float | None = None
    two_share: float = 0.0
    before: "Start | None" = None
    """Where the fit before anybody was left out may begin; here too where that is not known."""

    def renumbered(self, annotators: ArrayLike, items: ArrayLike) -> "Start":
        """The same for other votes: ``annotators`` and ``items`` say where each was here, or −1."""
        who, what = np.asarray(annotators, dtype=np.int64), np.asarray(items, dtype=np.int64)
        return Start(
            _taken(self.alpha, who), _taken(self.b, what), _taken(self.told, who),
            self.easiness_spread, self.two_share,
            None if self.before is None else self.before.renumbered(who, what),
        )  # fmt: skip

    def save(self, path: str | Path | IO[bytes], **more: Any) -> None:
        """Write a ``.npz`` that ``load`` reads; ``more`` arrays may say who and what was meant."""
        before = {} if self.before is None else self.before._arrays("before_")
        np.savez(path, format=np.array(_FORMAT), **self._arrays(""), **before, **more)

    def _arrays(self, prefix: str) -> dict[str, Any]:
        spread = np.nan if self.easiness_spread is None else self.easiness_spread
        integrated = np.array([spread, self.two_share])
        arrays = zip(_NAMES, (self.alpha, self.b, self.told, integrated), strict=True)
        return {prefix + name: array for name, array in arrays}


def load(path: str | Path) -> tuple[Start, dict[str, NDArray[Any]]]:
    """A saved start, and the arrays saved with it. Raises ValueError for another format."""
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    if int(found.pop("format", -1)) != _FORMAT:
        raise ValueError(f"{path}: not a start of format {_FORMAT}")
    before = _taken_from(found, "before_", None) if "before_alpha" in found else None
    return _taken_from(found, "", before), found


def _taken_from(found: dict[str, NDArray[Any]], prefix: str, before: Start | None) -> Start:
    alpha, b, told, integrated = (found.pop(prefix + name) for name in _NAMES)
    spread, two = integrated.tolist()
    return Start(alpha, b, told, None if np.isnan(spread) else spread, two, before)


def after(found: Measured, left_out: NDArray[np.bool_] | None = None) -> Start:
    """The start that a fit gives to the next one.

    Whoever was ``left_out`` (n_annotators,) took no part in the joint optimum, so begins at what
    was concluded of them.
    """
    known = found.optimum or Optimum(found.reliability, np.log(found.easiness))
    told = found.reliability / found.scale
    alpha = known.alpha if left_out is None else np.where(left_out, told, known.alpha)
    if found.integrated is None:
        return Start(alpha, known.b, told)
    integrated = found.integrated
    return Start(alpha, known.b, told, integrated.easiness_spread, integrated.two_share)


def _taken(values: Floats, at: NDArray[np.int64]) -> Floats:
    if not len(values):
        return np.full(len(at), np.nan)
    return np.where(at >= 0, values[at], np.nan)
