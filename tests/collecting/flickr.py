"""A server that speaks Flickr's search API and serves photographs, on this machine.

The API's manners (pages, totals, errors) follow its documentation; nothing is recorded from it.
Each photograph is another picture. ``broken`` says what goes wrong for which request.
"""

import io
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image as Pillow

from annotation.collecting.outside import Way

PUBLIC = "151.101.1.1"
Reply = tuple[int, dict[str, str], bytes]
START = 1_500_000_000


@dataclass
class Flickr:
    """``n`` photographs under each word; ids are distinct between words."""

    words: tuple[str, ...]
    n: int
    side: int = 96
    picture_of: Callable[[int], bytes] | None = None
    broken: dict[str, list[Reply | str]] = field(default_factory=dict)
    """By word or photograph id: what to answer instead, one a request; ``hang`` drips."""
    asked: Counter[str] = field(default_factory=Counter)
    queries: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    host: str = "live.staticflickr.com"
    extra: str = ""
    """Elements put into every page, as they are."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, word: str) -> list[int]:
        base = 1000 + self.words.index(word) * 100_000
        return [base + i for i in range(self.n)]

    def search(self, asked: dict[str, str]) -> Reply:
        self.queries.append(asked)
        word = asked["text"]
        if self.broken.get(word):
            reply = self.broken[word].pop(0)
            return (200, {}, reply.encode()) if isinstance(reply, str) else reply
        ids = self.ids(word) if word in self.words else []
        first, last = int(asked["min_upload_date"]), int(asked["max_upload_date"])
        ids = [i for i in ids if first <= START + (i % 100_000) * 3600 <= last]
        page, size = int(asked["page"]), int(asked["per_page"])
        shown = min(page, max(4000 // size, 1))
        rows = "".join(self._row(i) for i in ids[(shown - 1) * size : shown * size])
        pages = -(-len(ids) // size)
        body = (
            '<?xml version="1.0" encoding="utf-8" ?>\n<rsp stat="ok">\n'
            f'<photos page="{page}" pages="{pages}" perpage="{size}" total="{len(ids)}">\n'
            f"{rows}{self.extra}</photos>\n</rsp>\n"
        )
        return 200, {"Content-Type": "text/xml; charset=utf-8"}, body.encode()

    def _row(self, i: int) -> str:
        title = quoteattr(f'Faces & "friends" <{i}>')
        return (
            f'<photo id="{i}" owner="77@N01" secret="x" server="1" farm="1" title={title} '
            f'ispublic="1" isfriend="0" isfamily="0" license="{(4, 5, 3, 0)[i % 4]}" '
            f'ownername="Ana {i % 7}" tags="smile face" '
            f'url_l="https://{self.host}/1/{i}_x_b.jpg" height_l="{self.side}" '
            f'width_l="{self.side}" />\n'
        )

    def photograph(self, name: str) -> Reply:
        number = name.split("_")[0]
        with self._lock:
            self.asked[number] += 1
            waiting = self.broken.get(number)
            reply = waiting.pop(0) if waiting else None
        if isinstance(reply, str):
            return 200, {"Content-Type": "text/html"}, reply.encode()
        if reply is not None:
            return reply
        if not number.isdigit():
            return 200, {}, picture(0)
        make = self.picture_of or picture
        return 200, {"Content-Type": "image/jpeg"}, make(int(number))


def picture(seed: int, side: int = 96) -> bytes:
    """A JPEG that is like no other."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Pillow.fromarray(coarse).resize((side, side), Pillow.Resampling.BICUBIC).save(sink, "JPEG")
    return sink.getvalue()


HANG: Reply = (-1, {}, b"")
"""Headers, then a byte now and then, without end."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/services/rest/":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, headers, body = self.server.flickr.search(asked)
        else:
            status, headers, body = self.server.flickr.photograph(parts.path.rsplit("/", 1)[-1])
        if status < 0:
            self._drip()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(400):
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    flickr: Flickr


@contextmanager
def served(flickr: Flickr) -> Iterator[Flickr]:
    """The server while the block runs; ``port`` is where it listens."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.flickr = flickr
    flickr.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield flickr
    finally:
        server.shutdown()
        server.server_close()


def way_to(port: int, addresses: dict[str, list[str]] | None = None) -> Way:
    """Every name leads to the local server, but for those that are told to lead elsewhere."""
    told = addresses or {}

    def connect(address: str, to: int, host: str, timeout_s: float) -> socket.socket:
        assert address == PUBLIC, f"{address} was dialled"
        plain = socket.create_connection(("127.0.0.1", port), timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain

    return Way(
        resolve=lambda host, _: told.get(host, [PUBLIC]),
        connect=connect,
        api_interval_s=0.0,
        back_off_s=(0.01, 0.01, 0.01),
        photograph_s=0.5,
    )
