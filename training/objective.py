"""The loss of a recipe: one term that fits the labels and one that pulls features together."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import losses
from training.data import Faces
from training.recipe import Pull, Recipe, Target
from training.team import ALONE, Team
from training.votes import VoteTable

START_RELIABILITY = 1.5  # an annotator whom nothing is known of is right in σ(1.5) = 82 %


class Objective(nn.Module):
    """Turns features and logits of a batch into a loss; what it learns or remembers is its state.

    Buffers: ``centers`` (n_classes, d) of the center loss; ``bank`` (n, d) with ``seen`` (n,), the
    last features of all training faces; ``log_prior`` (n_classes,). Parameter: ``reliability``
    (n_annotators,) of the recipes that learn from votes.
    """

    centers: Tensor
    bank: Tensor
    seen: Tensor
    log_prior: Tensor

    def __init__(
        self,
        recipe: Recipe,
        train: Faces,
        n_features: int,
        n_classes: int,
        votes: VoteTable | None,
        team: Team = ALONE,
    ) -> None:
        super().__init__()
        self.recipe, self.train_faces, self.votes, self.team = recipe, train, votes, team
        n_bank = len(train) if recipe.pull is Pull.LOCALITY and recipe.bank else 0
        n_centers = n_classes if recipe.pull is Pull.CENTER else 0
        self.register_buffer("centers", torch.zeros(n_centers, n_features))
        self.register_buffer("bank", torch.zeros(n_bank, n_features))
        self.register_buffer("seen", torch.zeros(n_bank, dtype=torch.bool))
        counts = torch.bincount(train.labels[train.labels >= 0], minlength=n_classes).float()
        self.register_buffer("log_prior", ((counts + 0.5) / (counts + 0.5).sum()).log())
        if votes is not None:
            self.reliability = nn.Parameter(votes.start.clone())

    def forward(
        self, features: Tensor, logits: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Total, fit and pull (before its weight) for the training faces of these rows."""
        fit = self._fit(logits, rows)
        pull = self._pull(features, rows)
        return fit + self.recipe.pull_weight * pull, fit.detach(), pull.detach()

    def _fit(self, logits: Tensor, rows: Tensor) -> Tensor:
        if self.recipe.target is Target.VOTES and self.votes is not None:
            annotators, given = self.votes.annotators[rows], self.votes.votes[rows]
            return losses.vote_loss(logits, annotators, given, self.reliability)
        logits = logits.float()
        if self.recipe.logit_adjustment:
            logits = logits + self.recipe.logit_adjustment * self.log_prior
        if self.recipe.target is Target.DISTRIBUTION:
            return losses.distribution_loss(logits, self.train_faces.distributions[rows])
        return functional.cross_entropy(logits, self.train_faces.labels[rows])

    def _pull(self, features: Tensor, rows: Tensor) -> Tensor:
        labels = self.train_faces.labels
        if self.recipe.pull is Pull.CENTER:
            return losses.center_loss(features, labels[rows], self.centers)
        if self.recipe.pull is Pull.NONE:
            return features.new_zeros(())
        k = self.recipe.neighbours
        if self.recipe.bank:
            alike = self._alike(rows, torch.arange(len(labels), device=rows.device)) & self.seen
            return losses.locality_loss(features, alike, k, others=self.bank)
        batch = self.team.gather(rows)
        others = None if self.team.size == 1 else self.team.gather(features.detach())
        return losses.locality_loss(features, self._alike(rows, batch), k, others=others)

    def _alike(self, rows: Tensor, others: Tensor) -> Tensor:
        """Which of the training faces ``others`` may be a neighbour of ``rows``: (n, m) bool."""
        if self.recipe.affinity < 1.0:
            shares = self.train_faces.distributions
            alike = losses.similar_distributions(shares[rows], shares[others], self.recipe.affinity)
        else:
            labels = self.train_faces.labels
            alike = (labels[rows, None] == labels[None, others]) & (labels[rows, None] >= 0)
        return alike & (rows[:, None] != others[None, :])

    @torch.no_grad()
    def remember(self, features: Tensor, rows: Tensor) -> None:
        """Move the centers and renew the bank after a step, with the features of that step."""
        if self.recipe.pull is Pull.CENTER or len(self.bank):
            features, rows = self.team.gather(features), self.team.gather(rows)
        if self.recipe.pull is Pull.CENTER:
            labels = self.train_faces.labels[rows]
            losses.move_centers(self.centers, features, labels, self.recipe.center_rate)
        if len(self.bank):
            self.bank[rows] = features.detach().float()
            self.seen[rows] = True
