"""``manage.py draw_database``: a whole drawn database in RAF-DB's tree, for ``training``."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.study import database
from annotation.study.faces import Style


class Command(BaseCommand):
    """Draw a database without the site: wild faces with votes, or posed ones in a laboratory."""

    help = "Draw a database in RAF-DB's tree: --style wild (with votes) or lab (posed people)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Folder, size, seed and style."""
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--style", choices=[s.value for s in Style], default=Style.WILD.value)
        parser.add_argument("--count", type=int, help="wild faces (3000), or lab people (60)")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed (1)")
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw, telling how far it is."""
        style = Style(options["style"])
        count = options["count"] or (60 if style is Style.LAB else 3000)
        least = 2 if style is Style.LAB else 50
        for name, value, low in (("count", count, least), ("seed", options["seed"], 0),
                                 ("workers", options["workers"], 1)):  # fmt: skip
            if value < low:
                raise CommandError(f"--{name} must be {low} or more, not {value}")
        begun, asked = time.monotonic(), database.Database(style, count, options["seed"])
        try:
            sizes = database.write(asked, options["folder"], options["workers"], self._progress)
        except OSError as error:
            raise CommandError(str(error)) from error
        kept = ", ".join(f"{n:,} {name}" for name, n in sizes.items())
        seconds = time.monotonic() - begun
        self.stdout.write(
            f"{kept} of {asked.n_faces:,} {style} faces in {options['folder']} ({seconds:.0f} s)."
        )

    def _progress(self, done: int, all_: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{done} of {all_} faces", ending="" if done < all_ else "\n")
            self.stderr.flush()
