"""Requests to the outside, for addresses that strangers may have chosen. Knows no database.

Only https, only hosts from a list (where one is given), and only addresses that ``addresses``
allows: they are checked where they are dialled, so neither a name that resolves twice in two ways
nor a redirect leads inside. Size and time are capped, whatever the other side sends how slowly.
Resolver and connector are arguments: a test sees what would have been dialled.
"""

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from .addresses import refusal

AGENT = "Rafter (face expression data sets; asks politely)"
PIECE = 64 * 1024
MAX_URL = 2_000
MAX_RETRY_AFTER_S = 3600.0
MOVED = (301, 302, 303, 307, 308)
LATER = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be another one in a while."""
Resolver = Callable[[str, int], list[str]]
"""Addresses of a host, as strings; raises ``OSError``."""
Connector = Callable[[str, int, str, float], socket.socket]
"""A TLS connection to (address, port) for a host name within so many seconds."""


class FetchError(Exception):
    """What was asked for did not come; the message says why."""

    may_come_later = False
    retry_after_s: float | None = None


class Forbidden(FetchError):
    """Not asked at all: the address is one that may not be dialled."""


class Unanswered(FetchError):
    """No whole answer, or one that says "later"."""

    may_come_later = True

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class _Closed(Unanswered):
    """The other side hung up."""


@dataclass(frozen=True)
class Limits:
    """What is allowed of an answer. ``hosts`` are names, or ``.name`` for all below it."""

    hosts: tuple[str, ...] | None
    """``None`` allows any host: for addresses that a curator enters, such as webhooks."""
    max_bytes: int = 32 * 2**20
    connect_s: float = 10.0
    total_s: float = 60.0
    max_redirects: int = 4
    ports: tuple[int, ...] = (443,)


class Answer(NamedTuple):
    """A whole answer: status, headers in lower case, body, and the address it came from."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


@dataclass
class Fetcher:
    """Asks within limits, over connections that it keeps. For one thread at a time."""

    limits: Limits
    resolve: Resolver = field(default_factory=lambda: resolve)
    connect: Connector = field(default_factory=lambda: connect_tls)
    agent: str = AGENT
    _open: dict[tuple[str, int], HTTPConnection] = field(default_factory=dict, init=False)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer at ``url``, redirects followed: status 200, or ``FetchError``."""
        ends = time.monotonic() + self.limits.total_s
        for _ in range(self.limits.max_redirects + 1):
            answer = self._ask("GET", url, None, headers or {}, ends)
            if answer.status not in MOVED:
                return _good(answer)
            if not answer.headers.get("location"):
                raise FetchError(f"status {answer.status} that leads nowhere")
            url = urljoin(url, answer.headers["location"])
        raise FetchError(f"more than {self.limits.max_redirects} redirects")

    def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to ``body``, whatever its status; redirects are not followed."""
        return self._ask("POST", url, body, headers or {}, time.monotonic() + self.limits.total_s)

    def close(self) -> None:
        """Close the connections that were kept."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], ends: float
    ) -> Answer:
        parts = checked(url, self.limits)
        key = (str(parts.hostname), parts.port or 443)
        kept = self._open.pop(key, None)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        name = key[0] if key[1] == 443 else f"{key[0]}:{key[1]}"
        sent = {"Host": name, "User-Agent": self.agent, "Accept-Encoding": "identity", **headers}
        if kept is not None:
            try:
                return self._exchange(kept, key, (method, target, body, sent), url, ends)
            except _Closed:  # by the other side, while it waited: once more, afresh
                if method != "GET":
                    raise
        connection = self._dialled(*key, ends)
        return self._exchange(connection, key, (method, target, body, sent), url, ends)

    def _exchange(
        self,
        connection: HTTPConnection,
        key: tuple[str, int],
        request: tuple[str, str, bytes | None, dict[str, str]],
        url: str,
        ends: float,
    ) -> Answer:
        method, target, body, headers = request
        timed: _Timed = connection.sock  # type: ignore[assignment]
        timed.deadline = ends
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            answer = self._read(response, url)
        except (OSError, HTTPException, ValueError) as error:
            timed.hang_up()
            kind = _Closed if isinstance(error, ConnectionError) else Unanswered
            raise kind(_told(error)) from None
        except FetchError:
            timed.hang_up()
            raise
        if response.will_close:
            connection.close()
        else:
            self._open[key] = connection
        return answer

    def _read(self, response: HTTPResponse, url: str) -> Answer:
        headers = {name.lower(): value for name, value in response.getheaders()}
        most = self.limits.max_bytes
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise FetchError("the answer is compressed, which was not asked for")
        if response.length is not None and response.length > most:
            raise FetchError(f"{response.length:,} bytes announced; the limit is {most:,}")
        pieces, n = [], 0
        while piece := response.read1(PIECE):
            n += len(piece)
            if n > most:
                raise FetchError(f"more than {most:,} bytes")
            pieces.append(piece)
        if response.length:
            raise Unanswered(f"the answer broke off {response.length:,} bytes before its end")
        response.close()
        return Answer(response.status, headers, b"".join(pieces), url)

    def _dialled(self, host: str, port: int, ends: float) -> HTTPConnection:
        """A connection to an address of the host, every one of which is checked first."""
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise Unanswered(f"{host}: its address is not found ({_told(error)})") from None
        for address in found:
            if why := refusal(address):
                raise Forbidden(f"{host} leads to {address}: {why}")
        why = f"{host} has no address"
        for address in found[:3]:
            left = min(self.limits.connect_s, ends - time.monotonic())
            if left <= 0:
                raise Unanswered("no answer in time")
            try:
                plain = self.connect(address, port, host, left)
            except OSError as error:
                why = f"{host} cannot be reached: {_told(error)}"
                continue
            connection = HTTPConnection(host, port)
            connection.sock = _Timed(plain, ends)
            connection.auto_open = 0  # never dialled anew behind our back
            return connection
        raise Unanswered(why)


def checked(url: str, limits: Limits) -> SplitResult:
    """The parts of a URL that may be asked for; raises ``Forbidden`` for any other."""
    if len(url) > MAX_URL:
        raise Forbidden(f"an address of more than {MAX_URL:,} signs")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Forbidden("an address with signs that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise Forbidden("not an address") from None
    host = parts.hostname or ""
    if parts.scheme != "https":
        raise Forbidden(f"only https is asked, not {parts.scheme or 'an address without scheme'}")
    if parts.username is not None or parts.password is not None:
        raise Forbidden("an address with a name or password in it")
    if not host or host.startswith(".") or host.endswith("."):
        raise Forbidden("an address without a proper host")
    if port not in limits.ports:
        raise Forbidden(f"port {port}; only {', '.join(map(str, limits.ports))} is asked")
    if limits.hosts is not None and not any(_matches(host, known) for known in limits.hosts):
        raise Forbidden(f"host {host} is not on the list")
    return parts


def retry_after(value: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, 0 to an hour; RFC 9110 §10.2.3."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value.strip()[:6]), MAX_RETRY_AFTER_S)
    try:
        left = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(left, 0.0), MAX_RETRY_AFTER_S)


def resolve(host: str, port: int) -> list[str]:
    """The system's answer: every address of a host once, in its order."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def connect_tls(address: str, port: int, host: str, timeout_s: float) -> socket.socket:
    """A connection whose certificate is ``host``'s, by the system's authorities."""
    plain = socket.create_connection((address, port), timeout_s)
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError):
        plain.close()
        raise


class _Timed:
    """A socket all of whose waiting ends at one moment, however little arrives how often.

    Like a socket it stays open, once closed, while something reads from it.
    """

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain = plain
        self._n_readers = 0
        self._is_closed = False
        self.deadline = deadline

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(self._left())
        return self._plain.recv_into(buffer)

    def sendall(self, data: bytes) -> None:
        self._plain.settimeout(self._left())
        self._plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        self._n_readers += 1
        return io.BufferedReader(_Reader(self), PIECE)

    def close(self) -> None:
        self._is_closed = True
        if not self._n_readers:
            self._plain.close()

    def reader_closed(self) -> None:
        self._n_readers -= 1
        if self._is_closed:
            self.close()

    def hang_up(self) -> None:
        """Close at once, whoever reads."""
        self._plain.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time is up")
        return left


class _Reader(io.RawIOBase):
    """What one answer is read through: closing it leaves the connection open."""

    def __init__(self, under: _Timed) -> None:
        self._under = under

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._under.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._under.reader_closed()
        super().close()


def _good(answer: Answer) -> Answer:
    if answer.status == 200:
        return answer
    told = f"status {answer.status}"
    if answer.status in LATER:
        raise Unanswered(told, retry_after(answer.headers.get("retry-after")))
    raise FetchError(told)


def _matches(host: str, known: str) -> bool:
    return host.endswith(known) if known.startswith(".") else host == known


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).split("\n")[0][:200]
