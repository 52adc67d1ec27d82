"""What can be wrong with an answer, in words for the person who sent it."""

from reliability.expressions import NAMES

from .models import Vote


class VoteConflict(Exception):
    """A revision out of turn. ``current`` is the last stored vote, if any."""

    def __init__(self, current: Vote | None) -> None:
        self.current = current
        if current is None:
            said = "Nothing is stored for this assignment yet: the first revision is 1."
        else:
            said = (
                f"Stored is revision {current.revision} ({NAMES[current.expression]}): "
                f"a correction must be revision {current.revision + 1}."
            )
        super().__init__(said)


class AssignmentGone(Exception):
    """The place of this assignment was given away, or its image is no longer labelled."""


class VotesRefused(Exception):
    """Votes brought from elsewhere that cannot be stored; nothing of them was."""
