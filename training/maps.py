"""The paper's figures: feature maps with faces, pairs of confusion matrices, curves over seeds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray

from reliability.expressions import Expression
from training import plots
from training.classifiers import Floats
from training.data import Faces
from training.metrics import Matrix

N_FACES = 26
"""Faces that stand on one map."""
MARKS = ("o", "^", "s", "D", "v", "P", "X")
"""One for each expression: colour is not the only sign."""


def feature_maps(path: Path, panels: Sequence[tuple[str, Floats]], faces: Faces) -> None:
    """Figure 1: the faces' two features (n, 2) in each panel, some with the face itself."""
    with rc_context(plots.STYLE):
        figure = Figure(figsize=(7.2 * len(panels), 7.6), layout="constrained")
        labels, pictures = faces.labels.numpy(), faces.pictures.numpy()
        axes_of = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, features) in zip(axes_of, panels, strict=True):
            _scatter(axes, _robust(features), labels)
            for i in _spread(_robust(features), labels):
                _stick(axes, _robust(features)[i], pictures[i], labels[i])
            axes.set_title(title, loc="left")
        handles, names = axes_of[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=7, frameon=False)
        plots.save(path, figure)


def _robust(features: Floats) -> Floats:
    """Centred and scaled by quantiles, so that one far face does not press all others together."""
    low, middle, high = np.quantile(features, [0.01, 0.5, 0.99], axis=0)
    scaled: Floats = np.clip((features - middle) / np.maximum(high - low, 1e-9), -0.75, 0.75)
    return scaled


def _scatter(axes: Axes, features: Floats, labels: NDArray[np.int64]) -> None:
    for e in Expression:
        rows = labels == e
        axes.scatter(
            features[rows, 0], features[rows, 1], s=34, marker=MARKS[e], color=plots.COLOURS[e],
            alpha=0.75, linewidths=0, label=e.title,
        )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.08)


def _spread(features: Floats, labels: NDArray[np.int64]) -> list[int]:
    """Rows far from each other, beginning with the one in the middle: they cover the map."""
    chosen = [int(np.argmin(np.square(features).sum(axis=1)))]
    nearest = np.full(len(features), np.inf)
    while len(chosen) < min(N_FACES, len(features)):
        away = np.square(features - features[chosen[-1]]).sum(axis=1)
        nearest = np.minimum(nearest, away)
        chosen.append(int(np.argmax(nearest)))
    return chosen


def _stick(axes: Axes, at: Floats, picture: NDArray[np.uint8], label: int) -> None:
    """A small face at its point, framed in its class's colour."""
    image = OffsetImage(picture[:, ::2, ::2].transpose(1, 2, 0), zoom=0.62)
    frame = {"edgecolor": plots.COLOURS[label], "linewidth": 1.8}
    axes.add_artist(AnnotationBbox(image, tuple(at), pad=0.08, bboxprops=frame))


def confusions(
    path: Path, panels: Sequence[tuple[str, Matrix]], class_names: Sequence[str]
) -> None:
    """Figure 4: confusion matrices side by side."""
    n = len(class_names)
    with rc_context(plots.STYLE):
        size = (len(panels) * (2.2 + 0.78 * n), 1.7 + 0.62 * n)
        figure = Figure(figsize=size, layout="constrained")
        axes_of = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, matrix) in zip(axes_of, panels, strict=True):
            plots.draw_confusion(axes, matrix, class_names, title, None)
        plots.save(path, figure)


def histories(path: Path, runs: Mapping[str, Sequence[Path]]) -> None:
    """Loss and validation mean diagonal of several recipes: the mean over seeds and their range."""
    with rc_context(plots.STYLE):
        figure = Figure(figsize=(11, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for i, (name, folders) in enumerate(runs.items()):
            again, which = divmod(i, len(plots.COLOURS))
            colour, line = plots.COLOURS[which], ("-", "--")[again % 2]
            rows = [_history(folder) for folder in folders]
            for axes, key, unit in ((left, "loss", 1.0), (right, "val_mean_diagonal", 100.0)):
                y = unit * np.array([[epoch[key] for epoch in lines] for lines in rows])
                x = np.arange(1, y.shape[1] + 1)
                axes.plot(x, y.mean(axis=0), line, color=colour, label=name)
                axes.fill_between(x, y.min(axis=0), y.max(axis=0), color=colour, alpha=0.15, lw=0)
        plots.dress(left, "Training loss", "epoch", "loss")
        plots.dress(right, "Validation", "epoch", "mean diagonal, %")
        handles, names = left.get_legend_handles_labels()
        figure.legend(
            handles, names, loc="outside lower center", ncols=min(len(names), 6), frameon=False
        )
        plots.save(path, figure)


def _history(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
