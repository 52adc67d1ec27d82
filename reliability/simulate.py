"""A crowd whose truth is known: people and faces drawn from the paper's own model (§3.1).

A vote of a person with reliability α on a face with easiness β is right with probability σ(α β).
A right vote falls on what the face shows, and where it shows two expressions the right votes
divide between them; a wrong vote falls on the other classes, evenly or by a confusion. People who
do not look at the face at all (random clickers, one-key pressers) follow no α: theirs is stated
as the value that their share of right votes has at β = 1, for comparison only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reliability.expressions import COMPOUNDS, N_DISTRIBUTED_COMPOUNDS, N_EXPRESSIONS
from reliability.partition import valid_labels
from reliability.votes import Votes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BALANCE: tuple[int, ...] = (1619, 355, 877, 5957, 2460, 867, 3204)
"""Images per expression in RAF-DB's single-label subset, train and test together."""

COMPOUND_SHARE = 0.2
"""Of all faces; RAF-DB's compound folder alone holds 3,954 of 29,672."""

CONFUSION: tuple[tuple[float, ...], ...] = (
    # Sur  Fea   Dis   Hap   Sad   Ang   Neu     the face shows
    (0.00, 0.46, 0.06, 0.20, 0.04, 0.06, 0.18),  # surprise
    (0.50, 0.00, 0.10, 0.04, 0.22, 0.10, 0.04),  # fear
    (0.06, 0.10, 0.00, 0.06, 0.26, 0.36, 0.16),  # disgust
    (0.24, 0.03, 0.09, 0.00, 0.05, 0.03, 0.56),  # happiness
    (0.04, 0.14, 0.26, 0.04, 0.00, 0.12, 0.40),  # sadness
    (0.08, 0.12, 0.42, 0.02, 0.16, 0.00, 0.20),  # anger
    (0.12, 0.04, 0.12, 0.20, 0.40, 0.12, 0.00),  # neutral
)
"""Where wrong votes go among expressions that people mix up: a plausible pattern, ours; rows sum
to 1. Fear and surprise, disgust and anger, sadness and neutral share action units (Table 1)."""


class Kind(IntEnum):
    """How a simulated person votes."""

    HONEST = 0
    CARELESS = 1
    ONE_KEY = 2
    ADVERSARIAL = 3
    RANDOM = 4
    PART_TIME = 5

    @property
    def is_bad(self) -> bool:
        """Votes that no study should keep; the careless and the part-time still see something."""
        return self in (Kind.ONE_KEY, Kind.ADVERSARIAL, Kind.RANDOM)


_PACE = {  # median milliseconds of a vote
    Kind.HONEST: 1800.0,
    Kind.CARELESS: 900.0,
    Kind.ONE_KEY: 320.0,
    Kind.ADVERSARIAL: 1500.0,
    Kind.RANDOM: 420.0,
    Kind.PART_TIME: 1500.0,
}


@dataclass(frozen=True)
class Population:
    """People and faces as drawn, before anybody has voted."""

    kind: Integers
    """(n_annotators,) of ``Kind``."""
    reliability: Floats
    """(n_annotators,) the true α."""
    clicking: Floats
    """(n_annotators,) share of the votes that look at no face, 0–1."""
    favourite: Integers
    """(n_annotators,) the key of a one-key presser, −1 for everybody else."""
    easiness: Floats
    """(n_items,) the true β, geometric mean 1."""
    shown: Floats
    """(n_items, K) how right votes divide; rows sum to 1, one-hot where one thing is shown."""
    wrong: Floats
    """(K, K) where wrong votes go, by what is shown; rows sum to 1."""

    @property
    def truth(self) -> Integers:
        """(n_items,) the expression that is shown most."""
        return np.asarray(self.shown.argmax(axis=1))

    @property
    def is_compound(self) -> NDArray[np.bool_]:
        """(n_items,) whether the face shows two expressions or more."""
        return np.asarray(valid_labels(self.shown).sum(axis=1) > 1)

    def vote(
        self, annotator: ArrayLike, item: ArrayLike, rng: np.random.Generator
    ) -> NDArray[np.int8]:
        """What each person votes on each face: arrays that broadcast together, any order.

        The site decides who sees what and asks for one vote at a time; a study asks for all.
        """
        annotators, items = np.broadcast_arrays(np.atleast_1d(annotator), np.atleast_1d(item))
        faces, place = np.unique(items, return_inverse=True)
        chance = 1 / (1 + np.exp(-self.reliability[annotators] * self.easiness[items]))
        vote = np.where(
            rng.random(len(items)) < chance,
            _draw(self.shown[faces].cumsum(axis=1)[place], rng),
            _draw(self._wrong_votes(faces).cumsum(axis=1)[place], rng),
        )
        is_click = rng.random(len(items)) < self.clicking[annotators]
        random_key = rng.integers(self.shown.shape[1], size=len(items))
        favourite = self.favourite[annotators]
        clicked = np.where(favourite >= 0, favourite, random_key)
        return np.where(is_click, clicked, vote).astype(np.int8)

    def response_ms(
        self, annotator: ArrayLike, item: ArrayLike, rng: np.random.Generator
    ) -> Integers:
        """How long each vote takes: log-normal about the person's pace, longer on hard faces."""
        annotators, items = np.broadcast_arrays(np.atleast_1d(annotator), np.atleast_1d(item))
        median = np.array([_PACE[kind] for kind in Kind])[self.kind[annotators]]
        looks = self.clicking[annotators] < 1
        slower = np.where(looks, self.easiness[items] ** -0.3, 1.0)
        ms = median * slower * np.exp(rng.normal(0, 0.35, size=len(items)))
        return np.asarray(np.rint(np.maximum(ms, 120)).astype(np.int64))

    def _wrong_votes(self, faces: Integers) -> Floats:
        """(len(faces), K): where wrong votes on each face go, never on what it shows."""
        is_shown = valid_labels(self.shown[faces])
        rows = np.where(is_shown, 0.0, self.wrong[self.shown[faces].argmax(axis=1)])
        nowhere = rows.sum(axis=1) == 0
        rows[nowhere] = ~is_shown[nowhere]
        return np.asarray(rows / rows.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Crowd(Population):
    """A population that has voted."""

    votes: Votes


def crowd(
    n_items: int,
    n_annotators: int,
    votes_per_item: int,
    rng: np.random.Generator,
    **people_and_faces: Any,
) -> Crowd:
    """A whole study: every face is seen by ``votes_per_item`` different people, loads even to 1.

    The keywords are those of ``population``.
    """
    drawn = population(n_items, n_annotators, rng, **people_and_faces)
    item, annotator = assignments(n_items, n_annotators, votes_per_item, rng)
    expression = drawn.vote(annotator, item, rng)
    votes = Votes(
        item,
        annotator,
        expression,
        n_items=n_items,
        n_annotators=n_annotators,
        n_classes=drawn.shown.shape[1],
    )
    return Crowd(**vars(drawn), votes=votes)


def population(
    n_items: int,
    n_annotators: int,
    rng: np.random.Generator,
    *,
    careless: int = 0,
    one_key: int = 0,
    adversarial: int = 0,
    random: int = 0,
    part_time: int = 0,
    honest_reliability: tuple[float, float] = (1.1, 0.35),
    easiness_spread: float = 0.5,
    truth: ArrayLike | None = None,
    balance: ArrayLike = BALANCE,
    compound_share: float = COMPOUND_SHARE,
    confusion: ArrayLike | None = None,
) -> Population:
    """Draw people and faces.

    ``careless`` … ``part_time`` count people; the others are honest, α normal with the mean and
    standard deviation of ``honest_reliability`` (at least 0.5). ``easiness_spread`` is
    the standard deviation of ln β; the defaults give Cronbach's alpha near the paper's 0.966 at
    40 votes. ``truth`` is ``None`` (drawn by ``balance`` and ``compound_share``), an expression
    for each face, or a distribution for each face.
    ``confusion`` (K, K) says where wrong votes go; ``None`` is evenly, as the model assumes.
    """
    bad = {
        Kind.CARELESS: careless,
        Kind.ONE_KEY: one_key,
        Kind.ADVERSARIAL: adversarial,
        Kind.RANDOM: random,
        Kind.PART_TIME: part_time,
    }
    shown = _shown(truth, n_items, np.asarray(balance, dtype=float), compound_share, rng)
    n_classes = shown.shape[1]
    kind = rng.permutation(_kinds(bad, n_annotators))
    log_easiness = rng.normal(0, easiness_spread, size=n_items)
    return Population(
        kind=kind,
        reliability=_reliabilities(kind, honest_reliability, n_classes, rng),
        clicking=_clicking(kind, rng),
        favourite=np.where(kind == Kind.ONE_KEY, rng.integers(n_classes, size=n_annotators), -1),
        easiness=np.exp(log_easiness - log_easiness.mean()),
        shown=shown,
        wrong=_wrong(confusion, n_classes),
    )


def assignments(
    n_items: int, n_annotators: int, votes_per_item: int, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Random and even assignment as ``(item, annotator)``, sorted by item (paper §3.1).

    The people are dealt out lap by lap, each lap in a new order; whoever already sits on the
    image that a lap begins in is moved further back, so that nobody meets an image twice.
    """
    if not 1 <= votes_per_item <= n_annotators:
        raise ValueError(f"votes_per_item: {votes_per_item}, must be 1 to {n_annotators} people")
    n_votes = n_items * votes_per_item
    dealt = np.empty(-(-n_votes // n_annotators) * n_annotators, dtype=np.int64)
    for start in range(0, n_votes, n_annotators):
        lap = rng.permutation(n_annotators)
        n_seated = start % votes_per_item
        _move_back(lap, dealt[start - n_seated : start], votes_per_item - n_seated, rng)
        dealt[start : start + n_annotators] = lap
    return np.repeat(np.arange(n_items), votes_per_item), dealt[:n_votes]


def _move_back(lap: Integers, seated: Integers, n_open: int, rng: np.random.Generator) -> None:
    """Swap whoever is seated already out of the first ``n_open`` places of a lap, in place."""
    if not len(seated):
        return
    clash = np.isin(lap[:n_open], seated).nonzero()[0]
    free = n_open + (~np.isin(lap[n_open:], seated)).nonzero()[0]
    swap = rng.choice(free, size=len(clash), replace=False)
    lap[clash], lap[swap] = lap[swap], lap[clash]


def _kinds(bad: dict[Kind, int], n_annotators: int) -> Integers:
    for kind, n in bad.items():
        if n < 0:
            raise ValueError(f"{kind.name.lower()}: {n}, must be 0 or more people")
    n_bad = sum(bad.values())
    if n_bad > n_annotators:
        raise ValueError(f"{n_bad} people who are not honest, but n_annotators is {n_annotators}")
    n_each = [n_annotators - n_bad, *bad.values()]
    return np.repeat([Kind.HONEST, *bad], n_each).astype(np.int64)


def _reliabilities(
    kind: Integers, honest: tuple[float, float], n_classes: int, rng: np.random.Generator
) -> Floats:
    at_chance = -np.log(n_classes - 1.0)  # σ(α) = 1/K
    draw: dict[Kind, Callable[[int], Floats]] = {
        Kind.HONEST: lambda n: np.maximum(rng.normal(*honest, size=n), 0.5),
        Kind.CARELESS: lambda n: rng.uniform(0.1, 0.4, size=n),
        Kind.ONE_KEY: lambda n: np.full(n, at_chance),
        Kind.ADVERSARIAL: lambda n: rng.normal(-3.0, 0.3, size=n),
        Kind.RANDOM: lambda n: np.full(n, at_chance),
        Kind.PART_TIME: lambda n: np.maximum(rng.normal(*honest, size=n), 0.5),
    }
    alpha = np.empty(len(kind))
    for each in Kind:
        alpha[kind == each] = draw[each](int((kind == each).sum()))
    return alpha


def _clicking(kind: Integers, rng: np.random.Generator) -> Floats:
    """Part-time clickers click 15–50 % of the time: the hard case of screening."""
    part_time = rng.uniform(0.15, 0.5, size=len(kind))
    always = np.isin(kind, (Kind.ONE_KEY, Kind.RANDOM)).astype(float)
    return np.asarray(np.where(kind == Kind.PART_TIME, part_time, always))


def _shown(
    truth: ArrayLike | None,
    n_items: int,
    balance: Floats,
    compound_share: float,
    rng: np.random.Generator,
) -> Floats:
    if truth is None:
        return _drawn_faces(n_items, balance, compound_share, rng)
    given = np.asarray(truth)
    if given.shape == (n_items,):
        return np.asarray(np.eye(len(balance))[given])
    if given.shape != (n_items, len(balance)):
        raise ValueError(f"truth: shape {given.shape}, must be ({n_items},) or (…, {len(balance)})")
    if (given < 0).any() or not np.allclose(given.sum(axis=1), 1):
        raise ValueError("truth: a distribution is negative or does not sum to 1")
    return given.astype(np.float64)


def _drawn_faces(
    n_items: int, balance: Floats, compound_share: float, rng: np.random.Generator
) -> Floats:
    """Single expressions by the class balance; compounds evenly among those with a name."""
    n_classes = len(balance)
    shown = np.eye(n_classes)[rng.choice(n_classes, size=n_items, p=balance / balance.sum())]
    if n_classes != N_EXPRESSIONS:
        return shown
    is_compound = rng.random(n_items) < compound_share
    pairs = np.array([(a, b) for _, a, b in COMPOUNDS[:N_DISTRIBUTED_COMPOUNDS]])
    pair = pairs[rng.integers(len(pairs), size=n_items)]
    share = rng.uniform(0.4, 0.6, size=n_items)
    divided = share[:, None] * np.eye(n_classes)[pair[:, 0]]
    divided += (1 - share)[:, None] * np.eye(n_classes)[pair[:, 1]]
    return np.asarray(np.where(is_compound[:, None], divided, shown))


def _wrong(confusion: ArrayLike | None, n_classes: int) -> Floats:
    rows = np.ones((n_classes, n_classes)) if confusion is None else np.array(confusion, float)
    if rows.shape != (n_classes, n_classes) or (rows < 0).any():
        raise ValueError(f"confusion: shape {rows.shape}, must be ({n_classes},)² and not negative")
    np.fill_diagonal(rows, 0)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _draw(cumulative: Floats, rng: np.random.Generator) -> Integers:
    """One class for each row of cumulative probabilities."""
    u = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.asarray((u[:, None] >= cumulative[:, :-1]).sum(axis=1))
