"""What can be chosen about an estimate, with the defaults the README gives reasons for."""

import math
from dataclasses import dataclass, fields
from enum import StrEnum


class Method(StrEnum):
    """The estimators behind one interface."""

    GLAD = "glad"
    DAWID_SKENE = "dawid-skene"
    ONE_COIN = "one-coin"
    MAJORITY = "majority"


@dataclass(frozen=True)
class Options:
    """The model's priors and the search's limits; ValueError names what is out of range.

    α ~ N(``reliability_mean``, ``reliability_sd``²), b = ln β ~ N(0, ``easiness_sd``²).
    ``estimate_classes``: the shares of the classes are estimated, else uniform.
    ``estimate_errors``: where a wrong vote falls is one table, shared by all people, with a row per
    true class; else wrong votes fall uniformly. ``pseudo_count`` is added to each cell of both.
    ``integrate``: people and items are told with every item's easiness integrated out, its spread
    estimated; else as they are at the joint optimum. ``two_at_once``: that allows for items that
    show two classes (README, decision 7).
    ``entropy_is_easiness``: start as Algorithm 1 is printed, β := entropy (README, decision 4).
    The search stops when an iteration gains less than ``tolerance`` nats per vote.
    """

    reliability_mean: float = 1.0
    reliability_sd: float = 1.0
    easiness_sd: float = 1.0
    estimate_classes: bool = False
    estimate_errors: bool = False
    pseudo_count: float = 1.0
    integrate: bool = True
    two_at_once: bool = True
    entropy_is_easiness: bool = False
    tolerance: float = 1e-8
    max_iterations: int = 100

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise ValueError(f"{field.name} is {value}, not a finite number")
        for name in ("reliability_sd", "easiness_sd", "pseudo_count", "tolerance"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, not above 0")
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations is {self.max_iterations}, below 1")
