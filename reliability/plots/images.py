"""Figures of images: how many votes, how hard, how ambiguous, into which subset."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reliability.partition import Partition, Subset
from reliability.plots.canvas import (
    BLUE,
    COLOURS,
    INK,
    MARKERS,
    Figure,
    Sheet,
    Table,
    Url,
    colours,
    percent,
    plain,
    sheet,
    thin,
    whole_numbers,
)
from reliability.votes import Votes

Floats = NDArray[np.float64]
_POINTS = 2000  # faces drawn; more only hide one another
_OUTCOME_COLOURS = (BLUE, "#8e5bd0", "#a87900", "#808080", "#808080", "#808080")


def votes_per_image(votes_per_item: ArrayLike, *, target: int | None = None) -> Figure:
    """How many images have how many votes; ``target`` is the project's."""
    depth = np.asarray(votes_per_item, dtype=np.int64)
    n = np.bincount(depth, minlength=(target or 0) + 1)
    with sheet("votes_per_image", 2.6) as page:
        axes = page.axes
        axes.bar(np.arange(len(n)), n, width=0.9, color=BLUE, linewidth=0)
        if target is not None:
            axes.axvline(target, color=INK, linewidth=1, linestyle="--")
            axes.annotate(
                f"target {target}", (target, 1), xycoords=("data", "axes fraction"),
                xytext=(-4, -4), textcoords="offset points", ha="right", va="top", fontsize=8,
            )  # fmt: skip
        axes.set_xlim(left=-0.6)
        whole_numbers(axes)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Votes on an image")
        axes.set_ylabel("Images")
        axes.grid(axis="y")
        done = "" if target is None else f"; {percent((depth >= target).mean())} have {target}"
        mean = depth.mean() if len(depth) else 0.0
        return page.finish(
            "Votes per image",
            f"{len(depth):,} images with {int(depth.sum()):,} votes, {mean:.1f} on average{done}.",
            Table(("votes", "images"), tuple((v, int(c)) for v, c in enumerate(n))),
        )


def difficulty(
    easiness: ArrayLike,
    entropy: ArrayLike,
    consensus: ArrayLike,
    *,
    class_names: Sequence[str],
    item_names: Sequence[str] | None = None,
    item_url: Url | None = None,
) -> Figure:
    """Difficulty 1/β against the entropy of the weighted votes, (n_items,) each, by consensus.

    At most 2,000 faces are drawn, half of them the most ambiguous; the table has the same ones.
    """
    hard = 1 / np.asarray(easiness, dtype=np.float64)
    bits, label = np.asarray(entropy, dtype=np.float64) / np.log(2), np.asarray(consensus)
    drawn = thin(len(hard), _POINTS, bits)
    names = [str(i) for i in drawn] if item_names is None else [item_names[i] for i in drawn]
    with sheet("difficulty", 4.2) as page:
        axes = page.axes
        for k, colour in enumerate(colours(len(class_names))):
            at = np.flatnonzero(label[drawn] == k)
            who = drawn[at]
            points = axes.scatter(
                hard[who], bits[who], s=12, c=colour, marker=MARKERS[k % len(MARKERS)],
                linewidths=0, alpha=0.65, label=f"{class_names[k]}",
            )  # fmt: skip
            if item_url is not None:
                words = [f"Face {names[i]}, {class_names[k]}" for i in at]
                page.link_points(points, [item_url(int(i)) for i in who], words)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.set_xlabel("Difficulty 1/β")
        axes.set_ylabel("Ambiguity: entropy of the weighted votes, bits")
        axes.grid()
        page.legend_above(min(len(class_names), 7))
        shown = "" if len(drawn) == len(hard) else f" {len(drawn):,} of them are drawn."
        rows = tuple(
            (name, float(hard[i]), float(bits[i]), class_names[label[i]])
            for name, i in zip(names, drawn, strict=True)
        )
        return page.finish(
            "Difficulty against ambiguity",
            f"{len(hard):,} faces, median ambiguity {np.median(bits) if len(bits) else 0:.2f} "
            f"bits, {percent((bits > 1).mean() if len(bits) else 0.0)} above one bit.{shown}",
            Table(("item", "difficulty", "entropy_bits", "consensus"), rows),
        )


def confusion_counts(
    votes: Votes, consensus: ArrayLike, annotator: int | None = None
) -> NDArray[np.int64]:
    """Votes by consensus (rows) and choice (columns), (K, K), of one person or of all."""
    row = np.asarray(consensus, dtype=np.int64)[votes.item]
    cell = row * votes.n_classes + votes.expression
    if annotator is not None:
        cell = cell[votes.annotator == annotator]
    flat = np.bincount(cell, minlength=votes.n_classes**2)
    return flat.reshape(votes.n_classes, votes.n_classes)


def confusion(
    counts: ArrayLike,
    *,
    class_names: Sequence[str],
    name: str = "confusion",
    whose: str = "all annotators",
    cell_url: Callable[[int, int], str] | None = None,
) -> Figure:
    """What was voted on faces of each consensus; ``counts`` (K, K) from ``confusion_counts``.

    A cell shows its share of the row; a dot marks cells above what the same habits would give on
    faces not looked at (the null: choice independent of the face) by more than chance allows.
    """
    n = np.asarray(counts, dtype=np.float64)
    share = n / np.maximum(n.sum(axis=1, keepdims=True), 1)
    null = np.broadcast_to(n.sum(axis=0) / max(n.sum(), 1), n.shape)
    above = exceeds(n, null)
    with sheet(name, 4.6) as page:
        _cells(page, share, above, class_names, cell_url)
        agree = float(np.trace(n) / max(n.sum(), 1))
        blind = float((n.sum(axis=1) @ n.sum(axis=0)) / max(n.sum(), 1) ** 2)
        rows = tuple(
            (class_names[r], class_names[c], int(n[r, c]), float(share[r, c]), float(null[r, c]))
            for r in range(len(n))
            for c in range(len(n))
        )
        return page.finish(
            f"Votes against the consensus: {whose}",
            f"{percent(agree)} of {int(n.sum()):,} votes fall on the consensus; with the same "
            f"habits and no look at the face it would be {percent(blind)}.",
            Table(("consensus", "vote", "votes", "share_of_consensus", "share_unseen"), rows),
        )


def partition_flow(parts: Partition, *, subset_url: Url | None = None) -> Figure:
    """Where the images go, from all of them to the subsets and on to the compounds."""
    counts = parts.counts()
    pairs = {name: n for name, n in parts.compound_counts().items() if n}
    total = max(sum(counts.values()), 1)
    with sheet("partition", 4.4) as page:
        axes = page.axes
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(1.02, -0.06)
        _block(page, 0.0, (0.0, 1.0), INK, 0.35)
        axes.text(0, -0.015, f"{sum(counts.values()):,} images", fontweight="bold", fontsize=9)
        ends = _places([counts[subset] / total for subset in Subset], gap=0.035)
        top = 0.0
        for subset, end, colour in zip(Subset, ends, _OUTCOME_COLOURS, strict=True):
            height = counts[subset] / total
            _stream(page, (0.03, 0.42), (top, top + height), end, colour)
            block = _block(page, 0.42, end, colour, 1.0)
            if subset_url is not None:
                page.link(block, subset_url(int(subset)), subset.title)
            words = f"{subset.title}  {counts[subset]:,}"
            _label(page, 0.46, end, words)
            top += height
            if subset == Subset.TWO_TAB and pairs:
                _fan(page, end, pairs, colour)
        table = [(s.title, counts[s], counts[s] / total, s.rule) for s in Subset]
        table += [(name, n, n / total, "Two-tab") for name, n in pairs.items()]
        return page.finish(
            "Partition",
            ", ".join(f"{s.title}: {counts[s]:,}" for s in Subset)
            + ". A label is valid when its weighted votes are above the mean of all labels.",
            Table(("subset", "images", "share", "rule"), tuple(table)),
        )


def exceeds(n: Floats, null: Floats) -> NDArray[np.bool_]:
    """Cells above their null share of the row by a one-sided z of 3, on five votes or more."""
    total = n.sum(axis=1, keepdims=True)
    spread = np.sqrt(np.maximum(total * null * (1 - null), 1e-12))
    return np.asarray((n - total * null > 3 * spread) & (n >= 5))


def _cells(
    page: Sheet,
    share: Floats,
    above: NDArray[np.bool_],
    class_names: Sequence[str],
    cell_url: Callable[[int, int], str] | None,
) -> None:
    from matplotlib.patches import Rectangle

    axes, n = page.axes, len(share)
    for r in range(n):
        for c in range(n):
            colour = COLOURS[4] if r == c else COLOURS[3]
            cell = Rectangle((c, r), 0.96, 0.96, color=colour, alpha=0.85 * share[r, c], lw=0)
            axes.add_patch(cell)
            if cell_url is not None:
                words = f"Consensus {class_names[r]}, voted {class_names[c]}"
                page.link(cell, cell_url(r, c), words)
            text = f"{100 * share[r, c]:.0f}" if share[r, c] >= 0.005 else "·"
            axes.text(c + 0.48, r + 0.5, text, ha="center", va="center", fontsize=9)
            if above[r, c] and r != c:
                axes.plot(c + 0.84, r + 0.14, ".", color=INK, markersize=3.5)
    labels = [plain(name, 12) for name in class_names]
    axes.set_xticks(np.arange(n) + 0.48, labels)
    axes.set_yticks(np.arange(n) + 0.48, labels)
    axes.set_xlim(0, n)
    axes.set_ylim(n, 0)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("Vote")
    axes.set_ylabel("Consensus")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.text(
        0, -0.04, "Per cent of the row. A dot: more than the same habits would give unseen.",
        transform=axes.transAxes, fontsize=8, va="top",
    )  # fmt: skip


def _places(shares: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """Where blocks of these heights stand, one under another, none thinner than a hair."""
    heights = np.maximum(shares, 0.004)
    heights = heights * (1 - gap * (len(shares) - 1)) / heights.sum()
    tops = np.cumsum(heights + gap) - heights - gap
    return [(float(top), float(top + height)) for top, height in zip(tops, heights, strict=True)]


def _block(page: Sheet, x: float, span: tuple[float, float], colour: str, alpha: float) -> object:
    from matplotlib.patches import Rectangle

    block = Rectangle((x, span[0]), 0.03, span[1] - span[0], color=colour, alpha=alpha, lw=0)
    return page.axes.add_patch(block)


def _label(page: Sheet, x: float, span: tuple[float, float], words: str) -> None:
    page.axes.text(x, sum(span) / 2, words, va="center", fontsize=8)


def _stream(
    page: Sheet,
    x: tuple[float, float],
    here: tuple[float, float],
    there: tuple[float, float],
    colour: str,
) -> None:
    """A band that bends from one block to the next."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (x[0] + x[1]) / 2
    ends = [
        (x[0], here[0]), (middle, here[0]), (middle, there[0]), (x[1], there[0]),
        (x[1], there[1]), (middle, there[1]), (middle, here[1]), (x[0], here[1]),
        (x[0], here[0]),
    ]  # fmt: skip
    to, curve = Path.LINETO, Path.CURVE4
    codes = [Path.MOVETO, curve, curve, curve, to, curve, curve, curve, Path.CLOSEPOLY]
    page.axes.add_patch(PathPatch(Path(ends, codes), color=colour, alpha=0.28, lw=0))


def _fan(page: Sheet, source: tuple[float, float], pairs: dict[str, int], colour: str) -> None:
    """The compounds of the two-tab subset, spread over the height of the figure."""
    total = sum(pairs.values())
    ends = _places([0.75 * n / total for n in pairs.values()], gap=0.02)
    top = source[0]
    for (name, n), end in zip(pairs.items(), ends, strict=True):
        height = (source[1] - source[0]) * n / total
        _stream(page, (0.62, 0.74), (top, top + height), end, colour)
        _block(page, 0.74, end, colour, 1.0)
        _label(page, 0.78, end, f"{name}  {n:,}")
        top += height
