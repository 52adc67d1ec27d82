"""``flickr.photos.search``: the question as an address, the XML answer as photographs.

Documented at https://www.flickr.com/services/api/flickr.photos.search.html. An answer repeats
itself beyond 4,000 photographs, whatever its total says; ``searching`` asks for shorter spans then.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from annotation.fetching import Unanswered
from annotation.images.licences import BY_NUMBER, UNKNOWN

HOST = "api.flickr.com"
ENDPOINT = f"https://{HOST}/services/rest/"
MAX_ANSWER_BYTES = 4 * 2**20
PER_PAGE = 500
REACHABLE = 4_000
SIZES = ("url_l", "url_c", "url_z", "url_o", "url_m")
"""Addresses of a photograph, best first: 1,024, 800, 640 pixels, the original, 500 pixels."""
BUSY = {"0", "10", "105", "106"}
"""Errors of theirs that pass: search not available, service or write unavailable."""


class Unwilling(Exception):
    """Flickr refuses the question itself (a wrong key, say): asking again will not help."""


@dataclass(frozen=True)
class Slice:
    """One word over a span of days; both ends belong to it."""

    word: str
    first: str
    last: str
    page: int = 1

    def halves(self) -> "tuple[Slice, Slice] | None":
        """Two shorter spans; None where it is one day already."""
        first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        if first >= last:
            return None
        middle = first + (last - first) // 2
        after = middle + timedelta(days=1)
        return (
            Slice(self.word, self.first, middle.isoformat()),
            Slice(self.word, after.isoformat(), self.last),
        )

    def stored(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """One photograph of an answer: ``described`` are cells of ``metadata.csv``."""

    photo_id: str
    url: str
    described: dict[str, str]


@dataclass(frozen=True)
class Page:
    """One page of an answer. ``n_unusable`` photographs had no id or no address."""

    page: int
    n_pages: int
    total: int
    photographs: list[Found]
    n_unusable: int


def question(wanted: Slice, licences: list[int], key: str, per_page: int = PER_PAGE) -> str:
    """The address that asks for one page."""
    first = datetime.combine(date.fromisoformat(wanted.first), time.min, UTC)
    last = datetime.combine(date.fromisoformat(wanted.last), time.max, UTC)
    asked = {
        "method": "flickr.photos.search",
        "api_key": key,
        "text": wanted.word,
        "license": ",".join(map(str, licences)),
        "min_upload_date": int(first.timestamp()),
        "max_upload_date": int(last.timestamp()),
        "content_type": 1,
        "media": "photos",
        "safe_search": 1,
        "sort": "relevance",
        "extras": ",".join(("license", "owner_name", "tags", "date_taken", *SIZES)),
        "per_page": per_page,
        "page": wanted.page,
    }
    return f"{ENDPOINT}?{urlencode(asked)}"


def read(body: bytes, word: str) -> Page:
    """A page from an answer's bytes.

    Raises ``Unanswered`` for what is no answer (HTML, broken or hostile XML, "busy"), so that it
    is asked again, and ``Unwilling`` for an answer that says no.
    """
    root = _root(body)
    if root.get("stat") != "ok":
        error = root.find("err")
        code = "?" if error is None else error.get("code", "?")
        told = f"Flickr says: {'no reason' if error is None else error.get('msg', '')[:200]}"
        if code in BUSY or error is None:
            raise Unanswered(f"{told} (code {code})")
        raise Unwilling(f"{told} (code {code})")
    photos = root.find("photos")
    if photos is None:
        raise Unanswered("an answer without photographs")
    found = [_photograph(element, word) for element in photos.findall("photo")]
    usable = [photograph for photograph in found if photograph is not None]
    return Page(
        page=_count(photos, "page"),
        n_pages=_count(photos, "pages"),
        total=_count(photos, "total"),
        photographs=usable,
        n_unusable=len(found) - len(usable),
    )


def _root(body: bytes) -> Element:
    try:
        root: Element = ElementTree.fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise Unanswered("XML with definitions of its own, which is not read") from None
    except (ParseError, ValueError, LookupError):
        start = body[:60].decode("ascii", "replace").strip()
        raise Unanswered(f"not XML; it begins with {start!r}") from None
    if root.tag != "rsp":
        raise Unanswered(f"an answer of another kind: <{root.tag[:40]}>")
    return root


def _photograph(element: Element, word: str) -> Found | None:
    photo_id = element.get("id", "")
    url = next((url for size in SIZES if (url := element.get(size))), "")
    if not (photo_id.isascii() and photo_id.isdigit() and len(photo_id) <= 20 and url):
        return None
    owner = element.get("owner", "")
    return Found(photo_id, url, {key: text for key, text in _described(element, word, owner)
                                 if text})  # fmt: skip


def _described(element: Element, word: str, owner: str) -> Iterator[tuple[str, str]]:
    licence = element.get("license", "")
    known = BY_NUMBER.get(int(licence)) if licence.isascii() and licence.isdigit() else None
    yield "keyword", word
    yield "photo_id", element.get("id", "")
    yield "owner", element.get("ownername") or owner
    yield "licence", known.name if known else f"{UNKNOWN}{licence[:20] or 'not told'}"
    yield "title", element.get("title", "")[:500]
    yield "tags", element.get("tags", "")[:2000]
    yield "source_url", f"https://www.flickr.com/photos/{owner}/{element.get('id')}/"


def _count(element: Element, name: str) -> int:
    told = element.get(name, "")
    if not (told.isascii() and told.isdigit() and len(told) <= 12):
        raise Unanswered(f"{name} is {told[:20]!r}, not a number")
    return int(told)
