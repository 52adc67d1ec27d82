"""A site on servers of its own that may be killed: PostgreSQL, Redis and gunicorn on free ports."""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60
PREPARE = """
import argparse, json, django
from django.conf import settings
settings.MIGRATION_MODULES = {name.rpartition(".")[2]: None for name in settings.INSTALLED_APPS}
django.setup()
from django.core.management import call_command
from benchmarks.vote_load import prepare
call_command("migrate", run_syncdb=True, verbosity=0)
print(json.dumps(prepare(argparse.Namespace(images=1000, people=6))))
"""
"""The tables as the models have them: walking all migrations takes longer than the test."""


class Missing(Exception):
    """A program that this machine does not have."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(claim: Callable[[], Any], told: str) -> None:
    """Wait for a state."""
    end = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < end, f"in vain: {told}"
        time.sleep(0.02)


def _program(name: str) -> str:
    found = shutil.which(name) or max(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), default="")
    if not found:
        raise Missing(name)
    return found


@dataclass
class Outages:
    """All of it in one scratch folder, removed with it."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="rafter-outages-")))
    ports: dict[str, int] = field(default_factory=dict)
    redis: "subprocess.Popen[bytes] | None" = None
    web: "subprocess.Popen[bytes] | None" = None
    tokens: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.ports = {name: free_port() for name in ("postgres", "redis", "web")}
        pg_ctl, redis = _program("pg_ctl"), _program("redis-server")
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(data, _nobody())
        self._as_nobody(
            _program("initdb"), "-D", data, "-A", "trust", "-U", "rafter", "-E", "UTF8",
            "--locale=C", "--no-sync",
        )  # fmt: skip
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {self.ports['postgres']}\nlisten_addresses = '127.0.0.1'\n")
            conf.write(f"unix_socket_directories = '{data}'\n")
        self._as_nobody(pg_ctl, "-D", data, "-l", data / "log", "-w", "start")
        self.redis = subprocess.Popen(
            [redis, "--port", str(self.ports["redis"]), "--save", "", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        self.ask_database("CREATE DATABASE site", "postgres")
        done = subprocess.run(
            [sys.executable, "-c", PREPARE], cwd=ROOT, env=self.environment, capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.tokens = json.loads(done.stdout.splitlines()[-1])
        command = ["annotation.wsgi", "--bind", f"127.0.0.1:{self.ports['web']}", "--preload"]
        command += ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
        gunicorn = str(Path(sys.executable).parent / "gunicorn")
        self.web = subprocess.Popen(
            [gunicorn, *command, "--no-control-socket", "--access-logfile", "/dev/null"],
            cwd=ROOT, env=self.environment, stderr=(self.folder / "web.log").open("wb"),
        )  # fmt: skip
        until(self._listens, "gunicorn")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": f"postgres://rafter@127.0.0.1:{self.ports['postgres']}/site",
            "BROKER_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "VAR_DIR": str(self.folder / "var"),
            "SECRET_KEY": "only-for-outages-" + "x" * 40,
            "DJANGO_SETTINGS_MODULE": "annotation.settings",
        }

    def kill_workers(self) -> None:
        """kill -9 of every web worker; their parent starts others."""
        assert self.web is not None
        text = Path(f"/proc/{self.web.pid}/task/{self.web.pid}/children").read_text()
        for pid in map(int, text.split()):
            os.kill(pid, signal.SIGKILL)

    def restart_database(self) -> None:
        """Immediately: connections are cut, and what was not on disk is lost."""
        data = self.folder / "data"
        restart = ("-D", data, "-l", data / "log", "-m", "immediate", "-w", "restart")
        self._as_nobody(_program("pg_ctl"), *restart)

    def end_redis(self) -> None:
        """Flushed, then gone."""
        import redis

        redis.Redis(port=self.ports["redis"]).flushall()
        assert self.redis is not None
        self.redis.kill()
        self.redis.wait()

    def ask_database(self, sql: str, name: str = "site") -> list[tuple[Any, ...]]:
        base = psycopg2.connect(
            host="127.0.0.1", port=self.ports["postgres"], user="rafter", dbname=name
        )
        base.autocommit = True
        try:
            with base.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            base.close()

    def stop(self) -> None:
        for process in filter(None, (self.web, self.redis)):
            process.kill()
            process.wait()
        data = self.folder / "data"
        if (data / "postmaster.pid").exists():
            self._as_nobody(_program("pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_nobody(self, *words: object) -> None:
        """PostgreSQL refuses to be run by root."""
        user = _nobody() if os.geteuid() == 0 else None
        done = subprocess.run(
            [*map(str, words)], user=user, cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{words[0]} ended with {done.returncode}"

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.ports["web"])) == 0


def _nobody() -> str:
    import pwd

    names = {one.pw_name for one in pwd.getpwall()}
    found = next((name for name in ("postgres", "nobody") if name in names), None)
    if found is None:
        raise Missing("a user to run PostgreSQL")
    return found
