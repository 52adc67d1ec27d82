"""Votes in, estimates out: who is reliable, what each face shows, how sure that is.

Pure numerics that know nothing of the site. Importing this package loads NumPy only; numba,
SciPy and matplotlib load where they are used.
"""

from reliability.agreement import Agreement, agreement
from reliability.estimates import BeforeScreening, Estimate, estimate, start_after
from reliability.options import Method, Options
from reliability.partition import Partition, Subset, SubsetsBy, partition
from reliability.screening import ScreeningRule
from reliability.start import Start
from reliability.votes import Votes

__all__ = [
    "Agreement",
    "BeforeScreening",
    "Estimate",
    "Method",
    "Options",
    "Partition",
    "ScreeningRule",
    "Start",
    "Subset",
    "SubsetsBy",
    "Votes",
    "agreement",
    "estimate",
    "partition",
    "start_after",
]
