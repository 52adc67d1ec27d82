"""``manage.py draw_faces``: photographs of drawn people, with the importer's sidecar."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.study import album
from annotation.study.faces import COMPOUND_SHARE, Style


class Command(BaseCommand):
    """Draw faces into a folder that the importer reads; their truth lies beside it."""

    help = "Draw faces: DIR/photos (pictures and metadata.csv, for the importer), DIR/truth.csv."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Folder, size, seed and style."""
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--count", type=int, default=600, metavar="N", help="faces (600)")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed (1)")
        parser.add_argument("--style", choices=[s.value for s in Style], default=Style.WILD.value)
        parser.add_argument(
            "--compound-share",
            type=float,
            default=COMPOUND_SHARE,
            metavar="P",
            help=f"part that shows two expressions, 0 to 1 ({COMPOUND_SHARE})",
        )
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw, telling how far it is."""
        for name, least in (("count", 1), ("workers", 1), ("seed", 0)):
            if options[name] < least:
                raise CommandError(f"--{name} must be {least} or more, not {options[name]}")
        if not 0 <= options["compound_share"] <= 1:
            raise CommandError(
                f"--compound-share must be between 0 and 1, not {options['compound_share']}"
            )
        faces = album.Album(
            options["count"], options["seed"], Style(options["style"]), options["compound_share"]
        )
        begun = time.monotonic()
        try:
            album.write(faces, options["folder"], options["workers"], self._progress)
        except OSError as error:
            raise CommandError(str(error)) from error
        rate = faces.count / max(time.monotonic() - begun, 1e-9)
        self.stdout.write(
            f"Drew {faces.count} faces ({rate:.0f} a second) into {options['folder'] / 'photos'}."
        )

    def _progress(self, done: int, all_: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{done} of {all_} faces", ending="" if done < all_ else "\n")
            self.stderr.flush()
