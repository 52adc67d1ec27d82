"""The one rule of resends and corrections, for votes and for whatever is answered like one."""

from typing import Any

from .errors import VoteConflict


def resent(last: Any, answer: Any) -> Any:
    """The stored answer that this one is a resend of; ``None`` if it is the next revision.

    ``last`` is the stored answer with the highest revision, or ``None``. Both have ``revision``
    and ``expression``. Raises ``VoteConflict`` for a revision out of turn.
    """
    if last is not None and answer.revision == last.revision:
        if answer.expression == last.expression:
            return last
        raise VoteConflict(last)
    if answer.revision != (last.revision if last else 0) + 1:
        raise VoteConflict(last)
    return None
