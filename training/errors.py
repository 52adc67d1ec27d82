"""What goes wrong in a way that a person can put right."""


class TrainingError(Exception):
    """A release, recipe, folder or machine that cannot be trained with; the message says why."""
