"""The crowd behind a release: how many chose what on each image, and under which codes.

Read from the estimate's frozen votes, never from the live ones: a release says what its estimate
saw.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.crypto import salted_hmac

from annotation.estimates.models import Estimate
from annotation.estimates.queries import folder_of
from reliability.expressions import N_EXPRESSIONS

VOTES, ANNOTATORS = "votes.parquet", "annotators.parquet"
MIN_GROUP = 5
"""A group of fewer people is not broken down: their votes are not published one by one."""
CODE_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"  # 31 signs that nobody confuses
CODE_LENGTH = 10
Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Crowd:
    """Frozen votes. ``image_ids`` ``(n_items,)`` ascend, ``counts`` ``(n_items, 7)`` are theirs.

    ``item, annotator, expression`` ``(n_votes,)`` are the votes one by one, empty where only
    counts are known (an imported set); ``annotator_ids`` says who annotator i is.
    """

    image_ids: Integers
    counts: Integers
    item: Integers
    annotator: Integers
    expression: Integers
    annotator_ids: Integers

    def counts_of(self, image_id: int) -> list[int] | None:
        """How many chose each of the seven for an image; None where the estimate had none."""
        i = int(np.searchsorted(self.image_ids, image_id))
        if i == len(self.image_ids) or self.image_ids[i] != image_id:
            return None
        return [int(n) for n in self.counts[i]]


def read_crowd(estimate: Estimate) -> Crowd | None:
    """The votes that the estimate froze; None where its folder no longer has them."""
    path = folder_of(estimate) / "votes.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as frozen:
        image_ids = frozen["image_ids"]
        if "counts" in frozen:
            none = np.zeros(0, dtype=np.int64)
            return Crowd(image_ids, frozen["counts"], none, none, none, none)
        item, annotator, expression = (frozen[name] for name in ("item", "annotator", "expression"))
        counts = np.zeros((len(image_ids), N_EXPRESSIONS), dtype=np.int64)
        np.add.at(counts, (item, expression), 1)
        return Crowd(image_ids, counts, item, annotator, expression, frozen["annotator_ids"])


def codes(scope: str, keys: Iterable[int | str]) -> dict[Any, str]:
    """A code for each key that nobody links to another release's without the server's secret.

    ``scope`` names project and version. The same secret gives the same codes again, so that a
    release can be built again byte for byte.
    """
    return {key: _code(f"{scope}/{key}") for key in keys}


def _code(value: str) -> str:
    digest = salted_hmac("annotation.releases.crowd", value, algorithm="sha256").digest()
    number, signs = int.from_bytes(digest), []
    for _ in range(CODE_LENGTH):
        number, sign = divmod(number, len(CODE_SIGNS))
        signs.append(CODE_SIGNS[sign])
    return "".join(signs)
