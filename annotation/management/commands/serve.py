"""Start web, both workers and beat under one supervisor: the embedded default."""

import fcntl
import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.celery import prepare_broker
from annotation.study.logins import read_logins

CONFIGURATION = Path(settings.BASE_DIR) / "deploy" / "embedded.conf"


class Command(BaseCommand):
    help = "Start the site, its workers and its clock on this machine; Ctrl-C stops them all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        self._announce(host, port)
        if not _lock_folder():
            self.stdout.write("It is running already; this command changed nothing.\n")
            return
        if _is_taken(host, port):
            raise CommandError(f"Port {port} is taken by another program; try PORT={port + 1}.")
        (settings.VAR_DIR / "log").mkdir(parents=True, exist_ok=True)
        prepare_broker()
        self.stdout.write(f"Logs are in {settings.VAR_DIR / 'log'}. Ctrl-C stops everything.\n")
        self.stdout.flush()
        environment = {
            **os.environ,
            "HOST": host,
            "PORT": str(port),
            "BIN": str(Path(sys.executable).parent),
            "VAR_DIR": str(settings.VAR_DIR),
        }
        os.chdir(settings.BASE_DIR)
        program = str(Path(sys.executable).parent / "supervisord")
        command = [program, "--configuration", str(CONFIGURATION)]
        if os.geteuid() == 0:
            command += ["--user", "root"]  # stay who started us, and do not warn about it
        os.execve(program, command, environment)  # noqa: S606

    def _announce(self, host: str, port: int) -> None:
        self.stdout.write(f"\nRafter: http://{host}:{port}/\n")
        for login in read_logins():
            self.stdout.write(
                f"  {login['role']:<11} {login['username']:<12} {login['password']}\n"
            )


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _lock_folder() -> bool:
    """Take ``VAR_DIR`` for one supervisor: a second one would double every worker and the clock.

    The lock is the process's own, survives ``execve`` and ends with it, however that ends.
    """
    lock = os.open(settings.VAR_DIR / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
