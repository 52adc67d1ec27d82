"""How often and how many at a time a host is asked, and when it is asked again."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from annotation.fetching import Answer, Fetcher, Unanswered

TRIES = 4
BACK_OFF_S = (1.0, 4.0, 15.0)


class Given(Exception):
    """The work was stopped while it waited for its turn."""


@dataclass
class _Host:
    places: threading.BoundedSemaphore
    next_at: float = 0.0


@dataclass
class Politeness:
    """Turns at each host: at most ``parallel`` at a time, ``interval_s`` between two starts.

    Safe for many threads. ``stopped`` ends every wait with ``Given``.
    """

    parallel: int = 4
    interval_s: float = 0.0
    back_off_s: tuple[float, ...] = BACK_OFF_S
    stopped: threading.Event = field(default_factory=threading.Event)
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(
        self, fetcher: Fetcher, url: str, good: Callable[[Answer], None] | None = None
    ) -> Answer:
        """The answer, asked again after a while where it may come later; raises ``FetchError``.

        ``good`` looks at each answer and raises ``Unanswered`` where it is none yet.
        """
        host = urlsplit(url).hostname or ""
        for pause_s in (*self.back_off_s, None):
            try:
                with self._turn(host):
                    answer = fetcher.get(url)
                if good is not None:
                    good(answer)
                return answer
            except Unanswered as error:
                if pause_s is None:
                    raise Unanswered(f"{error}; asked {len(self.back_off_s) + 1} times") from None
                asked = error.retry_after_s
                self._hold(host, pause_s * random.uniform(0.8, 1.2) if asked is None else asked)
        raise AssertionError  # pragma: no cover

    @contextmanager
    def _turn(self, host: str) -> Iterator[None]:
        with self._lock:
            state = self._hosts.setdefault(host, _Host(threading.BoundedSemaphore(self.parallel)))
        while not state.places.acquire(timeout=0.5):
            self._check()
        try:
            self._await(state)
            yield
        finally:
            state.places.release()

    def _await(self, state: _Host) -> None:
        """Until this start is due; the time is taken before waiting, so that no two share one."""
        while True:
            with self._lock:
                now = time.monotonic()
                if now >= state.next_at:
                    state.next_at = now + self.interval_s
                    self._check()
                    return
                left = state.next_at - now
            self.stopped.wait(min(left, 1.0))
            self._check()

    def _hold(self, host: str, seconds: float) -> None:
        """Ask this host nothing for so long, in any thread."""
        with self._lock:
            state = self._hosts[host]
            state.next_at = max(state.next_at, time.monotonic() + seconds)

    def _check(self) -> None:
        if self.stopped.is_set():
            raise Given
