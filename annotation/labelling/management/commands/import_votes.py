"""Take in votes that were collected elsewhere."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.labelling.errors import VotesRefused
from annotation.labelling.services import import_votes
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand


class Command(ProjectCommand):
    help = "Store the votes of a votes.csv: item, annotator, expression; known images and codes."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)

    def work(self, project: Project, **options: Any) -> None:
        try:
            with options["file"].open("rb") as stream:
                n_new = import_votes(project, stream)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        except VotesRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{n_new:,} new votes\n")
