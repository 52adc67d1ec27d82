"""The search of a collection: page after page, remembered after each, so that it can go on."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from annotation.jobs.services import Claim

from . import flickr
from .flickr import Found, Page, Slice
from .models import Collection, Photograph
from .orders import Order

Ask = Callable[[Slice, int], Page]
"""One page of an answer for a slice, with so many photographs to a page."""
LEAST_PER_PAGE = 10
SHARE = 0.1
"""Of the job's progress."""


def search(claim: Claim, collection: Collection, ask: Ask) -> None:
    """Find photographs until the order's limit or the end of all answers.

    The words take turns, so that a small limit is spread over all of them. Each page's
    photographs and the place where the search stands are stored in one transaction.
    """
    order = Order(**collection.order)
    per_page = per_page_of(order)
    cursor = collection.cursor or {
        "open": [Slice(w, order.uploaded_from, order.uploaded_to).stored() for w in order.words],
        "seen": 0,
        "repeated": 0,
        "unusable": 0,
    }
    n_found = collection.photographs.count()
    while cursor["open"] and n_found < order.limit:
        asked = Slice(**cursor["open"].pop(0))
        claim.report(SHARE * n_found / order.limit, f"Searching for “{asked.word}”")
        page = ask(asked, per_page)
        cursor["open"] += [s.stored() for s in _next(asked, page, per_page)]
        n_found += _store(claim, collection, page, cursor, order.limit - n_found)


def per_page_of(order: Order) -> int:
    """As many as each word's share of the limit, within what Flickr gives at once."""
    share = -(-order.limit // len(order.words))
    return min(max(share, LEAST_PER_PAGE), flickr.PER_PAGE)


def _next(asked: Slice, page: Page, per_page: int) -> list[Slice]:
    """Where this answer goes on: its next page, or shorter spans where pages would repeat."""
    if asked.page >= page.n_pages or not (page.photographs or page.n_unusable):
        return []
    if (asked.page + 1) * per_page > flickr.REACHABLE:
        return list(asked.halves() or ())
    return [Slice(asked.word, asked.first, asked.last, asked.page + 1)]


def _store(
    claim: Claim, collection: Collection, page: Page, cursor: dict[str, Any], room: int
) -> int:
    """Keep what is new, at most ``room``, and the cursor; how many were kept."""
    found = {f"flickr:{one.photo_id}": one for one in reversed(page.photographs)}
    found = dict(reversed(found.items()))  # the first of two with one id counts
    with transaction.atomic():
        claim.check()
        known = dict(
            Photograph.objects.filter(project=collection.project_id, key__in=found).values_list(
                "key", "state"
            )
        )
        new = [(key, one) for key, one in found.items() if key not in known][:room]
        again = [key for key, state in known.items() if state == Photograph.State.REFUSED]
        n_again = ask_again(collection, again[: room - len(new)])
        Photograph.objects.bulk_create([_row(collection, key, one) for key, one in new])
        cursor["seen"] += len(page.photographs) + page.n_unusable
        cursor["repeated"] += len(page.photographs) - len(new) - n_again
        cursor["unusable"] += page.n_unusable
        Collection.objects.filter(pk=collection.pk).update(cursor=cursor)
    collection.cursor = cursor
    return len(new) + n_again


def ask_again(collection: Collection, keys: list[str]) -> int:
    """What an earlier collection could not get belongs to this one now; how many these are."""
    rows = Photograph.objects.filter(
        project=collection.project_id, key__in=keys, state=Photograph.State.REFUSED
    ).exclude(collection=collection)
    return rows.update(collection=collection, state=Photograph.State.FOUND, why="")


def _row(collection: Collection, key: str, one: Found) -> Photograph:
    return Photograph(
        collection=collection,
        project_id=collection.project_id,
        key=key,
        url=one.url[:2000],
        file_name=f"flickr_{one.photo_id}.jpg",
        described=one.described,
    )
