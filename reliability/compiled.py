"""Compile by numba, and keep the machine code where there is a place to keep it."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit as numba_njit

Function = TypeVar("Function", bound=Callable[..., Any])


def njit(**options: Any) -> Callable[[Function], Function]:
    """numba's decorator with its cache on disk, or without where nothing can be written.

    The cache lies beside the source, in the person's cache folder, or in ``NUMBA_CACHE_DIR``.
    Where none of these can be written (an installed package, a service without a home) each
    process compiles for itself, about ten seconds, instead of failing.

    Compiled functions run without Python's lock. They divide as NumPy does (a check at each
    division would keep loops from taking several votes at once) and may not allocate, so that no
    reference is counted in them.
    """
    options |= {"nogil": True, "error_model": "numpy", "_nrt": False}

    def compiled(function: Function) -> Function:
        try:
            found: Function = numba_njit(cache=True, **options)(function)
        except RuntimeError:  # "no locator available": numba found no place
            found = numba_njit(**options)(function)
        return found

    return compiled
