"""What a stranger's address can make the server do: nothing but ask public hosts, within limits."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from annotation.addresses import refusal
from annotation.fetching import (
    Fetcher,
    FetchError,
    Forbidden,
    Limits,
    Unanswered,
    connect_tls,
    retry_after,
)

PUBLIC = "151.101.1.1"
LIMITS = Limits(hosts=("api.example.org", ".static.example.org"), max_bytes=1000, total_s=1.0)
INSIDE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "100.100.100.200", "127.0.0.1", "127.255.0.1", "168.63.129.16", "169.254.169.254",
    "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:151.101.1.1",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "100::1",
    "2001::1", "2001:0:4136:e378::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::", "2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1",
    "localhost", "",
]  # fmt: skip
OUTSIDE = ["151.101.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
           "192.0.1.1", "198.17.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
           "2001:4860::8888"]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_address_that_leads_inside_is_refused_before_a_connection_is_opened(address: str) -> None:
    dialled: list[str] = []
    fetcher = Fetcher(LIMITS, lambda host, port: [PUBLIC, address], dial_nothing(dialled))
    with pytest.raises(Forbidden, match=r"api\.example\.org leads to"):
        fetcher.get("https://api.example.org/photo.jpg")
    assert dialled == []


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_address_may_be_dialled(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://api.example.org/", "only https"),
        ("ftp://api.example.org/", "only https"),
        ("file:///etc/passwd", "only https"),
        ("gopher://api.example.org/", "only https"),
        ("//api.example.org/", "only https"),
        ("https://evil.org/", "not on the list"),
        ("https://api.example.org.evil.org/", "not on the list"),
        ("https://evil-static.example.org/", "not on the list"),
        ("https://static.example.org/", "not on the list"),
        ("https://127.0.0.1/", "not on the list"),
        ("https://[::1]/", "not on the list"),
        ("https://2130706433/", "not on the list"),
        ("https://api.example.org@127.0.0.1/", "name or password"),
        ("https://user:word@api.example.org/", "name or password"),
        ("https://api.example.org./", "proper host"),
        ("https:///photo.jpg", "proper host"),
        ("https://api.example.org:22/", "port 22"),
        ("https://api.example.org:99999/", "not an address"),
        ("https://[api.example.org/", "not an address"),
        ("https://api.example.org\\@127.0.0.1/", "signs that no address has"),
        ("https://api.example.org/\r\nHost: inside", "signs that no address has"),
        ("https://api.example.org/ x", "signs that no address has"),
        ("https://äpi.example.org/", "signs that no address has"),
        ("https://api.example.org/" + "x" * 2000, "more than 2,000 signs"),
    ],
)
def test_address_of_another_kind_is_refused_before_its_name_is_looked_up(
    url: str, why: str
) -> None:
    asked: list[str] = []
    fetcher = Fetcher(LIMITS, dial_nothing(asked), dial_nothing(asked))
    with pytest.raises(Forbidden, match=why):
        fetcher.get(url)
    assert asked == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "127.0.0.1"])
def test_any_host_may_be_allowed_but_never_an_address_inside(host: str) -> None:
    """As for webhooks; the system's own resolver reads every spelling of 127.0.0.1."""
    dialled: list[str] = []
    fetcher = Fetcher(Limits(hosts=None), connect=dial_nothing(dialled))
    with pytest.raises((Forbidden, Unanswered)):
        fetcher.post(f"https://{host}/hook", b"{}")
    assert dialled == []


@pytest.mark.parametrize(
    "goal",
    ["https://127.0.0.1/", "http://api.example.org/", "https://inside.static.example.org/",
     "//169.254.169.254/latest/", "https://evil.org/", "file:///etc/passwd"],
)  # fmt: skip
def test_redirect_leads_nowhere_else(goal: str, serve: "Serve") -> None:
    port = serve(f"HTTP/1.1 302 Found\r\nLocation: {goal}\r\nContent-Length: 0\r\n\r\n".encode())
    names = {"api.example.org": [PUBLIC], "inside.static.example.org": ["10.0.0.1"]}
    fetcher = Fetcher(LIMITS, lambda host, _: names[host], dial_here(port))
    with pytest.raises(Forbidden):
        fetcher.get("https://api.example.org/")
    assert serve.n_connections == 1


def test_redirects_end(serve: "Serve") -> None:
    port = serve(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n" * 9)
    with pytest.raises(FetchError, match="more than 4 redirects"):
        here(port).get("https://api.example.org/")


def test_name_that_resolves_anew_to_the_inside_is_not_dialled(serve: "Serve") -> None:
    """Rebinding: what was checked is what is dialled, and each dialling is checked."""
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    fetcher = Fetcher(LIMITS, lambda host, _: next(answers), dial_here(port))
    assert fetcher.get("https://api.example.org/").body == b"ok"
    with pytest.raises(Forbidden, match="loopback"):
        fetcher.get("https://api.example.org/")
    assert serve.n_connections == 1


def test_connector_is_given_the_address_that_was_checked(serve: "Serve") -> None:
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    given: list[tuple[str, int, str]] = []

    def connect(address: str, to: int, host: str, timeout_s: float) -> socket.socket:
        given.append((address, to, host))
        return socket.create_connection(("127.0.0.1", port), timeout_s)

    Fetcher(LIMITS, lambda host, _: [PUBLIC], connect).get("https://api.example.org/x?y=1")
    assert given == [(PUBLIC, 443, "api.example.org")]
    assert serve.received[0].startswith(b"GET /x?y=1 HTTP/1.1\r\nHost: api.example.org\r\n")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", "9,999,999 bytes announced"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, "more than 1,000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "broke off 6 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nx", "."),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "."),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", "compressed"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "got more than 100 headers"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"", "."),
    ],
)
def test_bad_answer_is_told(answer: bytes, why: str, serve: "Serve") -> None:
    with pytest.raises(FetchError, match=why):
        here(serve(answer)).get("https://api.example.org/")


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"]
)
def test_answer_that_drips_ends_when_time_is_up(start: bytes, serve: "Serve") -> None:
    """Each byte comes soon after the last, so a time limit per read would never be met."""
    port = serve(start, drip_s=0.05)
    began = time.monotonic()
    with pytest.raises(Unanswered, match="in time"):
        here(port).get("https://api.example.org/")
    assert time.monotonic() - began < 2.0


def test_connection_is_kept_and_dialled_anew_when_it_was_closed(serve: "Serve") -> None:
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", answers_each=2)
    fetcher = here(port)
    assert [fetcher.get("https://api.example.org/").body for _ in range(5)] == [b"ok"] * 5
    assert serve.n_connections == 3
    fetcher.close()


@pytest.mark.parametrize("length", [b"Content-Length: 900\r\n", b""])
def test_answer_of_a_server_that_hangs_up_afterwards_is_read_to_its_end(
    length: bytes, serve: "Serve"
) -> None:
    """The library closes its side as soon as it has read the headers."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + length + b"\r\n"
    port = serve(head, then=b"x" * 900)
    answer = here(port).get("https://api.example.org/")
    assert answer.body == b"x" * 900


def test_busy_server_says_when_to_come_again(serve: "Serve") -> None:
    port = serve(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(Unanswered) as told:
        here(port).get("https://api.example.org/")
    assert told.value.may_come_later
    assert told.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("0", 0, 0), ("120", 120, 120), ("9" * 50, 3600, 3600), (None, None, None), ("", None, None),
     ("soon", None, None), ("-5", None, None), ("Wed, 01 Jan 2020 00:00:00 GMT", 0, 0),
     ("Wed, 01 Jan 2200 00:00:00 GMT", 3600, 3600)],
)  # fmt: skip
def test_retry_after_is_read_and_bounded(
    value: str | None, least: float | None, most: float | None
) -> None:
    told = retry_after(value)
    assert told is None if least is None or most is None else least <= (told or 0.0) <= most


def test_certificate_must_be_the_hosts(tmp_path: Path, serve: "Serve") -> None:
    """A server with a certificate of its own making is not talked to."""
    import ssl

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=api.example.org", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", tls=context)

    def connect(address: str, to: int, host: str, timeout_s: float) -> socket.socket:
        return connect_tls("127.0.0.1", port, host, timeout_s)

    with pytest.raises(Unanswered, match="cannot be reached"):
        Fetcher(LIMITS, lambda host, _: [PUBLIC], connect).get("https://api.example.org/")
    assert serve.received == []


def dial_nothing(noted: list[str]) -> Callable[..., socket.socket]:
    def note(*args: object) -> socket.socket:
        noted.append(str(args[0]))
        raise OSError("dialled")

    return note


def dial_here(port: int) -> Callable[..., socket.socket]:
    return lambda address, _, host, timeout_s: socket.create_connection(
        ("127.0.0.1", port), timeout_s
    )


def here(port: int) -> Fetcher:
    return Fetcher(LIMITS, lambda host, _: [PUBLIC], dial_here(port))


class Serve:
    """A server that says the same to everybody, however they ask."""

    def __init__(self) -> None:
        self.n_connections = 0
        self.received: list[bytes] = []
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __call__(
        self,
        answer: bytes,
        drip_s: float = 0.0,
        answers_each: int = 1,
        tls: object = None,
        then: bytes = b"",
    ) -> int:
        self._then = then
        self._answer, self._drip_s, self._each, self._tls = answer, drip_s, answers_each, tls
        threading.Thread(target=self._listen, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)  # type: ignore
            for _ in range(self._each):
                if not (asked := connection.recv(65536)):
                    return
                self.received.append(asked)
                connection.sendall(self._answer)
                if self._then:
                    time.sleep(0.1)
                    connection.sendall(self._then)
            while self._drip_s and not self._ended.wait(self._drip_s):
                connection.sendall(b"x")
        except OSError:
            pass
        finally:
            connection.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    served = Serve()
    yield served
    served.close()
