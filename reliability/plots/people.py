"""Figures of people: how reliable, against what, how fast, by which habits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reliability.plots.canvas import (
    BLUE,
    INK,
    RED,
    Figure,
    Sheet,
    Table,
    Url,
    colours,
    percent,
    plain,
    sheet,
)
from reliability.votes import Votes

Floats = NDArray[np.float64]
_NORMAL_95 = 1.959964
_NAMED = 30  # people whose names fit under an axis
_BARS = 40  # people whose habits fit into one figure


def reliabilities(
    reliability: ArrayLike,
    std_error: ArrayLike,
    n_votes: ArrayLike,
    kept: ArrayLike,
    *,
    names: Sequence[str],
    band: tuple[ArrayLike, ArrayLike] | None = None,
    threshold: float | None = None,
    annotator_url: Url | None = None,
) -> Figure:
    """Everybody's α with its 95 % interval, sorted, all arrays (n_annotators,).

    ``band`` is the range (low, high) that a random voter would get in each person's place;
    ``threshold`` is the screening rule's.
    """
    alpha, error, keeps = _floats(reliability), _floats(std_error), np.asarray(kept, dtype=bool)
    order = np.argsort(alpha, kind="stable")
    half = _NORMAL_95 * error
    with sheet("reliability", 3.6) as page:
        axes, rank = page.axes, np.arange(len(order))
        if band is not None:
            low, high = (_floats(edge)[order] for edge in band)
            axes.fill_between(rank, low, high, step="mid", color=INK, alpha=0.14, linewidth=0)
        if threshold is not None:
            axes.axhline(threshold, color=INK, linewidth=1, linestyle="--")
        for chosen, colour, marker in ((keeps, BLUE, "o"), (~keeps, RED, "X")):
            at = np.flatnonzero(chosen[order])
            who = order[at]
            axes.vlines(
                at, (alpha - half)[who], (alpha + half)[who], color=colour, alpha=0.5, linewidth=1
            )
            points = axes.scatter(
                at, alpha[who], s=14, c=colour, marker=marker, linewidths=0, zorder=3
            )
            _link(page, points, who, names, alpha, annotator_url)
        _name_ranks(page, order, names)
        axes.set_ylabel("Reliability α")
        axes.grid(axis="y")
        _legend_of_people(page, band is not None, threshold)
        inside = 0 if band is None else int((alpha <= _floats(band[1])).sum())
        return page.finish(
            "Reliability of annotators",
            f"{len(alpha)} annotators sorted by reliability, {_range(alpha)}, with 95 % intervals; "
            f"{int((~keeps).sum())} are left out"
            + ("." if band is None else f"; {inside} are not above what a random voter gets."),
            _table_of_people(order, names, alpha, half, n_votes, keeps, band),
        )


def before_and_after(
    before: ArrayLike,
    after: ArrayLike,
    kept: ArrayLike,
    *,
    names: Sequence[str],
    annotator_url: Url | None = None,
) -> Figure:
    """Everybody's α before anyone was left out, and after; (n_annotators,) each."""
    first, second = _floats(before), _floats(after)
    keeps = np.asarray(kept, dtype=bool)
    with sheet("screening", 3.6) as page:
        axes = page.axes
        ends = [min(first.min(), second.min(), 0), max(first.max(), second.max(), 0)]
        axes.plot(ends, ends, color=INK, linewidth=0.8, linestyle=":")
        _dots(page, first, second, keeps, names, annotator_url)
        axes.set_xlabel("Reliability α before screening")
        axes.set_ylabel("after screening")
        axes.grid()
        axes.legend(loc="upper left")
        moved = float(np.abs(second - first)[keeps].mean()) if keeps.any() else 0.0
        rows = [
            (names[i], float(first[i]), float(second[i]), bool(keeps[i]))
            for i in np.argsort(second, kind="stable")
        ]
        return page.finish(
            "Before and after screening",
            f"{int((~keeps).sum())} of {len(keeps)} annotators are left out; the reliability of "
            f"the others moves by {moved:.2f} on average.",
            Table(("annotator", "before", "after", "kept"), tuple(rows)),
        )


def by_votes(
    reliability: ArrayLike,
    n_votes: ArrayLike,
    kept: ArrayLike,
    *,
    names: Sequence[str],
    band: tuple[ArrayLike, ArrayLike] | None = None,
    annotator_url: Url | None = None,
) -> Figure:
    """Reliability against the number of votes it rests on: few votes prove little."""
    alpha, n, keeps = _floats(reliability), _floats(n_votes), np.asarray(kept, dtype=bool)
    with sheet("reliability_by_votes", 3.2) as page:
        axes = page.axes
        if band is not None:
            order = np.argsort(n, kind="stable")
            low, high = (_floats(edge)[order] for edge in band)
            axes.vlines(n[order], low, high, color=INK, alpha=0.14, linewidth=3)
        _dots(page, n, alpha, keeps, names, annotator_url)
        if n.max(initial=0) > 20 * max(n.min(initial=1), 1):
            axes.set_xscale("symlog", linthresh=10)
        axes.set_xlabel("Votes given")
        axes.set_ylabel("Reliability α")
        axes.grid()
        axes.legend(loc="lower right", ncols=2)
        rows = [(names[i], int(n[i]), float(alpha[i])) for i in np.argsort(n, kind="stable")]
        fewest = int(n.min()) if len(n) else 0
        return page.finish(
            "Reliability against votes",
            f"{len(n)} annotators gave {fewest:,} to {int(n.max(initial=0)):,} "
            "votes. Grey shows what a random voter would get on as many votes."
            if band is not None
            else f"{len(n)} annotators with {fewest:,} to {int(n.max(initial=0)):,} votes.",
            Table(("annotator", "votes", "reliability"), tuple(rows)),
        )


def speed(
    median_ms: ArrayLike,
    agreement: ArrayLike,
    kept: ArrayLike,
    *,
    names: Sequence[str],
    chance: float,
    annotator_url: Url | None = None,
) -> Figure:
    """How fast people vote against how often they agree with the consensus, (n_annotators,) each.

    ``chance`` is the agreement of somebody who votes at random.
    """
    ms, agree, keeps = _floats(median_ms), _floats(agreement), np.asarray(kept, dtype=bool)
    with sheet("speed", 3.2) as page:
        axes = page.axes
        axes.axhline(chance, color=INK, linewidth=1, linestyle="--")
        axes.annotate(
            "random voter", (1, chance), xycoords=("axes fraction", "data"),
            xytext=(0, 3), textcoords="offset points", ha="right", fontsize=8,
        )  # fmt: skip
        _dots(page, ms / 1000, agree, keeps, names, annotator_url)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")
        axes.set_xlabel("Median seconds per vote")
        axes.set_ylabel("Agreement with consensus")
        axes.set_ylim(0, 1)
        axes.grid()
        axes.legend(loc="lower right", ncols=2)
        quick = int((ms < 500).sum())
        rows = [(names[i], float(ms[i]), float(agree[i])) for i in np.argsort(ms, kind="stable")]
        return page.finish(
            "Speed against agreement",
            f"Median time per vote {_range(ms / 1000)} seconds; {quick} of {len(ms)} annotators "
            f"are faster than half a second. A random voter would agree in {percent(chance)}.",
            Table(("annotator", "median_ms", "agreement"), tuple(rows)),
        )


def habits(
    counts: ArrayLike,
    *,
    names: Sequence[str],
    class_names: Sequence[str],
    annotator_url: Url | None = None,
) -> Figure:
    """Each person's share of each expression, those least like the crowd first.

    ``counts`` (n_annotators, K) from ``expression_counts``. At most 40 people are drawn; the table
    has them all.
    """
    n = _floats(counts)
    share = n / np.maximum(n.sum(axis=1, keepdims=True), 1)
    crowd = n.sum(axis=0) / max(n.sum(), 1)
    distance = np.where(n.sum(axis=1) > 0, np.abs(share - crowd).sum(axis=1) / 2, 0.0)
    order = np.argsort(-distance, kind="stable")
    drawn = order[:_BARS]
    with sheet("habits", 1.2 + 0.16 * (len(drawn) + 1)) as page:
        axes = page.axes
        _stacked(page, np.vstack([crowd, share[drawn]]), class_names)
        labels = [f"everybody ({len(n)})", *(plain(names[i], 18) for i in drawn)]
        axes.set_yticks(range(len(labels)), labels, fontsize=7)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f} %")
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        page.legend_above(len(class_names))
        if annotator_url is not None:
            for label, i in zip(axes.get_yticklabels()[1:], drawn, strict=True):
                page.link(label, annotator_url(int(i)), f"Annotator {names[i]}")
        rows = [(names[i], float(distance[i]), *map(float, share[i])) for i in order]
        furthest = f"{names[order[0]]}, {percent(distance[order[0]])}" if len(order) else "nobody"
        return page.finish(
            "Share of each expression by person",
            f"The {len(drawn)} of {len(n)} annotators whose choices differ most from the crowd's; "
            f"furthest is {furthest} of votes elsewhere.",
            Table(("annotator", "differs", *class_names), tuple(rows)),
        )


def expression_counts(votes: Votes) -> NDArray[np.int64]:
    """How often each person chose each class, (n_annotators, K)."""
    cell = votes.annotator.astype(np.int64) * votes.n_classes + votes.expression
    flat = np.bincount(cell, minlength=votes.n_annotators * votes.n_classes)
    return flat.reshape(votes.n_annotators, votes.n_classes)


def consensus_agreement(votes: Votes, consensus: ArrayLike) -> Floats:
    """The share of each person's votes that fall on the consensus, (n_annotators,); 0 of none."""
    agrees = votes.expression == np.asarray(consensus)[votes.item]
    hits = np.bincount(votes.annotator, agrees, minlength=votes.n_annotators)
    return np.asarray(hits / np.maximum(votes.votes_per_annotator, 1))


def median_by_person(votes: Votes, values: ArrayLike) -> Floats:
    """The median of a value of each vote, such as milliseconds, per person; 0 without votes."""
    value = _floats(values)
    if value.shape != votes.annotator.shape:
        raise ValueError(f"values: shape {value.shape}, must be {votes.annotator.shape}")
    order = np.lexsort((value, votes.annotator))
    n = votes.votes_per_annotator
    first = np.cumsum(n) - n
    middle = value[order]
    out = np.zeros(votes.n_annotators)
    some = n > 0
    low, high = (first + (n - 1) // 2)[some], (first + n // 2)[some]
    out[some] = (middle[low] + middle[high]) / 2
    return out


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _range(values: Floats) -> str:
    if not len(values):
        return "none"
    return f"{values.min():.2f} to {values.max():.2f}"


def _dots(
    page: Sheet,
    x: Floats,
    y: Floats,
    keeps: NDArray[np.bool_],
    names: Sequence[str],
    url: Url | None,
) -> None:
    """A scatter of people, told apart by colour and shape."""
    for chosen, colour, marker, word in (
        (keeps, BLUE, "o", "kept"),
        (~keeps, RED, "X", "left out"),
    ):
        who = np.flatnonzero(chosen)
        points = page.axes.scatter(
            x[who], y[who], s=18, c=colour, marker=marker, linewidths=0, alpha=0.8,
            label=f"{word} ({len(who)})",
        )  # fmt: skip
        _link(page, points, who, names, y, url)


def _link(
    page: Sheet,
    points: object,
    who: NDArray[np.int64],
    names: Sequence[str],
    value: Floats,
    url: Url | None,
) -> None:
    if url is not None:
        page.link_points(
            points,
            [url(int(i)) for i in who],
            [f"Annotator {names[i]}, {value[i]:.2f}" for i in who],
        )


def _name_ranks(page: Sheet, order: NDArray[np.int64], names: Sequence[str]) -> None:
    axes = page.axes
    axes.set_xlim(-0.6, len(order) - 0.4)
    if len(order) <= _NAMED:
        labels = [plain(names[i], 12) for i in order]
        axes.set_xticks(range(len(order)), labels, rotation=60, ha="right", fontsize=7)
    else:
        axes.set_xlabel(f"{len(order)} annotators, from least to most reliable")


def _legend_of_people(page: Sheet, has_band: bool, threshold: float | None) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def mark(colour: str, marker: str) -> Line2D:
        return Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4)

    entries: list[tuple[Line2D | Patch, str]] = [
        (mark(BLUE, "o"), "kept, 95 % interval"),
        (mark(RED, "X"), "left out"),
    ]
    if has_band:
        entries.append((Patch(color=INK, alpha=0.14, linewidth=0), "a random voter (95 %)"))
    if threshold is not None:
        entries.append((Line2D([], [], color=INK, linewidth=1, linestyle="--"), "threshold"))
    handles, words = zip(*entries, strict=True)
    page.axes.legend(handles, words, loc="lower right")


def _table_of_people(
    order: NDArray[np.int64],
    names: Sequence[str],
    alpha: Floats,
    half: Floats,
    n_votes: ArrayLike,
    keeps: NDArray[np.bool_],
    band: tuple[ArrayLike, ArrayLike] | None,
) -> Table:
    columns = ["annotator", "votes", "reliability", "low_95", "high_95", "kept"]
    values = [np.asarray(n_votes), alpha, alpha - half, alpha + half, keeps]
    if band is not None:
        columns += ["random_low_95", "random_high_95"]
        values += [_floats(edge) for edge in band]
    rows = tuple((names[i], *(column[i].item() for column in values)) for i in order)
    return Table(tuple(columns), rows)


def _stacked(page: Sheet, share: Floats, class_names: Sequence[str]) -> None:
    """Horizontal bars (n_bars, K) whose parts add up to one."""
    left = np.zeros(len(share))
    for k, colour in enumerate(colours(share.shape[1])):
        page.axes.barh(
            range(len(share)), share[:, k], left=left, height=0.78, color=colour,
            label=class_names[k], linewidth=0,
        )  # fmt: skip
        left += share[:, k]
