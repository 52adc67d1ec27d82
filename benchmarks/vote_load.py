"""Votes under load, over HTTP, against the limits of issue 4: rate, latency, CPU, bytes.

    python -m benchmarks.vote_load --var DIR [--images 29672] [--people 315] [--votes 600000]

``DIR`` is a scratch ``VAR_DIR``. ``DATABASE_URL`` names a PostgreSQL server, on which a database
of its own is made and dropped; without it SQLite is measured. One gunicorn as in
``deploy/embedded.conf``, the database and the clients share this machine. Three loads, on the
empty project and again with ``--votes`` stored by the bulk path: 32 clients without think time,
then everybody at one vote each two seconds (open loop: a vote's time runs from when it was due).
No picture is read: faces are fetched once per person ahead of need and cached for good.
"""

import argparse
import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Ready = Callable[[], None]
ROOT = Path(__file__).resolve().parent.parent
SLUG = "load"


@dataclass
class Tally:
    """What a load did: seconds of each vote, errors, bytes and CPU seconds."""

    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    wall_s: float = 0.0
    web_s: float = 0.0
    database_s: float = 0.0

    def at(self, share: float) -> float:
        ranked = sorted(self.latencies)
        return ranked[min(int(share * len(ranked)), len(ranked) - 1)] * 1000 if ranked else 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return 1000 * (self.web_s + self.database_s) / max(len(self.latencies), 1)


class Annotator:
    """One person on one kept connection, with a queue of assignments as the page has it."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.queue: list[int] = []
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: Any, tally: Tally) -> tuple[int, Any]:
        for attempt in (1, 2):
            try:
                return await self._ask(method, path, body, tally)
            except (OSError, asyncio.IncompleteReadError):
                self.writer = None  # the server closed a kept connection: once more
                if attempt == 2:
                    raise
        raise AssertionError

    async def _ask(self, method: str, path: str, body: Any, tally: Tally) -> tuple[int, Any]:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self.reader is not None
        data = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} /api/v1/projects/{SLUG}/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        ).encode()
        self.writer.write(head + data)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        content = await self.reader.readexactly(length)
        tally.sent += len(head) + len(data)
        tally.received += len(answer) + length
        if b"connection: close" in answer.lower():
            self.writer = None
        return int(answer.split(b" ", 2)[1]), json.loads(content)

    async def refill(self, tally: Tally) -> None:
        status, body = await self.ask("GET", "assignments/", None, tally)
        assert status == 200, body
        known = set(self.queue)
        self.queue += [one["id"] for one in body["results"] if one["id"] not in known]

    async def vote(self, tally: Tally, due: float) -> None:
        if not self.queue:
            await self.refill(Tally())
        pk = self.queue.pop(0)
        body = {
            "expression": pk % 7 + 1, "revision": 1, "response_ms": 900 + pk % 500,
            "device": "keyboard", "position": pk % 7,
        }  # fmt: skip
        status, answer = await self.ask("PUT", f"assignments/{pk}/vote/", body, tally)
        tally.latencies.append(time.perf_counter() - due)
        if status != 200:
            tally.errors.append(f"{status} {answer}")
        else:
            self.queue += [one["id"] for one in answer["next"]]


async def _opened(people: list[Annotator], ready: Ready) -> Tally:
    """Everybody has opened the page; what comes now is the load."""
    for one in people:
        await one.refill(Tally())
    ready()
    return Tally()


async def flat_out(people: list[Annotator], seconds: float, ready: Ready) -> Tally:
    """Each votes again as soon as the answer is there."""
    tally = await _opened(people, ready)
    began = time.perf_counter()

    async def work(one: Annotator) -> None:
        while time.perf_counter() - began < seconds:
            await one.vote(tally, time.perf_counter())

    await asyncio.gather(*map(work, people))
    tally.wall_s = time.perf_counter() - began
    return tally


async def open_loop(people: list[Annotator], seconds: float, ready: Ready) -> Tally:
    """Each has a vote due every two seconds, whether the last was answered in time or not."""
    every_s = 2.0
    tally = await _opened(people, ready)
    began = time.perf_counter() + 0.5

    async def work(index: int, one: Annotator) -> None:
        due = began + every_s * index / len(people)
        while due < began + seconds:
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            await one.vote(tally, due)
            due += every_s

    await asyncio.gather(*(work(i, one) for i, one in enumerate(people)))
    tally.wall_s = time.perf_counter() - began
    return tally


@dataclass
class Server:
    """gunicorn on a free port, and where its CPU seconds and the database's are read."""

    process: "subprocess.Popen[bytes]"
    port: int

    def web_s(self) -> float:
        tree = [self.process.pid]
        for pid in tree:
            tree += _children(pid)
        return sum(map(_cpu_s, tree))

    def database_s(self) -> float:
        """Of the backends of our database, seen as processes of this machine."""
        url = os.environ.get("DATABASE_URL", "")
        if not url.startswith("postgres"):
            return 0.0
        import psycopg2

        base = psycopg2.connect(url)
        with base.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            pids = [pid for (pid,) in cursor.fetchall() if pid != base.info.backend_pid]
        base.close()
        return sum(map(_cpu_s, pids))


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve() -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "gunicorn"), "annotation.wsgi", "--bind",
        f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "4", "--threads", "8",
        "--preload", "--keep-alive", "30", "--access-logfile", "/dev/null",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return Server(process, port)
        time.sleep(0.1)
    raise SystemExit("the server did not come up")


def prepare(options: argparse.Namespace) -> list[str]:
    """A project with images that have no pictures, its people and a token for each."""
    from annotation.images.models import Image, Import
    from annotation.jobs.models import Job
    from annotation.labelling.services import open_images
    from annotation.people import services as people
    from annotation.people.models import Role

    curator = people.create_person("load-curator", None)
    project = people.create_project("Load", curator, target_votes=40)
    job = Job.objects.create(project=project, kind="import", state="succeeded")
    arrival = Import.objects.create(project=project, source="none", job=job)
    made = Image.objects.bulk_create(
        [
            Image(
                project=project, imported_in=arrival, file_name=f"{i}.jpg", width=100, height=100,
                digest=f"{i:064x}", pixel_digest=f"{i:064x}", phash=i, mirrored_phash=i,
            )
            for i in range(options.images)
        ],
        batch_size=1000,
    )  # fmt: skip
    open_images(project, [image.pk for image in made])
    tokens = []
    for i in range(options.people):
        person = people.create_person(f"load{i}", None)
        people.join(project, person, Role.ANNOTATOR)
        tokens.append(people.create_token(person, "load", "annotator")[1])
    return tokens


def store(n_votes: int) -> None:
    """Votes by the bulk path, even over images and people, on pairs that have none yet."""
    import numpy as np

    from annotation.labelling import services
    from annotation.labelling.models import Assignment, Coverage
    from annotation.people.models import Membership, Project, Role

    project = Project.objects.get(slug=SLUG)
    members = list(Membership.objects.filter(project=project, role=Role.ANNOTATOR))
    taken = set(
        Assignment.objects.filter(annotator__project=project).values_list("image", "annotator")
    )
    n_images = Coverage.objects.filter(project=project).count()
    project.target_votes = -(-n_votes // n_images)
    rng = np.random.default_rng(0)
    images, people = services.plan(project, members, rng)
    pairs = zip(images.tolist(), people.tolist(), strict=True)
    free = np.array([pair not in taken for pair in pairs])
    images, people = images[free][:n_votes], people[free][:n_votes]
    services.record_votes_bulk(
        project,
        image_ids=images,
        annotator_ids=people,
        expressions=rng.integers(0, 7, len(images)),
    )
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def measure(server: Server, tokens: list[str], seconds: float) -> dict[str, Tally]:
    loads = {
        "32 clients": (flat_out, tokens[:32]),
        f"{len(tokens) / 2:.0f} votes/s": (open_loop, tokens),
    }
    tallies = {}
    for name, (load, whose) in loads.items():
        before: list[float] = []

        def ready(before: list[float] = before) -> None:
            before.extend([server.web_s(), server.database_s()])

        people = [Annotator(server.port, token) for token in whose]
        tally = asyncio.run(load(people, seconds, ready))
        tally.web_s = server.web_s() - before[0]
        tally.database_s = server.database_s() - before[1]
        tallies[name] = tally
    return tallies


def show(n_votes: int, tallies: dict[str, Tally]) -> None:
    columns = ("votes", "per s", "p50 ms", "p95", "p99", "CPU ms", "web", "base", "bytes", "errors")
    print(f"{n_votes:>9,} stored  {''.join(f'{name:>8}' for name in columns)}")
    for name, t in tallies.items():
        n = max(len(t.latencies), 1)
        print(
            f"{name:<18}{n:>8,}{t.rate:>8.0f}{t.at(0.5):>8.1f}{t.at(0.95):>8.1f}"
            f"{t.at(0.99):>8.1f}{t.cpu_ms:>8.2f}{1000 * t.web_s / n:>8.2f}"
            f"{1000 * t.database_s / n:>8.2f}{(t.sent + t.received) / n:>8.0f}{len(t.errors):>8}",
            flush=True,
        )
        for error in t.errors[:2]:
            print(f"  {error}")


def judge(empty: dict[str, Tally], full: dict[str, Tally]) -> None:
    """Each limit of issue 4 as a ratio: 1 or less keeps it."""
    is_sqlite = not os.environ.get("DATABASE_URL", "").startswith("postgres")
    flat, paced = full.values()
    limits = [
        ("CPU per vote, of 5 ms", flat.cpu_ms / 5),
        ("rate, 200 votes/s over it" if is_sqlite else "rate, 300 votes/s over it",
         (200 if is_sqlite else 300) / flat.rate),
        ("p99 of 32 clients, of 250 ms", flat.at(0.99) / 250),
        ("slower than when empty, of 1.2", next(iter(empty.values())).rate / flat.rate / 1.2),
        ("p95 of the paced votes, of 40 ms", paced.at(0.95) / 40),
        ("p99 of the paced votes, of 100 ms", paced.at(0.99) / 100),
        ("bytes per vote both ways, of 2,000",
         (flat.sent + flat.received) / len(flat.latencies) / 2000),
    ]  # fmt: skip
    print("of its limit")
    for told, ratio in limits:
        print(f"  {ratio:6.2f}  {told}{'' if ratio <= 1 else '   MISSED'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--people", type=int, default=315)
    parser.add_argument("--votes", type=int, default=600_000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument(
        "--step",
        choices=["open", "measure", "fill", "all"],
        default="all",
        help="one step on DATABASE_URL itself: open the project, measure, store the votes",
    )
    options = parser.parse_args()
    options.var.mkdir(parents=True, exist_ok=True)
    os.environ["VAR_DIR"] = str(options.var)
    os.environ.setdefault("SECRET_KEY", "only-for-this-benchmark-" + "x" * 40)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    drop = own_database() if options.step == "all" else lambda: None
    try:
        run(options)
    finally:
        drop()


def run(options: argparse.Namespace) -> None:
    import django

    django.setup()
    steps = {
        "open": lambda: open_site(options),
        "measure": lambda: measured(options),
        "fill": lambda: store(options.votes),
    }
    if options.step != "all":
        steps[options.step]()
        return
    open_site(options)
    empty = measured(options)
    store(options.votes)
    judge(empty, measured(options))


def open_site(options: argparse.Namespace) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    (options.var / "tokens.json").write_text(json.dumps(prepare(options)))


def measured(options: argparse.Namespace) -> dict[str, Tally]:
    from django.db import connections

    from annotation.labelling.models import Vote

    n_votes = Vote.objects.count()
    connections.close_all()
    tokens = json.loads((options.var / "tokens.json").read_text())
    server = serve()
    try:
        tallies = measure(server, tokens, options.seconds)
    finally:
        server.process.terminate()
        server.process.wait(timeout=30)
    show(n_votes, tallies)
    return tallies


def own_database() -> Any:
    """Make a database beside the one that was named, and return how to drop it."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        return lambda: None
    import psycopg2

    name = f"rafter_load_{secrets.token_hex(4)}"
    owner = psycopg2.connect(given)
    owner.autocommit = True
    owner.cursor().execute(f"CREATE DATABASE {name}")
    os.environ["DATABASE_URL"] = given.rsplit("/", 1)[0] + f"/{name}"
    return lambda: owner.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
