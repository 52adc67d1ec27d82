"""The votes: three integer arrays, validated once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Whole = NDArray[np.integer[Any]]

_BLOCK = 1 << 20  # votes handled at a time, so that sorting 50 million needs little beside them
_MAX_CLASSES = 127  # an expression is one byte


class ByItem(NamedTuple):
    """The votes sorted by item, then annotator; those of item j are ``start[j]:start[j + 1]``."""

    start: NDArray[np.int64]  # (n_items + 1,)
    annotator: Whole  # (n_votes,) int32
    expression: Whole  # (n_votes,) int8


class Block(NamedTuple):
    """The votes of a range of items."""

    items: slice
    item: NDArray[np.int64]  # (n,) counted from the first of the range
    annotator: Whole  # (n,)
    expression: Whole  # (n,)


@dataclass(frozen=True, eq=False)
class Votes:
    """Who chose what for which item; the order of the votes carries no meaning.

    ``item``, ``annotator`` and ``expression`` are one-dimensional and equally long, with values in
    0…``n_items`` − 1, 0…``n_annotators`` − 1 and 0…``n_classes`` − 1; nobody votes twice on an
    item. Items and annotators without votes are allowed. Arrays that already have the kept types
    (int32, int32, int8) are not copied, so do not change them afterwards.

    Raises ValueError naming field, position, value and range. Cost: 0.05 s for 1.2 million votes.
    """

    item: Whole
    annotator: Whole
    expression: Whole
    n_items: int = field(kw_only=True)
    n_annotators: int = field(kw_only=True)
    n_classes: int = field(kw_only=True, default=7)
    by_item: ByItem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("n_items", "n_annotators", "n_classes"):
            object.__setattr__(self, name, _size(name, getattr(self, name)))
        for name, size, kept in (
            ("item", self.n_items, np.int32),
            ("annotator", self.n_annotators, np.int32),
            ("expression", self.n_classes, np.int8),
        ):
            object.__setattr__(self, name, _column(name, getattr(self, name), size, kept))
        for name in ("annotator", "expression"):
            length = len(getattr(self, name))
            if length != len(self.item):
                raise ValueError(f"{name} has {length} values but item has {len(self.item)}")
        object.__setattr__(self, "by_item", _sorted_by_item(self))

    def __len__(self) -> int:
        return len(self.item)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many people chose each class of each item, (n_items, n_classes)."""
        return self.tallied().astype(np.int64)

    def tallied(self, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Votes for each class of each item, (n_items, n_classes).

        Each counts one, or the ``weight`` (n_annotators,) of who gave it.
        """
        tally = np.zeros((self.n_items, self.n_classes))
        for block in self.blocks():
            mine = tally[block.items]
            cell = block.item * self.n_classes + block.expression
            of_votes = None if weight is None else weight[block.annotator]
            mine += np.bincount(cell, of_votes, minlength=mine.size).reshape(mine.shape)
        return tally

    def blocks(self) -> Iterator[Block]:
        """The votes by item, about a million at a time."""
        start = self.by_item.start
        low = 0
        while low < self.n_items:
            high = int(np.searchsorted(start, start[low] + _BLOCK, side="right")) - 1
            high = min(max(high, low + 1), self.n_items)
            mine = slice(int(start[low]), int(start[high]))
            yield Block(
                slice(low, high),
                np.repeat(np.arange(high - low), np.diff(start[low : high + 1])),
                self.by_item.annotator[mine],
                self.by_item.expression[mine],
            )
            low = high

    @cached_property
    def votes_per_annotator(self) -> NDArray[np.int64]:
        """(n_annotators,)"""
        return np.bincount(self.annotator, minlength=self.n_annotators)

    @property
    def votes_per_item(self) -> NDArray[np.int64]:
        """(n_items,)"""
        return np.diff(self.by_item.start)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the sorted votes and the sizes: equal for the same votes in any order."""
        hashed = hashlib.sha256(f"{self.n_items},{self.n_annotators},{self.n_classes};".encode())
        for array, kind in (
            (self.by_item.start, "<i8"),
            (self.by_item.annotator, "<i4"),
            (self.by_item.expression, "<i1"),
        ):
            hashed.update(np.ascontiguousarray(array, dtype=kind).data)
        return hashed.hexdigest()

    def select(self, chosen: NDArray[np.bool_]) -> "Votes":
        """Only the votes where ``chosen`` (n_votes,) is true, over the same items and people."""
        return Votes(
            self.item[chosen],
            self.annotator[chosen],
            self.expression[chosen],
            n_items=self.n_items,
            n_annotators=self.n_annotators,
            n_classes=self.n_classes,
        )


def _size(name: str, value: Any) -> int:
    low, high = (2, _MAX_CLASSES) if name == "n_classes" else (0, 2**31 - 1)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} is {value!r}, not an integer")
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, outside {low}–{high}")
    return int(value)


def _column(name: str, values: ArrayLike, size: int, kept: type[np.integer[Any]]) -> Any:
    """The values as the kept integer type, after a check of shape, type and range."""
    column = np.asarray(values)
    if column.ndim != 1:
        raise ValueError(f"{name} has shape {column.shape}, not one dimension")
    if len(column) == 0:
        return np.zeros(0, dtype=kept)
    if column.dtype.kind not in "iu":
        raise ValueError(f"{name} holds {column.dtype}, not integers")
    if int(column.min()) < 0 or int(column.max()) >= size:
        position = int(np.flatnonzero((column < 0) | (column >= size))[0])
        raise ValueError(f"{name}[{position}] is {column[position]}, outside 0–{size - 1}")
    return np.ascontiguousarray(column, dtype=kept)


def _sorted_by_item(votes: Votes) -> ByItem:
    """The votes by item and annotator; the arrays themselves where they are sorted already."""
    start = np.zeros(votes.n_items + 1, dtype=np.int64)
    np.cumsum(np.bincount(votes.item, minlength=votes.n_items), out=start[1:])
    if _is_sorted(votes):
        return ByItem(start, votes.annotator, votes.expression)
    if votes.n_items * votes.n_annotators * votes.n_classes >= 2**63:
        raise ValueError("n_items × n_annotators × n_classes is 2^63 or more: too many to sort")
    key = np.empty(len(votes), dtype=np.int64)
    for block in _blocks(len(votes)):
        key[block] = _pairs(votes, block) * votes.n_classes + votes.expression[block]
    key.sort()
    annotator, expression = np.empty_like(votes.annotator), np.empty_like(votes.expression)
    previous = np.int64(-1)
    for block in _blocks(len(votes)):
        pair = key[block] // votes.n_classes
        expression[block] = key[block] - pair * votes.n_classes
        annotator[block] = pair - pair // votes.n_annotators * votes.n_annotators
        if pair[0] == previous or (pair[1:] == pair[:-1]).any():
            _refuse_repeated(votes)
        previous = pair[-1]
    return ByItem(start, annotator, expression)


def _blocks(n: int) -> list[slice]:
    return [slice(low, min(low + _BLOCK, n)) for low in range(0, n, _BLOCK)]


def _pairs(votes: Votes, block: slice) -> NDArray[np.int64]:
    """Item and annotator of each vote of the block as one number."""
    pair = votes.item[block].astype(np.int64)
    pair *= votes.n_annotators
    pair += votes.annotator[block]
    return pair


def _is_sorted(votes: Votes) -> bool:
    """Whether each pair of item and annotator is above the one before it."""
    previous = np.int64(-1)
    for block in _blocks(len(votes)):
        pair = _pairs(votes, block)
        if pair[0] <= previous or not (pair[1:] > pair[:-1]).all():
            return False
        previous = pair[-1]
    return True


def _refuse_repeated(votes: Votes) -> None:
    first, second = repeated_vote(votes.item, votes.annotator)
    raise ValueError(
        f"annotator[{second}] is {votes.annotator[second]}, who already voted on item"
        f" {votes.item[second]} at position {first}; one vote per item and annotator"
    )


def repeated_vote(item: Whole, annotator: Whole) -> tuple[int, int]:
    """Positions of the earliest vote that repeats an item and annotator, and of its first."""
    order = np.lexsort((np.arange(len(item)), annotator, item))
    same = (np.diff(item[order]) == 0) & (np.diff(annotator[order]) == 0)
    at = np.flatnonzero(same)
    best = at[np.argmin(order[at + 1])]
    return int(order[best]), int(order[best + 1])
