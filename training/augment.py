"""Augmentation of a whole batch at once, on the device where the faces are."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.recipe import Recipe

GREY = 127.5


def augment(pictures: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Pictures (n, 3, side, side) uint8 as (n, 3, crop, crop) float32 in 0–255.

    Flip, rotation, scale, shift and crop are one affine transformation and one resampling.
    ``generator`` lives on the pictures' device.
    """
    n, _, side, _ = pictures.shape
    moved = _transformations(n, side, recipe, generator)
    grid = functional.affine_grid(moved, [n, 3, recipe.crop, recipe.crop], align_corners=False)
    drawn = functional.grid_sample(
        pictures.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return erase(drawn, recipe.erase, generator) if recipe.erase else drawn


def _transformations(n: int, side: int, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Matrices (n, 2, 3) from output to input coordinates, both −1 … 1."""
    spread = torch.rand(5, n, generator=generator, device=generator.device) * 2.0 - 1.0
    angle = spread[0] * math.radians(recipe.rotation)
    size = recipe.crop / side * (1.0 + recipe.scale * spread[1])
    mirror = torch.where((spread[2] < 0) & recipe.flip, -1.0, 1.0)
    room = 1.0 - recipe.crop / side  # how far a crop may wander, in half sides
    shift = spread[3:] * (room + 2.0 * recipe.shift)
    across, down = size * torch.cos(angle), size * torch.sin(angle)
    rows = torch.stack([across * mirror, -down, shift[0], down * mirror, across, shift[1]], dim=1)
    return rows.view(n, 2, 3)


def erase(pictures: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Grey out one random rectangle, of up to half a side, in some of the pictures."""
    n, _, height, width = pictures.shape
    chance = torch.rand(5, n, 1, 1, 1, generator=generator, device=pictures.device)
    top, left = chance[1] * height, chance[2] * width
    y = torch.arange(height, device=pictures.device).view(1, 1, height, 1)
    x = torch.arange(width, device=pictures.device).view(1, 1, 1, width)
    inside = (y >= top) & (y < top + chance[3] * height / 2)
    inside = inside & (x >= left) & (x < left + chance[4] * width / 2) & (chance[0] < probability)
    return torch.where(inside, GREY, pictures)
