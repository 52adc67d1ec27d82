"""The whole line at the paper's size on the embedded default: time and peak memory of each step.

    python -m benchmarks.paper_size --var DIR [--images 29672] [--faces DIR]

Every step is a process of its own, as an operator would start it: draw the faces (skipped where
``--faces`` names a folder of ``draw_faces``), import them, let 315 simulated people vote through
the vote service's bulk path, estimate, release. ``DIR`` is a scratch ``VAR_DIR`` (SQLite unless
``DATABASE_URL`` names PostgreSQL). Limits: the estimate 10 s (issue 3), the release 60 s and 300 MB
(issue 5), a curator's page half a second from the second time on; the other steps have none.
"""

import argparse
import csv
import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

STUDY = "paper-size"
PAGE_S = 0.5


@dataclass(frozen=True)
class Limit:
    """What a step may take; ``None`` where nothing is promised."""

    wall_s: float | None = None
    peak_mb: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="?", choices=["votes"], help=argparse.SUPPRESS)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--people", type=int, default=315)
    parser.add_argument("--votes", type=int, default=40, help="votes per image")
    parser.add_argument("--faces", type=Path, help="a folder made by draw_faces")
    options = parser.parse_args()
    os.environ["VAR_DIR"] = str(options.var)
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    if options.step == "votes":
        vote(options)
    else:
        run(options)


def run(options: argparse.Namespace) -> None:
    options.var.mkdir(parents=True, exist_ok=True)
    faces = options.faces or options.var / "faces"
    print(f"{'step':<16}{'wall':>9}{'CPU':>9}{'peak':>10}   of its limit")
    manage("migrate", "--verbosity", "0")
    manage("collectstatic", "--noinput", "--verbosity", "0")
    if not (faces / "photos").exists():
        count = ("--count", str(options.images), "--workers", "2")
        manage("draw_faces", str(faces), *count, step="draw")
    manage("create_person", "bench", "--staff")
    target = ("--votes", str(options.votes))
    manage("create_project", STUDY.replace("-", " ").capitalize(), "--curator", "bench", *target)
    manage("import_images", STUDY, str(faces / "photos"), step="import")
    again = [*sys.argv[1:], "--faces", str(faces)]
    measured("votes", Limit(), [sys.executable, "-m", "benchmarks.paper_size", "votes", *again])
    manage("estimate", STUDY, step="estimate", limit=Limit(wall_s=10))
    manage("release", STUDY, step="release", limit=Limit(60, 300))
    judge(options.var)
    look()


def manage(*words: str, step: str = "", limit: Limit = Limit()) -> None:
    measured(step, limit, [sys.executable, "manage.py", *words])


def measured(step: str, limit: Limit, command: list[str]) -> None:
    """Run a process to its end; its words go to a log, its figures to the table."""
    log = Path(os.environ["VAR_DIR"]) / f"{step or 'setup'}.log"
    began = time.perf_counter()
    with log.open("ab") as out:
        redirect = [(os.POSIX_SPAWN_DUP2, out.fileno(), n) for n in (1, 2)]
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=redirect)
        _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(command[1:])} failed:\n{log.read_text()[-3000:]}")
    if not step:
        return
    peak = usage.ru_maxrss / 1024
    shares = [f"{wall / limit.wall_s:.2f} of {limit.wall_s:.0f} s"] if limit.wall_s else []
    shares += [f"{peak / limit.peak_mb:.2f} of {limit.peak_mb:.0f} MB"] if limit.peak_mb else []
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{step:<16}{wall:8.1f}s{cpu:8.1f}s{peak:7.0f} MB   {', '.join(shares)}", flush=True)


def vote(options: argparse.Namespace) -> None:
    """The simulated people's votes, in this process."""
    prepare()
    from annotation.people.models import Project
    from annotation.study import demonstration

    study = demonstration.Study(
        n_images=options.images, n_fresh=0, n_people=options.people, n_votes=options.votes
    )
    project = Project.objects.get(slug=STUDY)
    n = demonstration.simulate_votes(project, study, options.faces / "truth.csv")
    print(f"{n:,} votes")


def judge(var: Path) -> None:
    """Who was kept, against what was true of the simulated people."""
    prepare()
    from annotation.estimates.models import AnnotatorEstimate, Estimate

    with (var / "study" / STUDY / "people.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["annotator"]: row["kind"] for row in csv.DictReader(file)}
    rows = AnnotatorEstimate.objects.select_related("annotator")
    kept = {row.annotator.code for row in rows if row.kept}
    honest = {code for code, kind in kinds.items() if kind == "honest"}
    bad = {code for code, kind in kinds.items() if kind in ("one_key", "adversarial", "random")}
    estimate = Estimate.objects.get()
    print(f"fit alone {estimate.report['seconds']:.2f} s; {estimate.n_votes:,} votes")
    print(f"kept {len(kept)} of {len(kinds)}; bad people kept: {len(kept & bad)}; ", end="")
    print(f"honest people left out: {len(honest - kept)}")


def look() -> None:
    """The pages that a curator opens all day, without the network: the second answer of each."""
    prepare()
    from django.conf import settings
    from django.test import Client

    from annotation.people.models import Person

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(Person.objects.get(username="bench"), settings.AUTHENTICATION_BACKENDS[-1])
    here = f"/p/{STUDY}/"
    names = ("images", "progress", "people", "flags", "messages", "log", "estimates/1", "jobs")
    for page in ("/", here, *(f"{here}{name}/" for name in names)):
        for _ in range(2):
            began = time.perf_counter()
            answer = client.get(page)
            wall = time.perf_counter() - began
        if answer.status_code != 200:
            raise SystemExit(f"{page}: {answer.status_code}")
        print(f"page {page:<32}{wall * 1000:6.0f} ms   {wall / PAGE_S:.2f} of {PAGE_S} s")


def prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    import django

    django.setup()


if __name__ == "__main__":
    main()
