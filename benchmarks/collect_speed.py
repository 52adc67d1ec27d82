"""Collecting 2,000 photographs: killed in the middle and resumed, and its speed against curl's.

    python -m benchmarks.collect_speed --var DIR [--photographs 2000] [--delay-ms 0]

A server that speaks Flickr's API runs in this process and counts what it is asked for. ``DIR`` is a
scratch ``VAR_DIR``. First a collection whose process gets ``kill -9`` when half is fetched, then
the same job again: every photograph must have been asked for once, but for those whose answers the
kill cut off (at most as many as are fetched at a time). Then an undisturbed collection and ``curl
--parallel`` with as many connections, each measured at the server from the first photograph's
request to the last one's answer. Limit (issue 7): 60 % of curl.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from tests.collecting.flickr import Flickr, Reply, served, way_to

LIMIT = 0.6
WORD = "smile"


@dataclass
class Album(Flickr):
    """``n`` photographs, made before; when the first was asked for and the last was answered."""

    files: list[bytes] = field(default_factory=list)
    delay_s: float = 0.0
    began: float = 0.0
    ended: float = 0.0

    def photograph(self, name: str) -> Reply:
        self.began = self.began or time.perf_counter()
        time.sleep(self.delay_s)
        reply = super().photograph(name)
        self.ended = time.perf_counter()
        return reply

    def rate(self) -> float:
        """Photographs per second since ``forget``."""
        return self.asked.total() / (self.ended - self.began)

    def forget(self) -> None:
        self.asked.clear()
        self.began = self.ended = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--photographs", type=int, default=2_000)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before each answer")
    parser.add_argument("--work", nargs=2, metavar=("PORT", "PROJECT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options)
        return
    n = options.photographs
    files = photographs(n)
    size = sum(map(len, files)) / n / 1000
    print(f"{n:,} photographs of {size:.0f} kB, {options.delay_ms:.0f} ms before each answer")
    album = Album((WORD,), n, picture_of=lambda i: files[i - 1000], delay_s=options.delay_ms / 1000)
    with served(album), scratch(options.var):
        killed_and_resumed(options, album)
        against_curl(options, album)


def photographs(n: int, width: int = 640, height: int = 480) -> list[bytes]:
    """JPEGs with the detail of a photograph, each unlike the others."""
    made = []
    for seed in range(n):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = rng.integers(0, 24, (height, width, 1), dtype=np.uint8)
        made.append(cv2.imencode(".jpg", cv2.add(picture, cv2.merge([grain] * 3)))[1].tobytes())
    return made


@contextmanager
def scratch(var: Path) -> Iterator[None]:
    """An empty ``VAR_DIR`` and the settings of the processes that work in it."""
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir(parents=True)
    os.environ |= {
        "VAR_DIR": str(var), "SECRET_KEY": secrets.token_urlsafe(50), "FLICKR_API_KEY": "a" * 32,
        "DJANGO_SETTINGS_MODULE": "annotation.settings",
    }  # fmt: skip
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
    yield


def killed_and_resumed(options: argparse.Namespace, album: Album) -> None:
    first = started(options, album, "killed")
    while album.asked.total() < album.n // 2:
        if first.poll() is not None:
            raise SystemExit("the collection ended before it could be killed")
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = album.asked.total()
    if started(options, album, "killed").wait():
        raise SystemExit("the resumed collection failed")
    twice = sum(n > 1 for n in album.asked.values())
    print(
        f"killed after {before:,}, resumed: {len(album.asked):,} of {album.n:,} fetched; "
        f"{twice} asked for twice, whose answers the kill cut off"
    )


def against_curl(options: argparse.Namespace, album: Album) -> None:
    album.forget()
    began = time.perf_counter()
    if started(options, album, "undisturbed").wait():
        raise SystemExit("the collection failed")
    ours, whole = album.rate(), time.perf_counter() - began
    album.forget()
    with_curl(album, way_to(album.port).parallel)
    theirs = album.rate()
    told = "" if ours >= LIMIT * theirs else f", less than {LIMIT:.0%}"
    print(f"fetched by a collection   {ours:7.0f} photographs/s")
    print(f"fetched by curl           {theirs:7.0f} photographs/s")
    print(f"share                     {ours / theirs:7.0%}{told}")
    print(
        f"the whole job             {whole:7.1f} s, {album.n / whole:.0f} photographs/s: ", end=""
    )
    print("start, search, fetch, import")


def with_curl(album: Album, parallel: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pattern = f"http://127.0.0.1:{album.port}/1/[1000-{999 + album.n}]_x_b.jpg"
        command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", str(parallel)]
        subprocess.run([*command, pattern, "--output", f"{folder}/#1.jpg"], check=True)
        assert len(list(Path(folder).iterdir())) == album.n


def started(options: argparse.Namespace, album: Album, project: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.collect_speed", "--var", str(options.var)]
    command += ["--photographs", str(album.n), "--work", str(album.port), project]
    return subprocess.Popen(command)


def work(options: argparse.Namespace) -> None:
    """The process that is killed: one collection, or the rest of the one it finds."""
    import django

    django.setup()
    from annotation.collecting import outside
    from annotation.collecting.orders import checked
    from annotation.collecting.services import request_collection
    from annotation.jobs.models import Job
    from annotation.jobs.services import perform, reap_jobs
    from annotation.people.models import Project

    port, slug = options.work
    outside.way = replace(way_to(int(port)), photograph_s=60.0)
    project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
    Job.objects.filter(state="running").update(lease_until="2000-01-01T00:00:00Z")  # a minute on
    reap_jobs()
    order = checked({"happiness": [WORD]}, options.photographs, list(range(8)))
    job, _ = request_collection(project, order, None)
    perform(job.pk, "benchmark")
    job.refresh_from_db()
    n = project.images.count()
    print(f"{slug}: attempt {job.attempt}, {job.state}: {job.message} {job.error or ''}")
    sys.exit(0 if job.state == "succeeded" and n == options.photographs else 1)


if __name__ == "__main__":
    main()
