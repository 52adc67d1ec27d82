"""The networks have the paper's layers and say clearly what they cannot be."""

import pytest
import torch

from training import recipe as recipes
from training.errors import TrainingError
from training.model import build


@pytest.mark.parametrize(("ceil_pooling", "n_weights"), [(False, 74_944_743), (True, 87_744_743)])
def test_base_dcnn_has_the_weights_of_table_2(ceil_pooling: bool, n_weights: int) -> None:
    network = build(recipes.load("softmax", {"ceil_pooling": ceil_pooling}), n_classes=7)
    assert sum(p.numel() for p in network.parameters()) == n_weights
    assert network.n_features == 2000


@pytest.mark.parametrize("name", ["basedcnn", "alexnet", "vgg", "resnet18"])
def test_every_network_gives_features_and_logits(name: str) -> None:
    small: dict[str, object] = {"network": name, "feature_size": 16, "input_size": 64, "crop": 64}
    network = build(recipes.load("softmax", small), n_classes=7).eval()
    features, logits = network(torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
    assert features.shape == (2, network.n_features)
    assert logits.shape == (2, 7)


def test_the_network_looks_at_the_central_crop() -> None:
    chosen = recipes.load("demo", {"input_size": 40, "crop": 32})
    network = build(chosen, n_classes=7).eval()
    picture = torch.randint(0, 256, (1, 3, 40, 40), generator=torch.Generator().manual_seed(0))
    inner = picture[..., 4:36, 4:36]
    torch.testing.assert_close(network(picture)[1], network(inner)[1], rtol=0, atol=0)


def test_a_users_own_function_is_a_network() -> None:
    chosen = recipes.load("demo", {"network": "training.model:resnet18"})
    assert build(chosen, n_classes=7).n_features == 512


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("densenet", "unknown network 'densenet'; known are basedcnn"),
        ("no_such_package:net", "needs the Python package no_such_package"),
        ("training.model:nothing", "could not be made"),
    ],
)
def test_an_unknown_network_is_named(name: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        build(recipes.load("softmax", {"network": name}), n_classes=7)


def test_pictures_too_small_for_the_network_are_refused() -> None:
    small: dict[str, object] = {"network": "vgg", "input_size": 16, "crop": 16}
    with pytest.raises(TrainingError, match="cannot take 16×16 pixels"):
        build(recipes.load("softmax", small), n_classes=7)
