"""Do a job in this process, from a command, with its progress on the terminal."""

import os
import socket
import threading
import time
from typing import Any, TextIO

from django.core.management.base import CommandError
from django.db import connection

from . import services
from .kinds import KINDS
from .models import Job

WIDTH = 28


def perform_here(job: Job, out: TextIO) -> Job:
    """Perform the job now and show how it goes on; the finished job.

    Raises ``CommandError`` with the job's own words where it failed or was cancelled.
    """
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(job.pk, out, ended), daemon=True)
    watcher.start()
    try:
        services.perform(job.pk, worker=f"{socket.gethostname()}:{os.getpid()}")
        while Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).exists():
            time.sleep(0.3)  # a worker of the running site was faster
    except KeyboardInterrupt:
        services.cancel_job(job)
        services.Claim(job, Job.objects.get(pk=job.pk).attempt).end(Job.State.CANCELLED)
        raise
    finally:
        ended.set()
        watcher.join()
    job.refresh_from_db()
    if job.state != Job.State.SUCCEEDED:
        raise CommandError(f"{KINDS[job.kind].title} {job.state}: {job.error or job.message}")
    if job.message:
        out.write(f"{job.message}.\n")
    return job


def _watch(job_id: int, out: TextIO, ended: threading.Event) -> None:
    started = time.monotonic()
    shown = -1
    is_terminal = out.isatty()
    try:
        while not ended.wait(0.3):
            row = Job.objects.filter(pk=job_id).values("kind", "progress", "message").first()
            if row is None:
                return
            if is_terminal:
                out.write("\r\x1b[K" + _line(row, time.monotonic() - started))
                out.flush()
            elif int(row["progress"] * 10) > shown:
                shown = int(row["progress"] * 10)
                out.write(_line(row, time.monotonic() - started) + "\n")
                out.flush()
    finally:
        if is_terminal:
            out.write("\r\x1b[K")
        connection.close()


def _line(row: dict[str, Any], elapsed_s: float) -> str:
    done = round(row["progress"] * WIDTH)
    bar = "█" * done + "░" * (WIDTH - done)
    left = ""
    if 0.05 < row["progress"] < 1:
        left = f", {elapsed_s * (1 / row['progress'] - 1):.0f} s left"
    head = f"{KINDS[row['kind']].title:<9} {bar} {row['progress']:4.0%}"
    return f"{head} {elapsed_s:4.0f} s{left}  {row['message'][:60]}"
