"""``manage.py invite PROJECT ROLE --by NAME``: print the path of an invitation's link."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from annotation.people.models import Membership, Project, Role
from annotation.people.project_command import ProjectCommand
from annotation.people.services import invite


class Command(ProjectCommand):
    help = "Make an invitation; put the printed path behind the site's address and send it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("role", choices=Role.values)
        parser.add_argument("--by", help="User name of the inviting curator (the first if left).")
        parser.add_argument("--days", type=int, default=14, help="How long the link opens.")
        parser.add_argument("--uses", type=int, default=1, help="How many people may use it.")
        parser.add_argument("--note", default="")

    def work(self, project: Project, **options: Any) -> None:
        curators = Membership.objects.filter(
            project=project, role=Role.CURATOR, is_active=True
        ).order_by("pk")
        if options["by"]:
            curators = curators.filter(person__username=options["by"])
        curator = curators.select_related("person").first()
        if curator is None:
            raise CommandError(f"No such curator in {project.slug}.")
        _, secret = invite(
            project,
            options["role"],
            curator.person,
            days=options["days"],
            max_uses=options["uses"],
            note=options["note"],
        )
        self.stdout.write(reverse("invitation", args=[secret]))
