"""Exports of a trained network: safetensors, ONNX and PyTorch's own format; and loading one."""

import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from training import recipe as recipes
from training.errors import TrainingError
from training.model import FaceNetwork, build
from training.recipe import Recipe
from training.storage import written_aside

INPUT, OUTPUTS = "pictures", ["probabilities", "features"]
ONNX_OPSET = 18


class Deployed(nn.Module):
    """What an export computes: pictures (n, 3, side, side) uint8 RGB to probabilities and features.

    uint8 and not float, so that nobody can feed 0–1 where 0–255 is meant.
    """

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (n, n_classes), rows sum to 1, and features (n, n_features)."""
        features, logits = self.network(pictures)
        return torch.softmax(logits, dim=1), features


@dataclass(frozen=True)
class Model:
    """A trained network with what is needed to use it."""

    network: FaceNetwork
    recipe: Recipe
    class_names: tuple[str, ...]


def save_safetensors(path: Path, model: Model) -> None:
    """The weights, with recipe and class names in the header: enough for ``load``."""
    facts = {"recipe": model.recipe.as_dict(), "class_names": list(model.class_names)}
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.network.state_dict().items()}
    with written_aside(path) as aside:
        save_file(tensors, aside, metadata={"rafter": json.dumps(facts, sort_keys=True)})


def load(path: Path) -> Model:
    """A network from its ``model.safetensors``, in evaluation mode on the CPU."""
    try:
        with safe_open(path, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {})["rafter"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise TrainingError(f"there is no {path}") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise TrainingError(f"{path.name} is not a model that Rafter exported: {error}") from error
    recipe, class_names = recipes.from_dict(facts["recipe"]), tuple(facts["class_names"])
    network = build(recipe, len(class_names))
    network.load_state_dict(tensors)
    return Model(network.eval(), recipe, class_names)


def save_onnx(path: Path, model: Model) -> None:
    """One ONNX file: input ``pictures`` (n, 3, side, side) uint8, n free; weights inside.

    Metadata: ``class_names`` and ``recipe`` as JSON.
    """
    onnx_program = _traced_onnx(model)
    onnx_program.model.metadata_props["class_names"] = json.dumps(list(model.class_names))
    onnx_program.model.metadata_props["recipe"] = model.recipe.name
    onnx_program.model.producer_name = "rafter"
    with written_aside(path) as aside:
        onnx_program.save(aside, external_data=False)


def _traced_onnx(model: Model) -> torch.onnx.ONNXProgram:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes on its own dependencies
        program = torch.onnx.export(
            Deployed(model.network).eval(),
            (_example(model.recipe),),
            input_names=[INPUT],
            output_names=OUTPUTS,
            dynamic_shapes={INPUT: {0: torch.export.Dim("n", min=1)}},
            opset_version=ONNX_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 — the dynamo exporter returns or raises
    return program


def save_pt2(path: Path, model: Model) -> None:
    """PyTorch's exported program: ``torch.export.load(path).module()`` runs without our code."""
    program = torch.export.export(
        Deployed(model.network).eval(),
        (_example(model.recipe),),
        dynamic_shapes={INPUT: {0: torch.export.Dim("n", min=1)}},
    )
    with written_aside(path) as aside:
        with_ending = aside.with_name(f"{aside.name}.pt2")  # the only ending that it accepts
        torch.export.save(program, with_ending)
        with_ending.replace(aside)


def _example(recipe: Recipe) -> Tensor:
    return torch.zeros(2, 3, recipe.input_size, recipe.input_size, dtype=torch.uint8)
