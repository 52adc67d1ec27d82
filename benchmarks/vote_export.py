"""Export of raw votes against the limits of issue 4: time, first byte, memory.

    python -m benchmarks.vote_export --var DIR [--images 29672] [--people 315] [--votes 1190000]

``DIR`` is a scratch ``VAR_DIR``; ``DATABASE_URL`` as for ``benchmarks.vote_load``. Each kind is
written in a process of its own, as the web process would send it, and the growth of that process's
peak memory is read. The peer is the same table written row by row by the ORM, as is usual.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import vote_load

LIMITS_S = {"csv": 5.0, "parquet": 3.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--people", type=int, default=315)
    parser.add_argument("--votes", type=int, default=1_190_000)
    parser.add_argument("--write", choices=["csv", "parquet", "orm"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.var.mkdir(parents=True, exist_ok=True)
    os.environ["VAR_DIR"] = str(options.var)
    os.environ.setdefault("SECRET_KEY", "only-for-this-benchmark-" + "x" * 40)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    if options.write:
        write(options.write)
        return
    drop = vote_load.own_database()
    try:
        run(options)
    finally:
        drop()


def run(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from django.db import connections

    from annotation.labelling.models import Vote

    vote_load.open_site(options)
    vote_load.store(options.votes)
    print(f"{Vote.objects.count():,} votes")
    connections.close_all()
    told = {kind: _written(options, kind) for kind in ("csv", "parquet", "orm")}
    print(f"{'':<9}{'time':>9}{'first':>10}{'memory':>10}{'size':>10}   of its limits")
    for kind, t in told.items():
        ratios = ""
        if kind in LIMITS_S:
            ratios = (
                f"{t['wall_s'] / LIMITS_S[kind]:.2f} of {LIMITS_S[kind]:.0f} s, "
                f"{t['first_s'] / 0.2:.2f} of 200 ms, {t['grown_mb'] / 64:.2f} of 64 MB, "
                f"{told['orm']['wall_s'] / t['wall_s']:.0f} times as fast as row by row"
            )
        print(
            f"{kind:<9}{t['wall_s']:8.2f}s{1000 * t['first_s']:7.0f} ms{t['grown_mb']:7.0f} MB"
            f"{t['size_mb']:7.0f} MB   {ratios}"
        )


def _written(options: argparse.Namespace, kind: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.vote_export", "--var", str(options.var)]
    done = subprocess.run([*command, "--write", kind], capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def write(kind: str) -> None:
    import django

    django.setup()
    import annotation.urls  # noqa: F401 - what a web process has loaded
    from annotation.labelling.export import write_csv, write_parquet
    from annotation.people.models import Project

    project = Project.objects.get(slug=vote_load.SLUG)
    project.memberships.count()  # the connection is open
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    blocks = {"csv": write_csv, "parquet": write_parquet, "orm": by_rows}[kind](project)
    first, size = 0.0, 0
    for block in blocks:
        size += len(block)
        first = first or time.perf_counter() - began
    told = {
        "wall_s": time.perf_counter() - began,
        "first_s": first,
        "size_mb": size / 1e6,
        "grown_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }
    print(json.dumps(told))


def by_rows(project):  # type: ignore[no-untyped-def]
    """The peer: one object at a time."""
    from annotation.labelling.models import Vote

    rows = Vote.objects.filter(is_current=True, assignment__annotator__project=project)
    columns = ("assignment__image__uid", "assignment__annotator__code", "expression", "voted_at")
    for row in rows.values_list(*columns, "response_ms").iterator(chunk_size=5000):
        yield ",".join(map(str, row)).encode()


if __name__ == "__main__":
    main()
