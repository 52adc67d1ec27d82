"""The releases that the tests of ``training`` share."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.training.patterns import write_release

torch.set_num_threads(1)  # the tests' pictures are too small for more


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve training and three test faces of each expression; tests only read it."""
    return write_release(tmp_path_factory.mktemp("release") / "small")


@pytest.fixture
def make_release(tmp_path: Path) -> Callable[..., Path]:
    """Writes a release of one's own, to be damaged."""
    return lambda **counts: write_release(tmp_path / "release", **counts)
