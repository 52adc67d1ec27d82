"""Make the demonstration: the whole line on drawn faces and simulated people."""

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.estimates.services import request_estimate
from annotation.images.services import request_import
from annotation.jobs.console import perform_here
from annotation.people.models import Person, Project
from annotation.releases.services import request_release
from annotation.runs.services import request_run
from annotation.study import demonstration
from annotation.study.demonstration import Study


class Command(BaseCommand):
    help = "Draw faces, simulate people and their votes, estimate, release and train."

    def add_arguments(self, parser: CommandParser) -> None:
        default = Study()
        parser.add_argument("--name", default=default.name)
        parser.add_argument("--images", type=int, default=default.n_images)
        parser.add_argument(
            "--fresh", type=int, default=default.n_fresh, help="Images without votes."
        )
        parser.add_argument("--people", type=int, default=default.n_people)
        parser.add_argument(
            "--votes",
            type=int,
            help=f"Votes per image; {default.n_votes}, or one fewer than there are people.",
        )
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--recipe", default="demo")
        parser.add_argument("--epochs", type=int)
        parser.add_argument("--no-training", action="store_true")
        parser.add_argument("--once", action="store_true", help="Do nothing where projects exist.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"] and Project.objects.exists():
            return
        started = time.monotonic()
        study = Study(
            name=options["name"],
            n_images=options["images"],
            n_fresh=options["fresh"],
            n_people=options["people"],
            n_votes=_votes(options["votes"], options["people"]),
            seed=options["seed"],
        )
        project = self._project(study)
        photos = self._faces(project, study)
        self._timed("import", self._import, project, photos)
        self._timed("votes", self._votes, project, study, photos.parent / "truth.csv")
        self._timed("estimate", self._job, request_estimate(project, None)[0])
        self._timed("release", self._job, request_release(project, None)[0])
        if not options["no_training"]:
            self._timed("training", self._train, project, options["recipe"], options["epochs"])
        self.stdout.write(f"{project.name} is ready after {time.monotonic() - started:.0f} s.\n")

    def _project(self, study: Study) -> Project:
        curator = Person.objects.filter(username="curator").first()
        if curator is not None:
            return demonstration.start_project(study, curator)
        return demonstration.open_project(study)[0]

    def _faces(self, project: Project, study: Study) -> Path:
        folder: Path = settings.VAR_DIR / "study" / project.slug
        n = study.n_images + study.n_fresh
        self._timed("drawing", self._draw, folder, n, study.seed)
        return folder / "photos"

    def _draw(self, folder: Path, count: int, seed: int) -> None:
        call_command("draw_faces", str(folder), count=count, seed=seed, stdout=self.stdout)

    def _import(self, project: Project, photos: Path) -> None:
        self._job(request_import(project, photos, None)[0])

    def _votes(self, project: Project, study: Study, truth: Path) -> None:
        n = demonstration.simulate_votes(project, study, truth)
        self.stdout.write(f"{n:,} votes of {study.n_people} simulated people recorded.\n")

    def _train(self, project: Project, recipe: str, epochs: int | None) -> None:
        release = project.releases.first()
        self._job(request_run(project, release, recipe, None, epochs=epochs)[0].job)

    def _job(self, job: Any) -> None:
        perform_here(job, self.stdout)

    def _timed(self, what: str, do: Any, *args: Any) -> None:
        self.stdout.write(f"{what.capitalize()} …\n")
        self.stdout.flush()
        started = time.monotonic()
        do(*args)
        self.stdout.write(f"  {what}: {time.monotonic() - started:.1f} s\n")


def _votes(asked: int | None, n_people: int) -> int:
    """How many votes an image gets: each is another person's, and not everybody sees every image.

    The paper's 40 where there are people enough.
    """
    if n_people < 2:
        raise CommandError(f"--people: {n_people} is too few; agreement takes 2 or more.")
    if asked is None:
        return min(Study().n_votes, n_people - 1)
    if not 1 <= asked <= n_people:
        raise CommandError(
            f"--votes: {asked} votes of different people cannot come from {n_people}; "
            f"ask for 1 to {n_people}, or give more --people."
        )
    return asked
