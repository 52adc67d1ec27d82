"""Publish a release of a project's latest estimate."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.jobs.console import perform_here
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand
from annotation.releases import queries, services
from annotation.releases.models import LayoutName


class Command(ProjectCommand):
    help = "Build an immutable version: RAF-DB's official tree, and the layouts that are named."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--release-version", help="Such as 2.0.0; the next minor by default.")
        parser.add_argument("--changelog", default="")
        parser.add_argument("--seed", type=int, default=0, help="Of the split.")
        parser.add_argument(
            "--layout",
            action="append",
            default=[],
            choices=LayoutName.values,
            help="Beside the official tree, which is always built; may be given several times.",
        )
        parser.add_argument(
            "--features",
            type=int,
            action="append",
            default=[],
            help="A run whose features of every face go in; may be given several times.",
        )
        parser.add_argument("--twelfth", action="store_true", help="With Fearfully Disgusted.")
        parser.add_argument(
            "--no-votes", action="store_true", help="Without the votes, though they are shared."
        )
        parser.add_argument(
            "--any-licence",
            action="store_true",
            help="Take photographs under ‘all rights reserved’ and ‘no derivatives’ too.",
        )

    def work(self, project: Project, **options: Any) -> None:
        job, _ = services.request_release(
            project,
            None,
            version=options["release_version"],
            changelog=options["changelog"],
            seed=options["seed"],
            layouts=options["layout"],
            twelfth=options["twelfth"],
            votes=False if options["no_votes"] else None,
            any_licence=options["any_licence"],
            features=options["features"],
        )
        perform_here(job, self.stdout)
        made = job.release
        self.stdout.write(
            f"Release {made.version}: archive of {made.archive_size:,} bytes, "
            f"SHA-256 {made.archive_digest}\n{queries.folder_of(made)}\n"
        )
