"""Print an invitation link."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from annotation.people.models import Membership, Project, Role
from annotation.people.project_command import ProjectCommand
from annotation.people.services import invite


class Command(ProjectCommand):
    help = "Make a link that lets its holders join a project in one role."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("role", choices=[role.value for role in Role])
        parser.add_argument("--uses", type=int, default=1)
        parser.add_argument("--days", type=int, default=14)
        parser.add_argument("--address", default="http://127.0.0.1:8000", help="Of the site.")

    def work(self, project: Project, **options: Any) -> None:
        curator = Membership.objects.filter(project=project, role=Role.CURATOR).first()
        if curator is None:
            raise CommandError(f"{project.slug} has no curator who could invite.")
        _, secret = invite(
            project, options["role"], curator.person, days=options["days"], max_uses=options["uses"]
        )
        self.stdout.write(f"{options['address']}{reverse('invitation', args=[secret])}\n")
