"""Training in the background, on the ``gpu`` queue, in a fresh process for each run."""

from annotation.jobs.services import Claim

from . import services


def run_training(claim: Claim) -> None:
    """The handler of jobs of kind ``train``; the only place that leads to PyTorch."""
    services.build_runs(claim)
