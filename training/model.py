"""The networks: pictures in, features and logits out."""

import importlib
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from training.errors import TrainingError
from training.recipe import Recipe

N_HIDDEN = 4096  # VGG's and AlexNet's own fully connected layers


class FaceNetwork(nn.Module):
    """A trunk that makes features and a linear head that makes logits.

    Takes pictures (n, 3, side, side), uint8 or float in 0–255, RGB; looks at the central ``crop``
    pixels; brings them to about −2 … 2 itself, so that no user of an export can forget to.
    """

    def __init__(self, trunk: nn.Module, n_features: int, n_classes: int, crop: int) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(n_features, n_classes)
        self.n_features, self.n_classes, self.crop = n_features, n_classes, crop

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, n_features), taken before the softmax layer, and logits (n, n_classes)."""
        margin = (pictures.shape[-1] - self.crop) // 2
        if margin:
            pictures = pictures[..., margin : margin + self.crop, margin : margin + self.crop]
        features = self.trunk((pictures.float() - 127.5) / 64.0)
        return features, self.head(features)


def build(recipe: Recipe, n_classes: int) -> FaceNetwork:
    """The recipe's network with fresh weights, drawn from PyTorch's global generator."""
    trunk = _trunk(recipe)
    n_features = _feature_size(trunk, recipe.crop)
    network = FaceNetwork(trunk, n_features, n_classes, recipe.crop)
    if not recipe.network.startswith("timm:"):  # timm draws its own
        network.apply(_initialise)
    return network


def base_dcnn(recipe: Recipe) -> nn.Sequential:
    """Layers 1 to 17 of the paper's Table 2; at 100×100 the first FC sees 256×12×12."""
    w, pool = recipe.widths, nn.MaxPool2d(2, stride=2, ceil_mode=recipe.ceil_pooling)
    stages: Sequence[tuple[int, ...]] = (
        (3, w[0]),
        (w[0], w[1]),
        (w[1], w[2], w[3]),
        (w[3], w[4], w[5]),
    )
    layers: list[nn.Module] = []
    for stage in stages:
        layers += _convolutions(stage, recipe.batch_norm)
        layers.append(pool)
    layers.pop()  # no pooling before the first FC
    return nn.Sequential(*layers, nn.Flatten(), *_feature_layer(recipe))


def alexnet(recipe: Recipe) -> nn.Sequential:
    """AlexNet (Krizhevsky et al. 2012) on small faces, its last hidden layer as in Table 4."""
    first, second, *rest = (_slimmed(n, recipe) for n in (64, 192, 384, 256, 256))
    return nn.Sequential(
        nn.Conv2d(3, first, 11, stride=4, padding=2), *_active(first, recipe.batch_norm),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(first, second, 5, padding=2), *_active(second, recipe.batch_norm),
        nn.MaxPool2d(3, stride=2),
        *_convolutions((second, *rest), recipe.batch_norm),
        nn.AdaptiveAvgPool2d(6), nn.Flatten(), *_hidden_layer(recipe), *_feature_layer(recipe),
    )  # fmt: skip


def vgg(recipe: Recipe) -> nn.Sequential:
    """VGG-16 (Simonyan and Zisserman 2014), its last hidden layer as in Table 4."""
    layers, n_in = list[nn.Module](), 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        stage = (n_in, *(_slimmed(width, recipe),) * depth)
        layers += [*_convolutions(stage, recipe.batch_norm), nn.MaxPool2d(2, stride=2)]
        n_in = stage[-1]
    hidden = _hidden_layer(recipe)
    return nn.Sequential(*layers, nn.Flatten(), *hidden, *_feature_layer(recipe))


def _slimmed(width: int, recipe: Recipe) -> int:
    return max(round(recipe.slim * width), 1)


class _Residual(nn.Module):
    """ResNet's basic block (He et al. 2016)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out),
        )  # fmt: skip
        self.short: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.short = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.short(x))


def resnet18(recipe: Recipe) -> nn.Sequential:
    """ResNet-18 with 512 features; ``recipe.feature_size`` does not apply."""
    blocks: list[nn.Module] = []
    for n_in, n_out, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        blocks += [_Residual(n_in, n_out, stride), _Residual(n_out, n_out, 1)]
    stem = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


TRUNKS = {"basedcnn": base_dcnn, "alexnet": alexnet, "vgg": vgg, "resnet18": resnet18}


def _trunk(recipe: Recipe) -> nn.Module:
    """The trunk by its name: one of ours, one of timm's, or a user's own function."""
    name = recipe.network
    if name in TRUNKS:
        return TRUNKS[name](recipe)
    family, _, rest = name.partition(":")
    if not rest:
        raise TrainingError(
            f"unknown network {name!r}; "
            f"known are {', '.join(TRUNKS)}, timm:NAME and MODULE:FUNCTION"
        )
    try:
        module = importlib.import_module(family)
    except ImportError as error:
        raise TrainingError(
            f"network {name!r} needs the Python package {family}: {error}"
        ) from error
    try:
        made = (
            module.create_model(rest, num_classes=0)
            if family == "timm"
            else getattr(module, rest)(recipe)
        )
    except (AttributeError, RuntimeError, ValueError) as error:
        raise TrainingError(f"network {name!r} could not be made: {error}") from error
    if not isinstance(made, nn.Module):
        raise TrainingError(f"network {name!r} did not give a torch.nn.Module")
    return made


def _feature_size(trunk: nn.Module, crop: int) -> int:
    """How many features the trunk gives, found by trying; also draws the sizes of lazy layers."""
    trunk.eval()
    with torch.no_grad():
        try:
            features = trunk(torch.zeros(2, 3, crop, crop))
        except RuntimeError as error:
            raise TrainingError(f"the network cannot take {crop}×{crop} pixels: {error}") from error
    if features.ndim != 2:
        raise TrainingError(
            f"the network gives features of shape {tuple(features.shape)}, not (n, d)"
        )
    trunk.train()
    return int(features.shape[1])


def _convolutions(widths: Sequence[int], batch_norm: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers.append(nn.Conv2d(n_in, n_out, 3, padding=1))
        layers += _active(n_out, batch_norm)
    return layers


def _active(width: int, batch_norm: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(width), nn.ReLU()] if batch_norm else [nn.ReLU()]


def _hidden_layer(recipe: Recipe) -> list[nn.Module]:
    """VGG's and AlexNet's own fully connected layer before the features."""
    width = _slimmed(N_HIDDEN, recipe)
    norm = [nn.BatchNorm1d(width)] if recipe.batch_norm else []
    return [nn.LazyLinear(width), *norm, nn.ReLU(), nn.Dropout(0.5)]


def _feature_layer(recipe: Recipe) -> list[nn.Module]:
    """The last hidden layer; its output is the features."""
    linear = nn.LazyLinear(recipe.feature_size)
    return [linear, nn.ReLU()] if recipe.feature_relu else [linear]


def _initialise(layer: nn.Module) -> None:
    """He's initialisation: without it six plain convolutions barely start to learn."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
