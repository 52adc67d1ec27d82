"""Train a recipe on a release and export the network."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.jobs.console import perform_here
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand
from annotation.releases.models import Release
from annotation.runs import queries, services


class Command(ProjectCommand):
    help = "Train, evaluate on the test split, and export safetensors and ONNX."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--release", default="latest", help="A version; the newest by default.")
        parser.add_argument("--recipe", default="demo", choices=sorted(services.recipes()))
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--epochs", type=int)

    def work(self, project: Project, **options: Any) -> None:
        run, _ = services.request_run(
            project,
            _release(project, options["release"]),
            options["recipe"],
            None,
            seed=options["seed"],
            epochs=options["epochs"],
        )
        perform_here(run.job, self.stdout)
        run.refresh_from_db()
        metrics = run.metrics or {}
        self.stdout.write(
            f"Run {run.number}: mean diagonal {metrics['mean_diagonal']:.1%}, "
            f"accuracy {metrics['accuracy']:.1%} on the test split.\n"
            f"Model and figures: {queries.folder_of(run)}\n"
        )


def _release(project: Project, version: str) -> Release:
    published = project.releases.filter(state=Release.State.PUBLISHED)
    found = published.first() if version == "latest" else published.filter(version=version).first()
    if found is None:
        raise CommandError(f"{project.slug} has no published release {version!r}.")
    return found
