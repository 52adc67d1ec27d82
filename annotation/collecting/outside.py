"""The way out: fetchers with the limits of a collection. Tests and benchmarks put theirs here."""

from dataclasses import dataclass, field

from django.conf import settings

from annotation.fetching import Connector, Fetcher, Limits, Resolver, connect_tls, resolve
from annotation.images.pictures import MAX_BYTES

from . import flickr


@dataclass
class Way:
    """How names become addresses and addresses connections, and how politely."""

    resolve: Resolver = field(default=resolve)
    connect: Connector = field(default=connect_tls)
    api_interval_s: float = 1.0
    """Flickr allows 3,600 questions an hour."""
    back_off_s: tuple[float, ...] = (1.0, 4.0, 15.0)
    parallel: int = 6
    photograph_s: float = 60.0


way = Way()


def api_fetcher() -> Fetcher:
    """Asks Flickr's API and nobody else."""
    limits = Limits((flickr.HOST,), max_bytes=flickr.MAX_ANSWER_BYTES, max_redirects=0)
    return Fetcher(limits, way.resolve, way.connect)


def photograph_fetcher() -> Fetcher:
    """Asks the hosts of ``COLLECT_HOSTS`` for photographs."""
    limits = Limits(tuple(settings.COLLECT_HOSTS), MAX_BYTES, total_s=way.photograph_s)
    return Fetcher(limits, way.resolve, way.connect)
