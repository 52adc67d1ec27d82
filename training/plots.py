"""Figures of a run as SVG files, each a function of arrays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.metrics import Matrix, mean_diagonal, recalls
from training.storage import written_aside

INK, QUIET, GRID = "#20303c", "#5b6b78", "#d9e0e5"
COLOURS = ("#d9822b", "#7d5ba6", "#4f8a4c", "#e0b021", "#3a78b0", "#c0433f", "#7b8790")
"""One colour for each expression, in the paper's order; distinct in lightness too."""

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: searchable, and small
    "svg.hashsalt": "rafter",  # the same numbers give the same file
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curves(path: Path, history: Sequence[dict[str, Any]]) -> None:
    """Loss and validation mean diagonal over the epochs; ``history`` as in metrics.jsonl."""
    epochs = [h["epoch"] for h in history]
    with rc_context(STYLE):
        figure = Figure(figsize=(6.6, 5.8), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.plot(epochs, [h["loss"] for h in history], color=COLOURS[4])
        dress(upper, "Training loss", "", "loss")
        checked = [h for h in history if h.get("val_mean_diagonal") is not None]
        if checked:
            x, y = [h["epoch"] for h in checked], [100 * h["val_mean_diagonal"] for h in checked]
            lower.plot(x, y, color=COLOURS[0])
            best = int(np.argmax(y))
            lower.plot(x[best], y[best], "o", color=COLOURS[5])
            lower.annotate(
                f"{y[best]:.1f} %", (x[best], y[best]), (0, 7), textcoords="offset points"
            )
            lower.margins(y=0.15)
        dress(lower, "Validation", "epoch", "mean diagonal, %")
        save(path, figure)


def confusion(
    path: Path,
    matrix: Matrix,
    class_names: Sequence[str],
    *,
    title: str = "Test",
    link: Callable[[int, int], str] | None = None,
) -> None:
    """A confusion matrix: rows true, columns predicted, percent of the row with its count.

    ``link(true, predicted)`` gives the address that a cell leads to.
    """
    n = len(class_names)
    with rc_context(STYLE):
        figure = Figure(figsize=(1.6 + 0.78 * n, 1.4 + 0.62 * n), layout="constrained")
        draw_confusion(figure.subplots(), matrix, class_names, title, link)
        save(path, figure)


def draw_confusion(
    axes: Axes,
    matrix: Matrix,
    class_names: Sequence[str],
    title: str,
    link: Callable[[int, int], str] | None,
) -> None:
    """``confusion`` on axes that are there already."""
    n = len(class_names)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(n, n):
        _cell(axes, i, j, shares[i, j], int(matrix[i, j]), link(i, j) if link else None)
    axes.set_xticks(range(n), class_names, rotation=30, ha="right")
    labels = zip(class_names, recalls(matrix), strict=True)
    axes.set_yticks(
        range(n), [f"{c}" if np.isnan(r) else f"{c}  {100 * r:.0f} %" for c, r in labels]
    )
    axes.set_xlabel("predicted")
    axes.set_ylabel("true, with recall")
    axes.set_title(f"{title}: mean diagonal {100 * mean_diagonal(matrix):.2f} %", loc="left")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _cell(axes: Axes, i: int, j: int, share: float, count: int, url: str | None) -> None:
    if count == 0:
        return
    colour = "white" if share > 0.55 else INK
    text = axes.text(
        j, i, f"{100 * share:.0f}\n{count:,}", ha="center", va="center", color=colour, fontsize=8
    )
    if url:
        text.set_url(url)


def dress(axes: Axes, title: str, x: str, y: str) -> None:
    """Title, names of the axes and a quiet grid."""
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def save(path: Path, figure: Figure) -> None:
    """Write the figure as SVG, whole or not at all; the same numbers give the same file."""
    with written_aside(path) as aside:
        figure.savefig(aside, format="svg", metadata={"Date": None})
