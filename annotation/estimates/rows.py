"""What an estimate says of people and images, as rows of the database."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db import connection

import reliability
from reliability import plots
from reliability.null import Band

from .frozen import FrozenVotes
from .models import AnnotatorEstimate, Estimate, ItemEstimate

_COLUMNS = (
    "estimate_id", "image_id", "n_votes", "consensus", "confidence", "easiness", "entropy",
    "subset", "compound", "is_certain", "posterior", "distribution",
)  # fmt: skip


def annotator_rows(
    estimate: Estimate, frozen: FrozenVotes, fit: reliability.Estimate, band: Band | None = None
) -> list[AnnotatorEstimate]:
    """One unsaved row for each annotator."""
    agreement = plots.consensus_agreement(frozen.votes, fit.consensus)
    ms = median_ms(frozen)
    return [
        AnnotatorEstimate(
            estimate=estimate,
            annotator_id=pk,
            reliability=float(fit.reliability[i]),
            std_error=float(fit.std_error[i]),
            accuracy=float(fit.accuracy[i]),
            n_votes=int(fit.n_votes[i]),
            kept=bool(fit.kept[i]),
            reason=fit.reason[i],
            before=float(fit.before_screening.reliability[i]),
            agreement=float(agreement[i]),
            median_ms=ms[i],
            random_low=None if band is None else float(band.low[i]),
            random_high=None if band is None else float(band.high[i]),
        )
        for i, pk in enumerate(frozen.annotator_ids.tolist())
    ]


def median_ms(frozen: FrozenVotes) -> list[int | None]:
    """Each annotator's median time per vote, of those that were measured; None of none."""
    n = len(frozen.annotator_ids)
    if frozen.response_ms is None:
        return [None] * n
    known = frozen.response_ms >= 0
    votes = frozen.votes if known.all() else frozen.votes.select(known)
    middle = plots.median_by_person(votes, frozen.response_ms[known])
    counted = votes.votes_per_annotator
    return [round(middle[i]) if counted[i] else None for i in range(n)]


def store_items(
    estimate: Estimate, frozen: FrozenVotes, fit: reliability.Estimate, certain: Any
) -> None:
    """Write a row for each image, all at once: a COPY on PostgreSQL, one statement on SQLite."""
    parts = reliability.partition(fit.weighted_votes)
    n = len(frozen.image_ids)
    rows = zip(
        [estimate.pk] * n,
        frozen.image_ids.tolist(),
        frozen.votes.votes_per_item.tolist(),
        fit.consensus.tolist(),
        fit.confidence.tolist(),
        fit.easiness.tolist(),
        fit.entropy.tolist(),
        parts.subset.tolist(),
        (compound if compound >= 0 else None for compound in parts.compound.tolist()),
        np.asarray(certain).tolist(),
        map(str, np.round(fit.posterior, 9).tolist()),  # a list of numbers reads as JSON
        map(str, np.round(fit.distribution, 9).tolist()),
        strict=True,
    )
    _insert(ItemEstimate._meta.db_table, rows)


def _insert(table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            lines = ("\t".join("\\N" if v is None else str(v) for v in row) for row in rows)
            text = io.StringIO("\n".join(lines) + "\n")
            cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", text)
        else:
            marks = ", ".join(["%s"] * len(_COLUMNS))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))  # noqa: S608
