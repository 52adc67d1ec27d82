"""Take a released version back."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand
from annotation.releases import services


class Command(ProjectCommand):
    help = "Withdraw a version for good; downloads answer 410, downloaders get a notice."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("version")
        parser.add_argument("--reason", required=True)

    def work(self, project: Project, **options: Any) -> None:
        release = project.releases.filter(version=options["version"]).first()
        if release is None:
            raise CommandError(f"{project.slug} has no release {options['version']!r}.")
        n = services.withdraw_release(release, options["reason"])
        self.stdout.write(f"{release.version} is withdrawn; {n} people were notified.\n")
