"""Figures as functions of arrays: an SVG with links, its table, its words for the blind.

Importing this loads no matplotlib; drawing does.
"""

from reliability.plots.campaign import (
    agreement_over_time,
    convergence,
    stopping,
    thresholds,
    vote_plan,
)
from reliability.plots.canvas import Figure, Table
from reliability.plots.images import (
    confusion,
    confusion_counts,
    difficulty,
    partition_flow,
    votes_per_image,
)
from reliability.plots.people import (
    before_and_after,
    by_votes,
    consensus_agreement,
    expression_counts,
    habits,
    median_by_person,
    reliabilities,
    speed,
)

__all__ = [
    "Figure",
    "Table",
    "agreement_over_time",
    "before_and_after",
    "by_votes",
    "confusion",
    "confusion_counts",
    "consensus_agreement",
    "convergence",
    "difficulty",
    "expression_counts",
    "habits",
    "median_by_person",
    "partition_flow",
    "reliabilities",
    "speed",
    "stopping",
    "thresholds",
    "vote_plan",
    "votes_per_image",
]
