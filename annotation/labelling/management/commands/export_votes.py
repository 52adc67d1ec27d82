"""Write a project's votes to a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.labelling.export import write_csv, write_parquet
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand

WRITERS = {".csv": write_csv, ".parquet": write_parquet}


class Command(ProjectCommand):
    help = "Write the votes that count as CSV or Parquet, annotators by code."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="Its ending, .csv or .parquet, says which.")

    def work(self, project: Project, **options: Any) -> None:
        file: Path = options["file"]
        write = WRITERS.get(file.suffix)
        if write is None:
            raise CommandError(f"{file.name}: the ending must be one of {', '.join(WRITERS)}.")
        aside = file.with_name(file.name + ".part")
        with aside.open("wb") as out:
            for block in write(project):
                out.write(block)
        aside.replace(file)
        self.stdout.write(f"{file}: {file.stat().st_size:,} bytes\n")
