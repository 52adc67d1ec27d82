"""Losses on features and on logits, each a function of tensors."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

TINY = 1e-12


def locality_loss(
    features: Tensor,
    alike: Tensor,
    k: int,
    *,
    others: Tensor | None = None,
) -> Tensor:
    """The locality preserving loss, paper equations (3) and (4), as a mean over the batch.

    ``features`` (n, d); ``others`` (m, d) holds the candidates, the batch itself if None;
    ``alike`` (n, m) bool says which candidate may be whose neighbour: of the same class and not
    the face itself. A face with fewer than ``k`` candidates uses all of them; one with none adds
    nothing. The neighbours' mean is a constant, as equation (4) has it. Computed in float32.

    Costs one product n × m × d, masked, and n × k × d for the means.
    """
    x = features.float()
    candidates = (x if others is None else others.float()).detach()
    rows, shares = neighbours(x.detach(), candidates, alike, k)  # (n, k) both
    means = functional.embedding_bag(rows, candidates, per_sample_weights=shares, mode="sum")
    lone = ~shares.any(dim=1, keepdim=True)
    centres = means.addcmul_(lone.to(x.dtype), x.detach())  # (n, d): a lone face is its own
    loss: Tensor = _HalfSquare.apply(x, centres)  # type: ignore[no-untyped-call]
    return loss / max(len(x), 1)


class _HalfSquare(torch.autograd.Function):
    """½ Σ |x_i − c_i|² with equation (4)'s gradient, x_i − c_i; ``centres`` are written over.

    Written out because a large new tensor costs more than the arithmetic on it.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, centres: Tensor) -> Tensor:
        away = torch.sub(x, centres, out=centres)
        ctx.save_for_backward(away)
        return 0.5 * torch.dot(away.flatten(), away.flatten())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (away,) = ctx.saved_tensors
        return gradient * away, None


def neighbours(x: Tensor, candidates: Tensor, alike: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Each row's k′ = min(k, n_c − 1) nearest allowed candidates: (n, k) rows of ``candidates``,
    and their shares, 1/k′, or 0 where a class has fewer than k.

    An exhaustive search; ``k`` is cut to the number of candidates.
    """
    squares = torch.linalg.vecdot(
        candidates, candidates
    )  # |x|² is the same along a row, so it may be left out
    distance = torch.addmm(squares[None, :], x, candidates.T, alpha=-2.0)  # (n, m)
    distance.masked_fill_(~alike, torch.inf)
    nearest = distance.topk(min(k, alike.shape[1]), dim=1, largest=False, sorted=False)
    allowed = torch.isfinite(nearest.values).to(x.dtype)
    return nearest.indices, allowed / allowed.sum(dim=1, keepdim=True).clamp(min=1.0)


def same_class(labels: Tensor) -> Tensor:
    """Which faces of a batch share a class, (n, n) bool; a face is not its own neighbour.

    Faces without a class (−1) have no neighbours.
    """
    equal = (labels[:, None] == labels[None, :]) & (labels >= 0)[:, None]
    return equal.fill_diagonal_(False)


def similar_distributions(a: Tensor, b: Tensor, affinity: float) -> Tensor:
    """Which rows of two sets of distributions have a Bhattacharyya coefficient ≥ ``affinity``.

    Σ√(p q) is 1 for equal distributions and 0 for disjoint ones; between certain labels it is 1
    within a class and 0 across, so that this widens ``same_class``. Shapes (n, 7), (m, 7) → (n, m).
    """
    return a.sqrt() @ b.sqrt().T >= affinity - 1e-6


def center_loss(features: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """½ |x − c_y|², mean over the batch (Wen et al. 2016, equation 2; centers are constants)."""
    known = labels >= 0
    away = features.float() - centers[labels.clamp(min=0)]
    return 0.5 * (away.square().sum(dim=1) * known).mean()


@torch.no_grad()
def move_centers(centers: Tensor, features: Tensor, labels: Tensor, rate: float) -> None:
    """Move each center by Δc = Σ(c − x) / (1 + n_c) · ``rate`` (Wen et al. 2016, equation 4)."""
    member = functional.one_hot(labels.clamp(min=0), len(centers)).float() * (labels >= 0)[:, None]
    count = member.sum(dim=0)[:, None]  # (n_classes, 1)
    change = (count * centers - member.T @ features.float()) / (1.0 + count)
    centers.sub_(rate * change)


def distribution_loss(logits: Tensor, distributions: Tensor) -> Tensor:
    """KL(distribution ‖ softmax(logits)), mean over the batch; 0 where they agree."""
    return functional.kl_div(
        functional.log_softmax(logits.float(), dim=1), distributions, reduction="batchmean"
    )


def vote_loss(logits: Tensor, annotators: Tensor, votes: Tensor, reliability: Tensor) -> Tensor:
    """−log likelihood of the votes themselves, mean per vote: no aggregation in between.

    ``annotators`` and ``votes`` (n, r), −1 where a face has fewer votes; ``reliability``
    (n_annotators,) on the scale of the paper's α at easiness 1. Annotator i votes for the true
    class with probability σ(α_i), else for any other alike:
    p(t) = σ(α) p_t + (1 − σ(α)) (1 − p_t) / (K − 1).
    """
    given = votes >= 0
    shares = functional.softmax(logits.float(), dim=1)
    p = shares.gather(1, votes.clamp(min=0))  # (n, r)
    right = torch.sigmoid(reliability)[annotators.clamp(min=0)]
    likelihood = right * p + (1.0 - right) * (1.0 - p) / (logits.shape[1] - 1)
    return -(likelihood.clamp(min=TINY).log() * given).sum() / given.sum().clamp(min=1)
