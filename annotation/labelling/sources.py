"""Images of one source are spread apart, so that one person's answers stay independent.

A source is the photographer where one is known, or else the search that found the image.
"""

import hashlib
from collections.abc import Iterable

NAMES = ("owner", "keyword")
"""What of an image's provenance names its source, the narrowest first."""
RECENT = 20
"""So many of a person's last images are minded when the next are chosen."""


def source_of(provenance: dict[str, str]) -> int:
    """A number for the source that the provenance names, 0 for none."""
    for name in NAMES:
        told = str(provenance.get(name) or "").strip().casefold()
        if told:
            digest = hashlib.blake2b(f"{name}:{told}".encode(), digest_size=7).digest()
            return int.from_bytes(digest, "big")
    return 0


def choose(seen: dict[int, int], n: int, recent: set[int]) -> list[int]:
    """``n`` of these images (sources by image), first those whose source was not met lately."""
    met = set(recent)
    fresh: list[int] = []
    for image, source in seen.items():
        if source and source in met:
            continue
        met.add(source)
        fresh.append(image)
    rest = [image for image in seen if image not in set(fresh)]
    return [*fresh, *rest][:n]


def apart(images: Iterable[int], sources: dict[int, int], last: int) -> list[int]:
    """The images in this order, but with neighbours of one source parted where that is possible."""
    waiting = list(images)
    ordered: list[int] = []
    while waiting:
        other = next((i for i in waiting if not last or sources[i] != last), waiting[0])
        waiting.remove(other)
        ordered.append(other)
        last = sources[other]
    return ordered
