"""The photographs of a collection, fetched in threads, each stored once whatever dies.

A file is written aside and renamed, then its row says "fetched". A job that was killed between the
two finds the file and does not ask for it again.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotation.fetching import Answer, Fetcher, FetchError
from annotation.jobs.services import Claim

from .models import Collection, Photograph
from .politeness import Given, Politeness

State = Photograph.State
THREADS = 8
AHEAD = 64
BATCH = 200
BATCH_S = 1.0
"""Rows are written when so many are done, or so long after the last."""
START, SHARE = 0.1, 0.6
"""Of the job's progress."""


@dataclass
class Course:
    """One attempt at fetching, as it goes on."""

    claim: Claim
    collection: Collection
    n_todo: int
    n_done: int = 0
    n_bytes: int = 0
    done: list[Photograph] = field(default_factory=list)
    written_at: float = field(default_factory=time.monotonic)

    def add(self, photograph: Photograph) -> None:
        self.n_done += 1
        self.n_bytes += photograph.n_bytes or 0
        self.done.append(photograph)

    def write(self, is_last: bool = False) -> None:
        """Put what is done into the rows, in one transaction that proves the job is ours."""
        due = len(self.done) >= BATCH or time.monotonic() - self.written_at > BATCH_S
        if self.done and (due or is_last):
            with transaction.atomic():
                self.claim.check()
                # The rows are there: an upsert is ten times as quick as Django's bulk_update.
                Photograph.objects.bulk_create(
                    self.done,
                    update_conflicts=True,
                    unique_fields=["id"],
                    update_fields=["state", "why", "n_bytes", "described"],
                )
            self.done, self.written_at = [], time.monotonic()
        told = f"{self.n_done:,} of {self.n_todo:,} photographs fetched"
        self.claim.report(START + SHARE * self.n_done / max(self.n_todo, 1), told)


def download(
    claim: Claim, collection: Collection, new_fetcher: Callable[[], Fetcher], politeness: Politeness
) -> None:
    """Fetch every photograph of the collection that is not there; one that fails is told so."""
    folder_of(collection).mkdir(parents=True, exist_ok=True)
    rows = collection.photographs.filter(state=State.FOUND).order_by("pk")
    course = Course(claim, collection, n_todo=rows.count())
    own = threading.local()
    fetchers: list[Fetcher] = []

    def work(photograph: Photograph) -> Photograph:
        if not hasattr(own, "fetcher"):
            own.fetcher = new_fetcher()
            fetchers.append(own.fetcher)
        return _fetched(photograph, own.fetcher, politeness)

    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch")
    try:
        for photograph in _in_threads(pool, rows.iterator(chunk_size=1000), work, course):
            course.add(photograph)
            course.write()
        course.write(is_last=True)
    finally:
        politeness.stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)
        for fetcher in fetchers:
            fetcher.close()


def folder_of(collection: Collection) -> Path:
    """Where the fetched files lie until they are imported."""
    return Path(settings.COLLECTIONS_ROOT) / str(collection.project_id) / str(collection.pk)


def path_of(photograph: Photograph) -> Path:
    folder = Path(settings.COLLECTIONS_ROOT) / str(photograph.project_id)
    return folder / str(photograph.collection_id) / str(photograph.pk)


def _in_threads(
    pool: ThreadPoolExecutor,
    rows: Iterator[Photograph],
    work: Callable[[Photograph], Photograph],
    course: Course,
) -> Iterator[Photograph]:
    """What is done, as it is done; a few ahead, so that a slow one holds up nobody."""
    waiting: set[Future[Photograph]] = set()
    for photograph in rows:
        waiting.add(pool.submit(work, photograph))
        while len(waiting) >= AHEAD:
            finished, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
            course.write()
    while waiting:
        finished, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in finished)
        course.write()


def _fetched(photograph: Photograph, fetcher: Fetcher, politeness: Politeness) -> Photograph:
    """The photograph with its new state; its file is whole before that."""
    path = path_of(photograph)
    try:
        if not path.exists():
            answer = politeness.get(fetcher, photograph.url)
            _check(answer)
            aside = path.with_name(f"{path.name}.{os.getpid()}.part")
            aside.write_bytes(answer.body)
            os.replace(aside, path)
        photograph.state, photograph.n_bytes = State.FETCHED, path.stat().st_size
        photograph.described["fetched_at"] = timezone.now().isoformat(timespec="seconds")
    except Given:
        raise
    except FetchError as error:
        photograph.state, photograph.why = State.REFUSED, str(error)[:300]
    return photograph


def _check(answer: Answer) -> None:
    if "photo_unavailable" in answer.url:
        raise FetchError("the photograph is no longer there")
    if not answer.body:
        raise FetchError("an empty answer")
