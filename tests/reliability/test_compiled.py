"""The compiled passes must run where nothing may be written, as an installed package is."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ESTIMATE = """
import numba.core.caching as caching
{no_place}
import numpy as np
from reliability import Votes, estimate
item, annotator = np.divmod(np.arange(200), 10)
found = estimate(Votes(item, annotator, item % 7, n_items=20, n_annotators=10))
assert found.converged
"""
NO_PLACE = "caching.CacheImpl._locator_classes = []"


def test_an_estimate_needs_no_place_to_keep_machine_code() -> None:
    done = run(ESTIMATE.format(no_place=NO_PLACE))
    assert done.returncode == 0, done.stderr


def test_negative_control_numba_alone_refuses() -> None:
    alone = f"import numba.core.caching as caching\n{NO_PLACE}\nimport numba\n"
    done = run(alone + "numba.njit(cache=True)(lambda x: x)")
    assert "no locator available" in done.stderr


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
