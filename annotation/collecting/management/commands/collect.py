"""``manage.py collect PROJECT``: photographs from Flickr by keyword, or from a manifest."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.collecting import orders, queries, services
from annotation.jobs.console import perform_here
from annotation.jobs.tasks import wake
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand


class Command(ProjectCommand):
    help = "Search Flickr for photographs by keyword, or fetch those of a manifest; import them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--manifest", type=Path, help="A CSV or JSON Lines file of addresses.")
        parser.add_argument(
            "--keyword", action="append", default=[], metavar="EXPRESSION=WORD",
            help="Search for WORD; may be repeated. The paper's words where none is given.",
        )  # fmt: skip
        parser.add_argument("--limit", type=int, default=2_000, help="Photographs in all.")
        parser.add_argument(
            "--licences", type=lambda text: [int(n) for n in text.split(",")], default=None,
            help="Flickr's numbers, with commas; those that allow a release where not given.",
        )  # fmt: skip
        parser.add_argument("--uploaded-from", type=date.fromisoformat, default=None)
        parser.add_argument("--uploaded-to", type=date.fromisoformat, default=None)
        parser.add_argument(
            "--queue", action="store_true", help="Leave the work to the site's worker."
        )

    def work(self, project: Project, **options: Any) -> None:
        if path := options["manifest"]:
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
            made = services.request_manifest(project, path.read_bytes(), path.name, None)
        else:
            made = services.request_collection(project, _order(options), None)
        job, is_new = made
        if not is_new:
            raise CommandError(f"Job {job.pk} already collects for {project.slug}; wait for it.")
        if options["queue"]:
            wake(job)
            self.stdout.write(f"Job {job.pk} is queued.\n")
            return
        perform_here(job, self.stdout)
        for why, n in queries.reasons_of(job.collection):
            self.stdout.write(f"  {n:>6,} not fetched: {why}\n")


def _order(options: dict[str, Any]) -> orders.Order:
    words: dict[str, list[str]] = {}
    for pair in options["keyword"]:
        name, sign, word = pair.partition("=")
        if not sign:
            raise CommandError(f"--keyword {pair}: write EXPRESSION=WORD, such as fear=scared.")
        words.setdefault(name, []).append(word)
    return orders.checked(
        words or None,
        options["limit"],
        options["licences"],
        options["uploaded_from"],
        options["uploaded_to"],
    )
