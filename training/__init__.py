"""Training: a release folder in, a run folder out. Knows no Django; see README.md.

Importing this package, ``training.recipe`` or ``training.errors`` does not import PyTorch.
"""

from training.errors import TrainingError

__all__ = ["TrainingError"]
