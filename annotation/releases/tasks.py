"""Releases in the background."""

from annotation.jobs.services import Claim

from .build import build_release


def run_release(claim: Claim) -> None:
    """The handler of jobs of kind ``release``."""
    build_release(claim)
