"""The losses against slow references that follow the papers line by line."""

import numpy as np
import pytest
import torch

from training import losses

SIZES = [
    [0, 1, 2, 5, 25, 3, 0],
    [1] * 7,
    [30, 0, 0, 0, 0, 0, 0],
    [2, 2, 2, 2, 2, 2, 2],
    [0, 0, 1, 0, 0, 0, 0],
]


def slow_gradient(x: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Paper equation (4) face by face, divided by the batch's size, in float64."""
    gradient = np.zeros_like(x)
    for i in range(len(x)):
        mates = [j for j in range(len(x)) if j != i and labels[j] == labels[i] and labels[i] >= 0]
        mates.sort(key=lambda j: float(np.sum((x[i] - x[j]) ** 2)))
        if mates:
            gradient[i] = (x[i] - x[mates[:k]].mean(axis=0)) / len(x)
    return gradient


@pytest.mark.parametrize("counts", SIZES)
@pytest.mark.parametrize("k", [1, 4, 20])
def test_locality_gradient_is_equation_4(counts: list[int], k: int) -> None:
    generator = np.random.default_rng(sum(counts) + k)
    labels = generator.permutation(np.repeat(np.arange(7), counts))
    x = torch.tensor(
        generator.normal(size=(len(labels), 12)), dtype=torch.float32, requires_grad=True
    )
    alike = losses.same_class(torch.tensor(labels))
    losses.locality_loss(x, alike, k).backward()
    expected = slow_gradient(x.detach().numpy().astype(np.float64), labels, k)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=0, atol=1e-6)


def test_locality_value_is_half_the_squared_distance_to_the_neighbours_mean() -> None:
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    alike = losses.same_class(torch.tensor([0, 0, 0, 1]))
    found = losses.locality_loss(x, alike, k=1)
    nearest = [1.0, 4.0, 1.0, 0.0]  # squared distances; the fourth face is alone
    assert found.item() == pytest.approx(0.5 * sum(nearest) / 4, abs=1e-6)


def test_with_k_one_less_than_the_class_locality_is_the_in_batch_center() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    alike = losses.same_class(torch.zeros(6, dtype=torch.int64))
    others_mean = (x.sum(dim=0) - x) / 5
    expected = 0.5 * (x - others_mean).square().sum(dim=1).mean()
    assert losses.locality_loss(x, alike, k=5).item() == pytest.approx(expected.item(), abs=1e-5)


def test_faces_without_a_class_have_no_neighbours() -> None:
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert losses.locality_loss(x, losses.same_class(torch.full((4,), -1)), k=2).item() == 0.0


def test_neighbours_may_come_from_a_bank() -> None:
    x, bank = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 2.0], [1.0, 1.0]])
    alike = torch.tensor([[True, True, False]])
    found = losses.locality_loss(x, alike, k=1, others=bank)
    assert found.item() == pytest.approx(0.5 * 1.0, abs=1e-6)


def test_center_gradient_is_the_way_from_the_center() -> None:
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
    labels, centers = torch.tensor([0, 1, 1, 2, -1]), torch.randn(3, 3)
    losses.center_loss(x, labels, centers).backward()
    expected = (x.detach() - centers[labels.clamp(min=0)]) / 5
    expected[4] = 0.0
    torch.testing.assert_close(x.grad, expected, rtol=0, atol=1e-6)


def test_centers_move_by_equation_4_of_wen() -> None:
    centers = torch.tensor([[0.0], [10.0], [5.0]])
    losses.move_centers(
        centers, torch.tensor([[3.0], [6.0], [0.0]]), torch.tensor([0, 0, 1]), rate=0.5
    )
    expected = [[0 - 0.5 * (-9.0 / 3)], [10 - 0.5 * (10.0 / 2)], [5.0]]
    torch.testing.assert_close(centers, torch.tensor(expected), rtol=0, atol=1e-6)


def test_distribution_loss_is_zero_where_network_and_crowd_agree() -> None:
    shares = torch.tensor([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    assert losses.distribution_loss(shares.clamp(min=1e-9).log(), shares).item() == pytest.approx(
        0, abs=1e-6
    )
    assert losses.distribution_loss(torch.zeros(2, 3), shares).item() > 0.1


def test_affinity_of_certain_labels_is_same_class() -> None:
    shares = torch.eye(7)[torch.tensor([0, 0, 3, 3, 5])]
    alike = losses.similar_distributions(shares, shares, affinity=0.9)
    same = losses.same_class(torch.tensor([0, 0, 3, 3, 5]))
    assert torch.equal(alike & ~torch.eye(5, dtype=torch.bool), same)


def test_vote_loss_is_the_likelihood_written_out() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    annotators, votes = torch.tensor([[0, 1], [1, -1]]), torch.tensor([[0, 2], [1, -1]])
    reliability = torch.tensor([2.0, -0.5])
    p = logits.softmax(dim=1).numpy()
    right = 1 / (1 + np.exp(-reliability.numpy()))
    terms = [(0, 0, 0), (0, 1, 2), (1, 1, 1)]
    logs = [np.log(right[a] * p[i, t] + (1 - right[a]) * (1 - p[i, t]) / 2) for i, a, t in terms]
    found = losses.vote_loss(logits, annotators, votes, reliability)
    assert found.item() == pytest.approx(-np.mean(logs), abs=1e-6)
