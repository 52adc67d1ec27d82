"""The figures of one estimate, in the order in which they are read; page and command share them."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reliability import null, plots
from reliability.effects import threshold_effects
from reliability.estimates import Estimate
from reliability.null import Band
from reliability.partition import partition
from reliability.plots import Figure
from reliability.screening import ScreeningRule
from reliability.votes import Votes

Url = Callable[[int], str]
FEWEST = 3  # annotators below which a null band says nothing


def figures(
    votes: Votes,
    found: Estimate,
    *,
    annotator_names: Sequence[str],
    item_names: Sequence[str],
    class_names: Sequence[str],
    target: int | None = None,
    response_ms: ArrayLike | None = None,
    screening: ScreeningRule = ScreeningRule(),  # noqa: B008  # frozen
    annotator_url: Url | None = None,
    item_url: Url | None = None,
    cell_url: Callable[[int, int], str] | None = None,
    subset_url: Url | None = None,
    band: Band | None = None,
    seed: int = 0,
) -> Iterator[Figure]:
    """One figure after another, each drawn when it is asked for.

    ``response_ms`` ``(n_votes,)`` adds speed against agreement; ``target`` marks the
    votes per image that were asked for. URLs make points into links. ``band`` is that of a random
    voter where it is known already; otherwise it is found here.
    """
    of_people: dict[str, Any] = {"names": annotator_names, "annotator_url": annotator_url}
    random = band or band_of(votes, found, screening=screening, seed=seed)
    limits = None if random is None else (random.low, random.high)
    yield plots.reliabilities(
        found.reliability,
        found.std_error,
        found.n_votes,
        found.kept,
        band=limits,
        threshold=screening.threshold,
        **of_people,
    )
    effects = threshold_effects(votes, found, screening)
    yield plots.thresholds(
        effects.threshold,
        effects.people,
        effects.votes,
        effects.relabelled,
        chosen=screening.threshold,
    )
    yield plots.partition_flow(partition(found.weighted_votes), subset_url=subset_url)
    yield plots.difficulty(
        found.easiness,
        found.entropy,
        found.consensus,
        class_names=class_names,
        item_names=item_names,
        item_url=item_url,
    )
    counts = plots.confusion_counts(votes, found.consensus)
    yield plots.confusion(counts, class_names=class_names, cell_url=cell_url)
    yield plots.before_and_after(
        found.before_screening.reliability, found.reliability, found.kept, **of_people
    )
    yield plots.by_votes(found.reliability, found.n_votes, found.kept, band=limits, **of_people)
    if response_ms is not None:
        yield plots.speed(
            plots.median_by_person(votes, response_ms),
            plots.consensus_agreement(votes, found.consensus),
            found.kept,
            chance=1 / votes.n_classes,
            **of_people,
        )
    yield plots.habits(plots.expression_counts(votes), class_names=class_names, **of_people)
    yield plots.votes_per_image(votes.counts.sum(axis=1), target=target)
    if len(found.history) > 1:
        yield plots.convergence(found.history)


def band_of(
    votes: Votes,
    found: Estimate,
    *,
    screening: ScreeningRule = ScreeningRule(),  # noqa: B008  # frozen
    seed: int = 0,
) -> Band | None:
    """What a random voter would get in each place; None where that says nothing.

    It takes three people, and a method that tells them apart by α.
    """
    if votes.n_annotators < FEWEST or found.method != "glad":
        return None
    return null.band(votes, found, np.random.default_rng(seed), screening=screening)


def write_gallery(folder: Path, drawn: Iterator[Figure]) -> list[dict[str, str]]:
    """Write each figure's SVG and CSV, and ``figures.json`` with names, titles and alternatives."""
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for figure in drawn:
        figure.save(folder)
        told.append({"name": figure.name, "title": figure.title, "alt": figure.alt})
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    (folder / "figures.json").write_text(text, encoding="utf-8")
    return told
