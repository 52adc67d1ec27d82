"""A collection as background work: search, fetch, import, in one job that can be killed."""

from django.conf import settings

from annotation.fetching import FetchError
from annotation.images.importing import import_from
from annotation.images.sources import BadSource
from annotation.images.tasks import disk_told
from annotation.jobs.services import Claim, JobError

from . import flickr, outside, services
from .downloading import SHARE, START, download
from .flickr import Page, Slice
from .gathered import Gathered
from .models import Collection
from .orders import Order
from .politeness import Politeness
from .searching import search


def run_collect(claim: Claim) -> None:
    """Do what the claim's collection asks for; every attempt goes on where the last one ended."""
    collection = Collection.objects.get(job=claim.job)
    try:
        if collection.door == Collection.Door.FLICKR:
            _search(claim, collection)
        way = outside.way
        polite = Politeness(way.parallel, back_off_s=way.back_off_s)
        download(claim, collection, outside.photograph_fetcher, polite)
        import_from(claim, Gathered(collection), collection.name, start=START + SHARE, held=True)
    except flickr.Unwilling as error:
        raise JobError(f"{error}. What was found until then is kept.") from None
    except FetchError as error:
        raise JobError(f"{error}. Retry the job to go on from there.") from None
    except BadSource:
        raise JobError(_nothing(collection)) from None
    except OSError as error:
        raise JobError(disk_told(claim, error)) from error
    services.discard_files(collection)


def _search(claim: Claim, collection: Collection) -> None:
    order = Order(**collection.order)
    fetcher = outside.api_fetcher()
    way = outside.way
    polite = Politeness(1, way.api_interval_s, way.back_off_s)

    def ask(wanted: Slice, per_page: int) -> Page:
        url = flickr.question(wanted, order.licences, settings.FLICKR_API_KEY, per_page)
        pages: list[Page] = []
        polite.get(fetcher, url, lambda answer: pages.append(flickr.read(answer.body, wanted.word)))
        return pages[-1]

    try:
        search(claim, collection, ask)
    finally:
        fetcher.close()


def _nothing(collection: Collection) -> str:
    repeated = collection.cursor.get("repeated", 0)
    if repeated:
        return f"Nothing new: the project has all {repeated:,} photographs that were found."
    return "Nothing was found. Try other keywords, a longer span of time or more licences."
