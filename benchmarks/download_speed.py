"""How fast an archive comes home, by the site alone and through nginx, and twenty at once.

    python -m benchmarks.download_speed --var DIR [--size-mb 512] [--port 9650]

``DIR`` is a scratch ``VAR_DIR`` on SQLite. The site runs as ``deploy/embedded.conf`` starts it,
nginx (where it is installed) by ``deploy/nginx.conf``; both hand out one archive to a token. Every
speed is read by ``cat > /dev/null`` from a loopback socket, the best of three; the mark is the same
file sent over the same loopback by ``sendfile`` and nothing else. Limits (issue 5): 80 % of the
mark through nginx; twenty downloads at once in flat memory, while a page is still answered.
"""

import argparse
import configparser
import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SLUG, VERSION = "download-speed", "1.0.0"
ARCHIVE = f"/api/v1/projects/{SLUG}/releases/{VERSION}/archive/"
N_AT_ONCE, SHARE = 20, 0.8
MB = 10**6


class Stage(NamedTuple):
    """What is downloaded, and by whom."""

    path: Path
    size: int
    token: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--size-mb", type=int, default=512)
    parser.add_argument("--port", type=int, default=9650)
    options = parser.parse_args()
    options.var.mkdir(parents=True, exist_ok=True)
    os.environ |= {"VAR_DIR": str(options.var), "SECRET_KEY": secrets.token_urlsafe(50)}
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "annotation.settings",
        "API_REQUESTS_PER_MINUTE": "9999",
    }
    stage = prepare(options.size_mb * MB)
    site, front = options.port, options.port + 1
    mark = best(lambda: plainly(stage))
    print(f"loopback alone           {mark / MB:7.0f} MB/s   (the mark)")
    with site_at(site, behind_nginx=False) as processes:
        alone = best(lambda: fetched(site, stage))
        print(f"the site alone           {alone / MB:7.0f} MB/s   {alone / mark:.0%} of the mark")
        at_once(site, stage, processes)
    if shutil.which("nginx") is None:
        print("nginx is not installed: not measured")
        return
    with site_at(site, behind_nginx=True), nginx_at(front, site, options.var):
        through = best(lambda: fetched(front, stage))
    print(
        f"nginx, by X-Accel        {through / MB:7.0f} MB/s   {through / mark:.0%} of the mark, "
        f"limit {SHARE:.0%}"
    )
    if through < SHARE * mark:
        raise SystemExit("too slow")


def prepare(size: int) -> Stage:
    """A release whose archive has random bytes, and a researcher's token."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from annotation.agreements import services as agreements
    from annotation.estimates.models import Estimate
    from annotation.jobs.models import Job
    from annotation.people import services as people
    from annotation.people.models import Person, Project, Role
    from annotation.releases.models import Release

    call_command("migrate", verbosity=0)
    Release.objects.all().delete()
    folder = settings.RELEASES_ROOT / SLUG / VERSION
    folder.mkdir(parents=True, exist_ok=True)
    path, sha = folder.with_name(f"{VERSION}.tar"), hashlib.sha256()
    with path.open("wb") as file:
        for n in range(0, size, MB):
            piece = os.urandom(min(MB, size - n))
            sha.update(piece)
            file.write(piece)
    project, _ = Project.objects.get_or_create(slug=SLUG, defaults={"name": "Download speed"})
    person = Person.objects.filter(username="rosa").first() or people.create_person("rosa", None)
    if not project.memberships.exists():
        people.join(project, person, Role.RESEARCHER)
        agreements.accept(agreements.agreement_of(project), person, "Benchmark", "Speed.")
    jobs = [Job.objects.create(project=project, kind=k, state="succeeded") for k in ("a", "b")]
    estimate = Estimate.objects.create(
        project=project, number=jobs[0].pk, job=jobs[0], method="majority", code_version="-",
        votes_digest="", n_items=0, n_annotators=0, n_votes=0, n_kept=0, converged=True,
        report={}, folder="-",
    )  # fmt: skip
    digest = sha.hexdigest()
    Release.objects.create(
        project=project, version=VERSION, estimate=estimate, job=jobs[1], code_version="-",
        folder=f"{SLUG}/{VERSION}", manifest_digest="", archive_digest=digest, archive_size=size,
        counts={},
        archives=[{"layout": "rafdb", "name": "speed.tar", "size": size, "sha256": digest}],
    )  # fmt: skip
    _, token = people.create_token(person, "benchmark", "researcher")
    os.sync()
    return Stage(path, size, token)


@contextlib.contextmanager
def site_at(port: int, *, behind_nginx: bool) -> Iterator[list[int]]:
    """The web processes of the embedded site; yields them once they answer."""
    asked = configparser.RawConfigParser()
    asked.read(ROOT / "deploy" / "embedded.conf")
    command = asked["program:web"]["command"] % {
        "ENV_BIN": str(Path(sys.executable).parent), "ENV_HOST": "127.0.0.1", "ENV_PORT": port
    }  # fmt: skip
    environment = os.environ | {"BEHIND_NGINX": str(int(behind_nginx))}
    web = subprocess.Popen(command.split(), cwd=ROOT, env=environment)
    try:
        until_answered(port)
        children = Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text()
        yield [web.pid, *map(int, children.split())]
    finally:
        web.terminate()
        web.wait()


@contextlib.contextmanager
def nginx_at(port: int, site: int, var: Path) -> Iterator[None]:
    """nginx by the deployed configuration, its addresses and folders changed for this machine."""
    work = var / "nginx"
    work.mkdir(exist_ok=True)
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("/tmp/", f"{work.resolve()}/"),
        ("/srv/rafter/var/", f"{var.resolve()}/"),
        ("web:8000", f"127.0.0.1:{site}"),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("include mime.types", "include /etc/nginx/mime.types"),
    ):
        text = text.replace(old, new)
    own = "" if os.geteuid() else "user root;\n"
    (work / "nginx.conf").write_text(f"{own}daemon off;\nerror_log {work}/error.log;\n{text}")
    running = subprocess.Popen(["nginx", "-c", str((work / "nginx.conf").resolve())])
    try:
        until_answered(port)
        yield
    finally:
        running.terminate()
        running.wait()


def until_answered(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            answered(port, 1.0)
            return
        time.sleep(0.1)
    raise SystemExit(f"nothing answers at port {port}")


def answered(port: int, timeout_s: float) -> float:
    """Seconds until ``/healthz`` is answered."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout_s) as line:
        line.settimeout(timeout_s)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        if not line.recv(100).startswith(b"HTTP/1.1 200"):
            raise OSError("not well")
    return time.perf_counter() - began


def best(measure: Callable[[], float], n: int = 3) -> float:
    return max(measure() for _ in range(n))


def plainly(stage: Stage) -> float:
    """Bytes per second of the file over loopback, by ``sendfile`` to ``cat``."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def send() -> None:
            line, _ = door.accept()
            with line, stage.path.open("rb") as file:
                line.sendfile(file)

        threading.Thread(target=send, daemon=True).start()
        began = time.perf_counter()
        with socket.create_connection(door.getsockname()) as line:
            subprocess.run(["cat"], stdin=line.fileno(), stdout=subprocess.DEVNULL, check=True)
    return stage.size / (time.perf_counter() - began)


def fetched(port: int, stage: Stage) -> float:
    """Bytes per second of the archive asked for with a token, read by ``cat``."""
    began = time.perf_counter()
    with asked_for(port, stage) as line:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(1)
        if not head.startswith(b"HTTP/1.1 200") or str(stage.size).encode() not in head:
            raise SystemExit(head.decode())
        subprocess.run(["cat"], stdin=line.fileno(), stdout=subprocess.DEVNULL, check=True)
    return stage.size / (time.perf_counter() - began)


def asked_for(port: int, stage: Stage) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port))
    line.sendall(
        f"GET {ARCHIVE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {stage.token}\r\n\r\n".encode()
    )
    return line


def at_once(port: int, stage: Stage, processes: list[int]) -> None:
    """Twenty downloads together: bytes, memory before and during, and a page asked meanwhile."""

    def memory() -> int:
        statuses = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in processes)
        return sum(int(s.split("\nPss:")[1].split()[0]) * 1024 for s in statuses)

    got, before, most, waits = [], memory(), 0, []

    def take() -> None:
        n = 0
        with asked_for(port, stage) as line:
            while piece := line.recv(1 << 18):
                n += len(piece)
        got.append(n)

    threads = [threading.Thread(target=take) for _ in range(N_AT_ONCE)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, memory())
        waits.append(answered(port, 30.0))
        time.sleep(0.1)
    took = time.perf_counter() - began
    assert all(stage.size < n < stage.size + 2000 for n in got), got
    print(
        f"twenty at once, alone    {sum(got) / took / MB:7.0f} MB/s together\n"
        f"  memory of the site     {before / MB:7.0f} MB before, {most / MB:.0f} MB at most\n"
        f"  a page meanwhile       {1000 * max(waits):7.0f} ms at worst"
    )


if __name__ == "__main__":
    main()
