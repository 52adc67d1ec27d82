"""How long a release of the paper's size takes, and how much memory: the official tree and all.

    python -m benchmarks.release_speed --var DIR [--images 29672] [--faces DIR] [--layouts …]

``DIR`` is a scratch ``VAR_DIR`` on SQLite, as in the embedded default; what is there already is
used again. Faces are drawn (2,000 of them, each stored many times in steps of light that no digest
mistakes) or taken from ``--faces``, a folder of ``draw_faces``. The estimate is made up so that
every image is released: 40 votes per image by 315 people, all for one expression or half for each
of a pair. Limits (issue 5): 60 s and 300 MB for the official tree with archive and
digests. Beside it, in the same run, what nobody can do without: reading every original, writing it
once, and one SHA-256 over it.
"""

import argparse
import hashlib
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

PROJECT = "release-speed"
N_PEOPLE, N_VOTES = 315, 40
WALL_S, PEAK_MB = 60, 300
COMPOUND_SHARE = 0.2
CHUNK = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--images", type=int, default=29_672)
    parser.add_argument("--faces", type=Path, help="a folder made by draw_faces")
    parser.add_argument("--layouts", nargs="*", default=[], help="beyond the official tree")
    options = parser.parse_args()
    options.var.mkdir(parents=True, exist_ok=True)
    key = options.var / "key"
    if not key.exists():
        key.write_text(secrets.token_urlsafe(50))
    os.environ |= {"VAR_DIR": str(options.var), "SECRET_KEY": key.read_text()}
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
    import django

    django.setup()
    prepare(options)
    floor = plain_copy(options.var)
    print(f"reading, writing once, one digest  {floor:6.1f} s")
    build(options, floor)


def prepare(options: argparse.Namespace) -> None:
    """A project with images and an estimate, unless an earlier run left them."""
    from django.core.management import call_command

    from annotation.estimates.models import Estimate
    from annotation.people.models import Project

    call_command("migrate", verbosity=0)
    project, _ = Project.objects.get_or_create(slug=PROJECT, defaults={"name": "Release speed"})
    if project.images.count() < options.images:
        began = time.perf_counter()
        faces = options.faces or drawn(options.var / "faces", options.images)
        call_command("import_images", PROJECT, str(faces / "photos"), stdout=sys.stderr)
        print(f"import  {time.perf_counter() - began:6.1f} s")
    if not Estimate.objects.filter(project=project).exists():
        made_up_estimate(project)


def drawn(folder: Path, count: int) -> Path:
    """``count`` photographs of 2,000 drawn faces, lightened step by step."""
    from django.core.management import call_command
    from PIL import Image as Pillow

    if not (folder / "photos").exists():
        call_command("draw_faces", str(folder), count=min(count, CHUNK), workers=2)
    originals = sorted((folder / "photos").glob("*.jpg"))[: min(count, CHUNK)]
    for step in range(1, -(-count // CHUNK)):
        for path in originals[: count - step * CHUNK]:
            goal = path.with_name(f"{path.stem}-{step}.jpg")
            if not goal.exists():
                lighter = Pillow.open(path).point(lambda v, by=step: min(255, v + by))
                lighter.save(goal, quality=92)
    return folder


def made_up_estimate(project) -> None:  # type: ignore[no-untyped-def]
    """Votes and an estimate of them by majority, written as the estimate's job writes them."""
    import numpy as np

    import reliability
    from annotation.estimates.frozen import FrozenVotes
    from annotation.estimates.models import AnnotatorEstimate, Estimate
    from annotation.estimates.rows import annotator_rows, store_items
    from annotation.jobs.models import Job
    from annotation.people.models import Membership, Role
    from annotation.people.services import create_person

    rng = np.random.default_rng(1)
    ids = np.array(project.images.order_by("pk").values_list("pk", flat=True))
    n, k = len(ids), reliability.expressions.N_EXPRESSIONS
    pairs = [(int(a), int(b)) for _, a, b in reliability.expressions.COMPOUNDS[:-1]]
    faces = [(e, e) for e in range(k)]
    shown = np.where(
        rng.random((n, 1)) < COMPOUND_SHARE,
        np.array(pairs)[rng.integers(0, len(pairs), n)],
        np.array(faces)[rng.integers(0, k, n)],
    )
    item = np.repeat(np.arange(n), N_VOTES)
    annotator = np.concatenate([rng.choice(N_PEOPLE, N_VOTES, replace=False) for _ in range(n)])
    expression = np.tile(shown, N_VOTES // 2).ravel()  # half of the votes for each of a pair
    votes = reliability.Votes(
        item, annotator, expression, n_items=n, n_annotators=N_PEOPLE, n_classes=k
    )
    people = [
        Membership(project=project, person=create_person(f"crowd-{i}", None), code=f"A{i:04d}",
                   role=Role.ANNOTATOR)
        for i in range(N_PEOPLE)
    ]  # fmt: skip
    Membership.objects.bulk_create(people)
    frozen = FrozenVotes(votes, ids, np.array([m.pk for m in people]))
    fit = reliability.estimate(votes, method="majority")
    folder = Path(os.environ["VAR_DIR"]) / "estimates" / PROJECT / "0001"
    folder.mkdir(parents=True, exist_ok=True)
    frozen.save(folder / "votes.npz")
    estimate = Estimate.objects.create(
        project=project,
        number=1,
        job=Job.objects.create(project=project, kind="estimate", state="succeeded"),
        method="majority",
        code_version="benchmark",
        votes_digest=votes.digest,
        n_items=n,
        n_annotators=N_PEOPLE,
        n_votes=len(item),
        n_kept=N_PEOPLE,
        converged=True,
        report={},
        folder=f"{PROJECT}/0001",
    )
    AnnotatorEstimate.objects.bulk_create(annotator_rows(estimate, frozen, fit))
    store_items(estimate, frozen, fit, fit.confidence > 1)


def plain_copy(var: Path) -> float:
    """Seconds to read every stored original, write it once and take one digest over all."""
    goal, sha = var / "plain", hashlib.sha256()
    began = time.perf_counter()
    with goal.open("wb") as out:
        for path in sorted((var / "media" / "images").rglob("*")):
            if path.is_file() and "." not in path.stem:
                data = path.read_bytes()
                sha.update(data)
                out.write(data)
    os.sync()
    took = time.perf_counter() - began
    goal.unlink()
    return took


def build(options: argparse.Namespace, floor: float) -> None:
    """The release as an operator asks for it, in a process of its own."""
    from annotation.releases.models import Release

    command = [sys.executable, "manage.py", "release", PROJECT]
    for layout in options.layouts:
        command += ["--layout", layout]
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall, peak = time.perf_counter() - began, usage.ru_maxrss / 1024
    if status:
        raise SystemExit("the release failed")
    release = Release.objects.first()
    cpu = usage.ru_utime + usage.ru_stime
    names = ", ".join(a["layout"] for a in release.archives)
    size = sum(a["size"] for a in release.archives) / 1e6
    print(f"release ({names}) of {release.images.count():,} images, archives of {size:,.0f} MB")
    print(
        f"  {wall:6.1f} s   {wall / WALL_S:.2f} of {WALL_S} s   {wall / floor:.1f}× the plain copy"
    )
    print(f"  {cpu:6.1f} s of CPU")
    print(f"  {peak:6.0f} MB  {peak / PEAK_MB:.2f} of {PEAK_MB} MB")
    shutil.rmtree(Path(os.environ["VAR_DIR"]) / "releases", ignore_errors=True)
    release.delete()


if __name__ == "__main__":
    main()
