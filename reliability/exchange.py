"""How processes that share the votes agree on sums; alone, a process agrees with itself."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Exchange(Protocol):
    """Sums over the processes that each hold a part of the images (``sharded``)."""

    def total(self, part: Floats) -> Floats:
        """The sum of every process's ``part``; the same bytes in each."""
        ...

    def highest(self, part: Floats) -> Floats:
        """The greatest of every process's ``part``."""
        ...


class Alone:
    """One process holds all images."""

    def total(self, part: Floats) -> Floats:
        return part

    def highest(self, part: Floats) -> Floats:
        return part


ALONE = Alone()
