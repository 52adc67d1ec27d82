"""What a curator asks a collection for: keywords by expression, licences, dates, a limit."""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError

from annotation.images.licences import BY_NUMBER, OPEN
from reliability.expressions import NAMES

KEYWORDS: dict[str, tuple[str, ...]] = {
    "surprise": ("shocked", "astonished"),
    "fear": ("scared", "frightened", "terrified"),
    "disgust": ("disgust",),
    "happiness": ("smile", "giggle"),
    "sadness": ("cry",),
    "anger": ("rage",),
    "neutral": ("expressionless",),
}
"""The paper's words (§3.1), by the expression they were meant to find."""
FIRST_DAY = date(2004, 2, 10)
"""Flickr opened; nothing was uploaded before."""
MAX_LIMIT = 200_000
MAX_WORDS = 40
MAX_WORD = 80


@dataclass(frozen=True)
class Order:
    """A sound order; ``checked`` makes one from what a person entered."""

    keywords: dict[str, list[str]]
    limit: int = 2_000
    licences: list[int] = field(default_factory=lambda: list(OPEN))
    uploaded_from: str = FIRST_DAY.isoformat()
    uploaded_to: str = ""

    @property
    def words(self) -> list[str]:
        """Every keyword once, in the order of the expressions (which no database keeps)."""
        return list(dict.fromkeys(w for name in NAMES for w in self.keywords.get(name, ())))

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def checked(
    keywords: dict[str, list[str]] | None = None,
    limit: int = 2_000,
    licences: list[int] | None = None,
    uploaded_from: date | None = None,
    uploaded_to: date | None = None,
    today: date | None = None,
) -> Order:
    """The order, or ``ValidationError`` with the field, the value and what is allowed."""
    last = min(uploaded_to or date.max, today or date.today())
    first = max(uploaded_from or FIRST_DAY, FIRST_DAY)
    if first > last:
        raise ValidationError({"uploaded_from": f"{first} is after the end of the range, {last}."})
    if not 1 <= limit <= MAX_LIMIT:
        raise ValidationError({"limit": f"{limit}: from 1 to {MAX_LIMIT:,} photographs."})
    chosen = sorted(set(OPEN if licences is None else licences))
    unknown = [number for number in chosen if number not in BY_NUMBER]
    if unknown or not chosen:
        raise ValidationError(
            {"licences": f"Unknown: {unknown}." if unknown else "Choose one licence at least."}
        )
    words = _words(KEYWORDS if keywords is None else keywords)
    return Order(words, limit, chosen, first.isoformat(), last.isoformat())


def _words(keywords: Any) -> dict[str, list[str]]:
    strange = sorted(set(keywords) - set(NAMES))
    if strange:
        raise ValidationError({"keywords": f"{', '.join(strange)}: not among {', '.join(NAMES)}."})
    found: dict[str, list[str]] = {}
    for name in NAMES:
        words = list(dict.fromkeys(" ".join(w.split()) for w in keywords.get(name, ())))
        for word in words:
            if not word.isprintable() or not 1 <= len(word) <= MAX_WORD:
                raise ValidationError(
                    {"keywords": f"{word[:40]!r} under {name}: 1 to {MAX_WORD} printable signs."}
                )
        if words:
            found[name] = words
    n = sum(map(len, found.values()))
    if not 1 <= n <= MAX_WORDS:
        raise ValidationError({"keywords": f"{n} keywords; from 1 to {MAX_WORDS} are searched."})
    return found
