"""The model card: what a network is, was trained on, is worth and is not for."""

from typing import Any

from training.data import Release
from training.recipe import Recipe

TEMPLATE = """# {name}: expression recognition, {n_classes} classes

{summary}

## Use

`model.onnx` takes `pictures`, uint8 RGB, shape (n, 3, {size}, {size}), values 0–255: aligned faces,
both eyes level (eye centres near (30, 38) and (70, 38), mouth near (50, 80), in hundredths of the
side). It gives `probabilities` (n, {n_classes}) in the order below and `features`
(n, {n_features}). Scaling is inside. `model.safetensors` loads with `training.export.load`.

Intended for research on the perception of expressions: the classes are what a crowd sees in a face,
not what a person feels. Not for decisions about people, nor for watching them.

## Data

Release {release}, subset `{subset}`: {n_train:,} faces trained on, {n_validation:,} held out to
choose the epoch, {n_test:,} test faces. Data digest `{digest}`.

| class | train | test | recall, % |
| --- | ---: | ---: | ---: |
{rows}

## Result on the test split

Mean diagonal of the confusion matrix **{mean_diagonal:.2f} %** (95 % interval for a test set of
this size: {low:.2f} – {high:.2f}); accuracy {accuracy:.2f} %. One training run: another seed
differs. Epoch {best_epoch} of {n_epochs} was chosen by the mean diagonal on the held-out faces; the
test split was read once, afterwards.

## Limits

{limits}

## Provenance

Recipe `{name}`, seed {seed}, device {device}, PyTorch {torch}, training code `{code}`.
The whole recipe is in `recipe.toml`, every epoch in `metrics.jsonl`.
"""

LIMITS = (
    "Classes with few faces have wide intervals: look at the table before trusting a recall.",
    "Faces unlike those of the release (age, skin, pose, light, culture) may be recognised worse.",
    "A blend of expressions has one probability for each, and no class of its own.",
)


def model_card(
    recipe: Recipe,
    release: Release,
    metrics: dict[str, Any],
    facts: dict[str, Any],
    warnings: list[str],
) -> str:
    """The card in Markdown, from the numbers of the run."""
    low, high = metrics["mean_diagonal_interval"]
    return TEMPLATE.format(
        name=recipe.name,
        summary=recipe.summary,
        n_classes=len(release.class_names),
        size=recipe.input_size,
        n_features=metrics["n_features"],
        release=_release_name(release),
        subset=release.subset,
        digest=release.digest[:16],
        n_train=metrics["n_train"],
        n_validation=metrics["n_validation"],
        n_test=metrics["n_test"],
        rows=_rows(release, metrics),
        mean_diagonal=100 * metrics["mean_diagonal"],
        low=100 * low,
        high=100 * high,
        accuracy=100 * metrics["accuracy"],
        limits="\n".join(f"- {line}" for line in (*warnings, *LIMITS)),
        **facts,
    )


def _release_name(release: Release) -> str:
    """The manifest's name and version where it has them, else the folder's name."""
    known = [str(release.manifest[k]) for k in ("name", "version") if release.manifest.get(k)]
    return " ".join(known) or release.folder.name


def _rows(release: Release, metrics: dict[str, Any]) -> str:
    lines = []
    for i, name in enumerate(release.class_names):
        recall = metrics["per_class_recall"][name]
        n_train, n_test = (int((part.labels == i).sum()) for part in (release.train, release.test))
        shown = "–" if recall is None else f"{100 * recall:.1f}"
        lines.append(f"| {name} | {n_train:,} | {n_test:,} | {shown} |")
    return "\n".join(lines)
