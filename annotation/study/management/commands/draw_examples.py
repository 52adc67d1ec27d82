"""Draw the tutorial's example faces anew."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from annotation.study.examples import write_examples


class Command(BaseCommand):
    help = "Draw the example faces of the tutorial into the static files."

    def add_arguments(self, parser: CommandParser) -> None:
        usual = settings.BASE_DIR / "frontend" / "static" / "faces"
        parser.add_argument("--folder", type=Path, default=usual)

    def handle(self, *args: Any, **options: Any) -> None:
        n = write_examples(options["folder"])
        self.stdout.write(f"{n} faces in {options['folder']}\n")
