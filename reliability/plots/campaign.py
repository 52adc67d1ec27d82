"""Figures of a campaign: has the search converged, do people agree, how many votes are enough."""

import numpy as np
from numpy.typing import ArrayLike

from reliability.agreement import AgreementOverTime
from reliability.plots.canvas import (
    BLUE,
    INK,
    ORANGE,
    RED,
    Figure,
    Table,
    percent,
    sheet,
    whole_numbers,
)


def convergence(history: ArrayLike) -> Figure:
    """How far each iteration's bound was below the last, in nats, on a logarithmic scale."""
    bound = np.asarray(history, dtype=np.float64)
    gap = bound[-1] - bound
    with sheet("convergence", 2.6) as page:
        axes = page.axes
        shown = gap > 0
        axes.plot(np.flatnonzero(shown), gap[shown], "o-", color=BLUE, markersize=4)
        axes.set_yscale("log")
        whole_numbers(axes)
        axes.set_xlabel("Iteration")
        axes.set_ylabel("Nats below the end")
        axes.grid()
        return page.finish(
            "Convergence",
            f"The bound rose from {bound[0]:,.1f} to {bound[-1]:,.2f} nats in "
            f"{len(bound) - 1} iterations.",
            Table(("iteration", "bound_nats"), tuple(enumerate(bound.tolist()))),
        )


def agreement_over_time(over: AgreementOverTime, *, single_only: bool = False) -> Figure:
    """Cronbach's alpha with the depth it rests on, Fleiss and Krippendorff, as votes came in.

    ``single_only`` leaves Cronbach out, which rises with depth alone.
    """
    lines = [
        ("Cronbach α", "cronbach_alpha", BLUE, "o-"),
        ("Krippendorff α", "krippendorff_alpha", ORANGE, "s-"),
        ("Fleiss κ", "fleiss_kappa", RED, "^--"),
        ("one vote", "single_vote_reliability", INK, "D:"),
    ][1 if single_only else 0 :]
    with sheet("agreement", 3.0) as page:
        axes = page.axes
        for words, field, colour, look in lines:
            values = [getattr(point, field) for point in over.agreement]
            axes.plot(
                over.n_votes, [np.nan if v is None else v for v in values], look,
                color=colour, label=words, markersize=4,
            )  # fmt: skip
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Votes given")
        axes.grid()
        page.legend_above(len(lines))
        if len(over.agreement):
            top = axes.secondary_xaxis("top")
            depth = [f"{point.mean_votes_per_item:.1f}" for point in over.agreement]
            every = max(1, len(depth) // 6)
            top.set_xticks(over.n_votes[::-1][::every], depth[::-1][::every], fontsize=8)
            top.set_xlabel("Votes per image so far", fontsize=8)
        fields = [field for _, field, _, _ in lines]
        rows = tuple(
            (int(n), point.mean_votes_per_item, *(getattr(point, field) for field in fields))
            for n, point in zip(over.n_votes, over.agreement, strict=True)
        )
        last = over.agreement[-1] if over.agreement else None
        now = "No votes yet." if last is None else (
            f"With {last.mean_votes_per_item:.1f} votes per image Cronbach's alpha is "
            f"{_words(last.cronbach_alpha)}, Krippendorff's {_words(last.krippendorff_alpha)}; "
            f"one vote alone has {_words(last.single_vote_reliability)}."
        )  # fmt: skip
        return page.finish(
            "Agreement over time", now, Table(("votes", "votes_per_image", *fields), rows)
        )


def vote_plan(
    depth: ArrayLike,
    mean: dict[str, ArrayLike],
    low: dict[str, ArrayLike],
    high: dict[str, ArrayLike],
    *,
    sentence: str = "",
) -> Figure:
    """How much of the full estimate fewer votes give: one curve with its interval per measure.

    ``mean``, ``low`` and ``high`` map a measure's words to (n_depths,) shares in 0–1; ``sentence``
    is what a curator should read first.
    """
    votes = np.asarray(depth, dtype=np.int64)
    with sheet("vote_plan", 3.2) as page:
        axes = page.axes
        for (words, curve), colour, look in zip(
            mean.items(), (BLUE, ORANGE, RED, INK), ("o-", "s--", "^-.", "D:"), strict=False
        ):
            under, over = np.asarray(low[words]), np.asarray(high[words])
            axes.fill_between(votes, under, over, color=colour, alpha=0.25, linewidth=0)
            axes.plot(votes, curve, look, color=colour, label=words, markersize=4)
        axes.set_xticks(votes)
        axes.set_ylim(top=1.005)
        axes.yaxis.set_major_formatter(lambda x, _: f"{100 * x:.0f} %")
        axes.set_xlabel("Votes per image")
        axes.set_ylabel("Same as with all votes")
        axes.grid()
        axes.legend(loc="lower right")
        rows = tuple(
            (int(v), words, float(np.asarray(mean[words])[i]), float(np.asarray(low[words])[i]),
             float(np.asarray(high[words])[i]))
            for words in mean
            for i, v in enumerate(votes)
        )  # fmt: skip
        first = ", ".join(f"{words} {percent(float(np.asarray(mean[words])[0]))}" for words in mean)
        return page.finish(
            "How many votes are enough",
            f"{sentence} With {votes[0]} votes per image instead of {votes[-1]}: {first} as with"
            " all votes. Bands: where 95 % of such draws would fall.".strip(),
            Table(("votes_per_image", "measure", "share", "low_95", "high_95"), rows),
        )


def stopping(lead: ArrayLike, saved: ArrayLike, changed: ArrayLike, moved: ArrayLike) -> Figure:
    """What stopping early would have saved, and what it would have changed, (n_leads,) each.

    ``lead`` is the rule: stop an image when its first expression is so many votes ahead. ``saved``
    is the share of votes not asked for; ``changed`` the share of images whose consensus, ``moved``
    whose subset would be another.
    """
    rule, less = np.asarray(lead, dtype=np.int64), np.asarray(saved, dtype=np.float64)
    other, elsewhere = np.asarray(changed), np.asarray(moved)
    with sheet("stopping", 3.0) as page:
        axes = page.axes
        axes.plot(less, other, "o-", color=BLUE, markersize=4, label="another consensus")
        axes.plot(less, elsewhere, "s-", color=ORANGE, markersize=4, label="another subset")
        for x, y, words in zip(less, elsewhere, rule, strict=True):
            axes.annotate(
                f"{words}", (x, y), xytext=(0, 5), textcoords="offset points",
                ha="center", fontsize=7,
            )  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda x, _: f"{100 * x:g} %")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Votes saved (numbers: stop at a lead of so many votes)")
        axes.set_ylabel("Images with")
        axes.grid()
        axes.legend(loc="upper left")
        rows = zip(rule.tolist(), less.tolist(), other.tolist(), elsewhere.tolist(), strict=True)
        return page.finish(
            "What stopping early would have saved",
            f"Stopping at a lead of {rule[0]} votes saves {percent(less[0])} of the votes and "
            f"gives {percent(other[0])} of the images another consensus, {percent(elsewhere[0])} "
            "another subset.",
            Table(("lead", "votes_saved", "consensus_changed", "subset_changed"), tuple(rows)),
        )


def thresholds(
    threshold: ArrayLike,
    people: ArrayLike,
    votes: ArrayLike,
    relabelled: ArrayLike,
    *,
    chosen: float | None = None,
) -> Figure:
    """What each threshold on α would leave out: shares of people, of votes, of labels changed."""
    at = np.asarray(threshold, dtype=np.float64)
    with sheet("thresholds", 2.8) as page:
        axes = page.axes
        for values, words, colour, look in (
            (people, "people left out", BLUE, "-"),
            (votes, "votes left out", ORANGE, "--"),
            (relabelled, "images relabelled", RED, "-."),
        ):
            axes.plot(at, np.asarray(values), look, color=colour, label=words)
        if chosen is not None:
            axes.axvline(chosen, color=INK, linewidth=1, linestyle=":")
        axes.set_yscale("symlog", linthresh=0.01)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda x, _: f"{100 * x:g} %")
        axes.set_xlabel("Threshold on reliability α")
        axes.grid()
        axes.legend(loc="upper left")
        columns = [np.asarray(values).tolist() for values in (at, people, votes, relabelled)]
        middle = len(at) // 2 if chosen is None else int(np.abs(at - chosen).argmin())
        return page.finish(
            "Effect of the threshold",
            f"At α = {at[middle]:.2f}: {percent(columns[1][middle])} of people, "
            f"{percent(columns[2][middle])} of votes, {percent(columns[3][middle])} of labels.",
            Table(
                ("threshold", "people_out", "votes_out", "images_relabelled"),
                tuple(zip(*columns, strict=True)),
            ),
        )


def _words(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
