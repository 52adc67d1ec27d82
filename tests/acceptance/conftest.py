"""A site as its operator starts it: own folder, own database, all processes, real HTTP."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
START_S = 60


@dataclass
class Site:
    """A running installation and the means to use it from outside."""

    var: Path
    environment: dict[str, str]
    port: int

    def manage(self, *words: str) -> str:
        """What a management command printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def token(self, person: str, scope: str) -> str:
        """A fresh API token of this person."""
        return self.manage("create_token", person, "--scope", scope, "--name", "test").split()[-1]

    def ask(
        self,
        method: str,
        path: str,
        token: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        """One request: status, body, headers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    def json(self, method: str, path: str, token: str, body: Any = None) -> Any:
        """A request that must succeed, and its JSON."""
        status, data, _ = self.ask(method, path, token, body)
        assert status < 300, f"{method} {path}: {status} {data.decode()[:500]}"
        return json.loads(data)

    def wait_for(self, what: Callable[[], Any], within_s: float) -> Any:
        """The first truthy answer."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"waited {within_s} s in vain")

    def job(self, project: str, number: int, token: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.json(
            "GET", f"/api/v1/projects/{project}/jobs/{number}/", token
        )
        return answer

    def finished_job(
        self, project: str, number: int, token: str, within_s: float = 240
    ) -> dict[str, Any]:
        """The job once it has ended, however it ended."""

        def ended() -> dict[str, Any] | None:
            job = self.job(project, number, token)
            return None if job["state"] in ("queued", "running") else job

        found: dict[str, Any] = self.wait_for(ended, within_s)
        return found


def database_url() -> Iterator[str]:
    """A database of its own beside the one the suite was given; SQLite where none was."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        yield ""
        return
    name = f"rafter_acceptance_{secrets.token_hex(4)}"
    owner = psycopg2.connect(given)
    owner.autocommit = True
    owner.cursor().execute(f"CREATE DATABASE {name}")
    try:
        yield given.rsplit("/", 1)[0] + f"/{name}"
    finally:
        owner.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
        owner.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole installation under its supervisor, with a small demonstration in it."""
    var = tmp_path_factory.mktemp("var")
    databases = database_url()
    url = next(databases)
    port = free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL")},
        "DJANGO_SETTINGS_MODULE": "annotation.settings",
        "VAR_DIR": str(var),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PORT": str(port),
        "JOB_LEASE_S": "6",
        "REAPER_INTERVAL_S": "1",
        **({"DATABASE_URL": url} if url else {}),
    }
    if os.environ.get("BROKER_URL", "").startswith("redis"):
        environment["BROKER_URL"] = os.environ["BROKER_URL"]
    site = Site(var, environment, port)
    site.manage("migrate", "--verbosity", "0")
    site.manage("collectstatic", "--noinput", "--verbosity", "0")
    small = ("--images", "160", "--fresh", "8", "--people", "24", "--votes", "12", "--seed", "24")
    site.manage("demo", *small, "--no-training")
    command = [sys.executable, str(ROOT / "manage.py"), "serve"]
    supervisor = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        site.wait_for(lambda: is_up(port), START_S)
        yield site
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(timeout=30)
        next(databases, None)
        shutil.rmtree(var, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
