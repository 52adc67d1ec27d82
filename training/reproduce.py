"""The paper's Tables 3, 4 and 5 and Figures 1 and 4 on a pair of databases, wild and laboratory."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reliability.expressions import Expression
from training import baselines, cross, experiments, maps, metrics, paper, tables
from training.data import Release
from training.experiments import Study
from training.metrics import Matrix
from training.storage import write_text
from training.tables import Cell, Table

CLASSIFIERS = {"svm": "mSVM", "lda": "LDA + kNN"}
NETWORKS = {
    "vgg": "VGG", "alexnet": "AlexNet", "softmax": "baseDCNN", "center": "center loss",
    "dlp": "DLP-CNN",
}  # fmt: skip
SUBSETS = ("basic", "compound")


def reproduce(study: Study, wild: Path, lab: Path, only: Sequence[str] = ()) -> list[Path]:
    """Make the parts named in ``only`` (all of ``PARTS`` if empty); returns the files written.

    ``report.md`` joins everything that the folder holds by then.
    """
    study.open(wild=wild, lab=lab)
    for name in only or PARTS:
        PARTS[name](study, wild, lab)
    text = [f"# The paper's experiments on {wild.name} and {lab.name}", _preamble(study)]
    text += [p.read_text(encoding="utf-8") for p in sorted(study.out.glob("table*.md"))]
    text += [f"![{p.stem}](figures/{p.name})" for p in sorted(study.out.glob("figures/*.svg"))]
    write_text(study.out / "report.md", "\n\n".join(text) + "\n")
    return sorted([*study.out.glob("*.[mct]*"), *study.out.glob("figures/*.svg")])


def _preamble(study: Study) -> str:
    return (
        f"Preset `{study.preset.name}`: {study.preset.summary}. Mean diagonal of the confusion "
        f"matrix in percent: ours, ± half a 95 % Student interval over {study.preset.seeds} seeds "
        "where a seed matters, and the paper's number in parentheses. The databases are not the "
        "paper's, so that what is to be compared is the order of the methods."
    )


def table_3(study: Study, wild: Path, lab: Path) -> None:
    """Handcrafted descriptors on the laboratory's faces, and on basic and compound ones."""
    rows = []
    for (classifier, descriptor), printed in paper.TABLE_3.items():
        ours = [
            tuple(_folds(study, lab, descriptor, classifier, seed) for seed in study.seeds),
            (),
            *((_handcrafted(study, wild, s, descriptor, classifier),) for s in SUBSETS),
        ]
        cells = tuple(Cell(x, p) for x, p in zip(ours, printed, strict=True))
        rows.append(((CLASSIFIERS[classifier], _title(descriptor)), cells))
    heads = (
        ("classifier", "descriptor"),
        ("laboratory (CK+)", "(JAFFE)", "basic", "compound"),
    )
    notes = (
        "Laboratory: five person-independent folds; the seed cuts them.",
        "Basic and compound: the release's own split, where nothing depends on a seed.",
        *_rare(study, wild),
    )
    tables.write(study.out, Table("table3", "Table 3: handcrafted descriptors", heads, rows, notes))


def table_4(study: Study, wild: Path, lab: Path) -> None:
    """Features of five networks with two classifiers, class by class, and the compound average."""
    rows = []
    for (classifier, network), printed in paper.TABLE_4.items():
        found = [_deep(study, wild, network, seed)[classifier] for seed in study.seeds]
        ours = [_percents(f["basic"]) for f in found]
        columns = [tuple(o[e] for o in ours) for e in paper.PRINTED_ORDER]
        columns.append(tuple(float(np.nanmean(o)) for o in ours))
        columns.append(tuple(float(np.nanmean(_percents(f["compound"]))) for f in found))
        cells = tuple(Cell(x, p) for x, p in zip(columns, printed, strict=True))
        rows.append(((CLASSIFIERS[classifier], NETWORKS[network]), cells))
    classes = tuple(Expression(e).title for e in paper.PRINTED_ORDER)
    heads = (("classifier", "network"), (*classes, "average", "compound average"))
    notes = (
        "All networks are trained from scratch on the basic training faces.",
        *_rare(study, wild),
        *(f"Slip in the print, put right here: {slip}" for slip in paper.SLIPS),
    )
    tables.write(study.out, Table("table4", "Table 4: deep features", heads, rows, notes))
    maps.histories(
        study.out / "figures" / "curves.svg",
        {NETWORKS[n]: [study.run_folder(n, s) for s in study.seeds] for n in paper.NETWORKS},
    )


def table_5(study: Study, wild: Path, lab: Path) -> None:
    """DLP-CNN's features on the laboratory's faces without fine-tuning, person-independent."""
    rows = []
    for method, printed in paper.TABLE_5.items():
        ours: tuple[float, ...] = ()
        if method.startswith("DLP"):
            ours = tuple(_transferred(study, wild, lab, "dlp", s) for s in study.seeds)
        rows.append(((method,), (Cell(ours, printed[0]), Cell((), printed[1]))))
    for network in ("softmax", "center"):
        ours = tuple(_transferred(study, wild, lab, network, s) for s in study.seeds)
        rows.append(((f"{NETWORKS[network]}, not fine-tuned",), (Cell(ours), Cell())))
    own = tuple(_folds(study, lab, "hog", "svm", seed) for seed in study.seeds)
    rows.append((("HOG, nothing learned elsewhere",), (Cell(own), Cell())))
    heads = (("method",), ("laboratory (CK+)", "(SFEW 2.0)"))
    notes = ("Features, then mSVM, in five person-independent folds of the laboratory's faces.",)
    tables.write(
        study.out, Table("table5", "Table 5: features taken elsewhere", heads, rows, notes)
    )


def figure_1(study: Study, wild: Path, lab: Path) -> None:
    """Two-dimensional features learned without and with the locality preserving loss."""
    panels = []
    for title, recipe in (("without LP loss", "softmax"), ("with LP loss", "dlp")):
        model = study.network(wild, recipe, 0, "-map", feature_size=2, feature_relu=False)
        faces = study.release(wild, model.recipe.input_size).test
        panels.append((title, experiments.deep_features(model, faces, study.device)))
    faces = study.release(wild).test
    maps.feature_maps(study.out / "figures" / "figure1.svg", panels, faces)


PARTS: dict[str, Callable[[Study, Path, Path], None]] = {
    "table3": table_3,
    "table4": table_4,
    "table5": table_5,
    "figure1": figure_1,
    "figure4": cross.cross,
}
"""What ``tables --only`` can name."""


def _handcrafted(
    study: Study, folder: Path, subset: str, descriptor: str, classifier: str
) -> float:
    def make() -> Any:
        release = study.release(folder, subset=subset)
        train, test = (baselines.describe(p, descriptor) for p in (release.train, release.test))
        grid = study.grid(0)
        return experiments.split_confusion(train, test, release, classifier, grid).tolist()

    return _mean(study.once(f"{subset}-{descriptor}-{classifier}", make))


def _folds(study: Study, folder: Path, descriptor: str, classifier: str, seed: int) -> float:
    def make() -> Any:
        faces = experiments.every_face(study.release(folder))
        features = baselines.describe(faces, descriptor)
        grid = study.grid(seed)
        return experiments.fold_confusion(features, faces, folder, classifier, grid).tolist()

    return _mean(study.once(f"lab-{descriptor}-{classifier}-{seed}", make))


def _deep(study: Study, folder: Path, network: str, seed: int) -> dict[str, dict[str, Any]]:
    """Classifier → subset → confusion matrix, of one trained network."""

    def make() -> Any:
        model = study.network(folder, network, seed)
        found: dict[str, dict[str, Any]] = {name: {} for name in CLASSIFIERS}
        for subset in SUBSETS:
            release = study.release(folder, model.recipe.input_size, subset)
            train, test = (
                experiments.deep_features(model, part, study.device)
                for part in (release.train, release.test)
            )
            for name in CLASSIFIERS:
                matrix = experiments.split_confusion(train, test, release, name, study.grid(seed))
                found[name][subset] = matrix.tolist()
        return found

    result: dict[str, dict[str, Any]] = study.once(f"deep-{network}-{seed}", make)
    return result


def _transferred(study: Study, wild: Path, lab: Path, network: str, seed: int) -> float:
    def make() -> Any:
        model = study.network(wild, network, seed)
        faces = experiments.every_face(study.release(lab, model.recipe.input_size))
        features = experiments.deep_features(model, faces, study.device)
        return experiments.fold_confusion(features, faces, lab, "svm", study.grid(seed)).tolist()

    return _mean(study.once(f"transfer-{network}-{seed}", make))


def _percents(confusion: Any) -> Any:
    """Recalls in percent, NaN for a class without faces."""
    return 100 * metrics.recalls(np.array(confusion))


def _mean(confusion: Any) -> float:
    matrix: Matrix = np.array(confusion)
    return 100 * metrics.mean_diagonal(matrix)


def _title(descriptor: str) -> str:
    return descriptor.upper() if descriptor != "gabor" else "Gabor"


def _rare(study: Study, folder: Path) -> tuple[str, ...]:
    """A note on compound classes that are too rare to be learned."""
    release: Release = study.release(folder, subset="compound")
    kept = len(experiments.learnable(release))
    n = len(release.class_names)
    n_faces = int(torch.numel(release.train.labels))
    if kept == n:
        return ()
    return (f"Compound: {kept} of {n} classes have two faces to learn from ({n_faces} in all).",)
