"""Recipes: what to train and how, each one short TOML file in ``recipes/`` (or anywhere).

A recipe names another as its ``base`` and states only what differs. This module does not import
PyTorch, so that a web page can list the recipes.
"""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

from training.errors import TrainingError

FOLDER = Path(__file__).parent / "recipes"


class Target(StrEnum):
    """What the softmax output is taught."""

    LABEL = "label"  # the class of a single-label face
    DISTRIBUTION = "distribution"  # the reliability-weighted seven probabilities
    VOTES = "votes"  # every annotator's vote, with a reliability of their own


class Pull(StrEnum):
    """What draws features of one class together."""

    NONE = "none"
    CENTER = "center"  # Wen et al. 2016
    LOCALITY = "locality"  # paper §4, equations (2) to (4)


def _number(default: Any, low: float, high: float) -> Any:
    """A numeric field with its allowed range, both ends included."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to train. Defaults are the paper's (§4, §6, Table 2), or ours where it is silent."""

    name: str = ""
    summary: str = ""

    # the network
    network: str = "basedcnn"  # basedcnn, alexnet, vgg, resnet18, timm:NAME or MODULE:FUNCTION
    widths: tuple[int, ...] = (64, 96, 128, 128, 256, 256)  # baseDCNN's six convolutions
    feature_size: int = _number(2000, 1, 100_000)
    feature_relu: bool = True  # false: features may be negative, as a map of two needs
    ceil_pooling: bool = False  # Caffe's rounding: 87,744,743 weights instead of 74,944,743
    batch_norm: bool = False
    slim: float = _number(1.0, 0.01, 1)  # share of the channels of VGG and AlexNet
    input_size: int = _number(100, 16, 1024)  # pixels; faces are brought to this side
    crop: int = _number(100, 16, 1024)  # pixels; random while training, central afterwards

    # the objective
    target: Target = Target.LABEL
    pull: Pull = Pull.NONE
    pull_weight: float = _number(0.003, 0, 1000)  # the paper's λ
    neighbours: int = _number(20, 1, 100_000)  # the paper's k
    bank: bool = False  # neighbours from the last features of all training faces
    affinity: float = _number(1.0, 0, 1)  # below 1: neighbours may share a distribution, no class
    center_rate: float = _number(0.5, 0, 1)  # how fast class centers follow (Wen et al.: α)
    logit_adjustment: float = _number(0.0, 0, 10)  # τ of Menon et al. 2021; 1 suits mean diagonal

    # the optimisation
    batch: int = _number(64, 2, 65_536)
    balanced: bool = False  # every class equally often in every batch
    iterations: int = _number(20_000, 1, 100_000_000)
    epochs: int = _number(0, 0, 1_000_000)  # instead of iterations when above 0
    learning_rate: float = _number(0.01, 0, 100)
    momentum: float = _number(0.9, 0, 1)
    weight_decay: float = _number(5e-4, 0, 1)
    drops: tuple[float, ...] = (0.25, 0.9)  # shares of the run after which the rate falls to 1/10
    cosine: bool = False  # the rate falls along half a cosine to 0 instead of in drops
    warm_up: float = _number(0.0, 0, 0.5)  # share of the run in which the rate rises from 0
    sharpness: float = _number(0.0, 0, 10)  # ρ of sharpness-aware minimisation; 0: plain SGD
    averaging: float = _number(0.0, 0, 0.999999)  # decay of the averaged weights; 0: none

    # the pictures
    flip: bool = True
    rotation: float = _number(8.0, 0, 180)  # degrees either way
    scale: float = _number(0.08, 0, 0.9)  # share either way
    shift: float = _number(0.04, 0, 0.5)  # share of the side either way
    erase: float = _number(0.0, 0, 1)  # probability that a rectangle is greyed out

    # the run
    validation: float = _number(0.1, 0, 0.5)  # share of the training faces that choose the epoch
    patience: int = _number(0, 0, 1_000_000)  # epochs without improvement; 0: never stop early
    time_limit_s: float = _number(0.0, 0, 1e9)  # 0: none
    allow_empty_classes: bool = False

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            _check_range(item, getattr(self, item.name))
        if self.crop > self.input_size:
            raise TrainingError(
                f"crop is {self.crop}; it must not exceed input_size {self.input_size}"
            )
        if len(self.widths) != 6 or min(self.widths) < 1:
            raise TrainingError(f"widths is {list(self.widths)}; it must be six positive numbers")
        if any(not 0 < share < 1 for share in self.drops) or list(self.drops) != sorted(self.drops):
            raise TrainingError(f"drops is {list(self.drops)}; it must rise between 0 and 1")

    def as_dict(self) -> dict[str, Any]:
        """The recipe's fields as TOML and JSON have them."""
        plain = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}

    def as_toml(self) -> str:
        """A complete recipe file, every default written out."""
        return "".join(f"{k} = {_toml_value(v)}\n" for k, v in self.as_dict().items())


def names() -> dict[str, str]:
    """Every recipe that ships with Rafter: its name and its one-line description."""
    return {path.stem: load(path.stem).summary for path in sorted(FOLDER.glob("*.toml"))}


def load(name: str, overrides: dict[str, object] | None = None) -> Recipe:
    """The recipe called ``name`` (or at that path, when it ends in .toml), with fields overridden.

    Raises TrainingError where the recipe or a field is unknown, or a value is out of its range.
    """
    values = {"name": Path(name).stem, **_values(name, seen=())}
    return _build({**values, **(overrides or {})})


def from_dict(values: dict[str, object]) -> Recipe:
    """A recipe from ``Recipe.as_dict``, checked like one from a file."""
    return _build(values)


def _values(name: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """The fields that a recipe file and its bases state."""
    if name in seen:
        raise TrainingError(f"recipe {name} is its own base")
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise TrainingError(
            f"unknown recipe {name!r}; known are {known}, or a path to a .toml file"
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"recipe {path.name} is not TOML: {error}") from error
    base = values.pop("base", None)
    if base is None:
        return values
    return {**_values(str(base), (*seen, name)), **values}


def _build(values: dict[str, object]) -> Recipe:
    kinds = get_type_hints(Recipe)
    for key in values:
        if key not in kinds:
            raise TrainingError(f"unknown field {key!r} in recipe; known are {', '.join(kinds)}")
    return Recipe(**{key: _convert(key, value, kinds[key]) for key, value in values.items()})


def _convert(key: str, value: object, kind: Any) -> Any:
    """A TOML, JSON or Python value as the field's type; booleans are not numbers."""
    complaint = TrainingError(f"{key} is {value!r}; it must be {_describe(kind)}")
    if kind in (tuple[int, ...], tuple[float, ...]):
        if not isinstance(value, list | tuple):
            raise complaint
        return tuple(_convert(key, v, int if kind == tuple[int, ...] else float) for v in value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise complaint
        return kind(str(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise complaint
    return value


def _describe(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return f"one of {', '.join(kind)}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return words.get(kind, "a list of numbers")


def _check_range(item: "dataclasses.Field[Any]", value: Any) -> None:
    if "range" not in item.metadata:
        return
    low, high = item.metadata["range"]
    if not low <= value <= high:  # also refuses NaN
        raise TrainingError(f"{item.name} is {value}; it must lie in {low} … {high}")


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
