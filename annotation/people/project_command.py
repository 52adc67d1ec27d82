"""What every command about one project shares: its name on the command line, found or refused."""

from abc import abstractmethod
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from annotation.audit.edges import OperatorCommand

from .models import Project


class ProjectCommand(OperatorCommand):
    """A command whose first word is a project's slug; refusals are told, not traced."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's short name, as in its address.")

    def handle(self, *args: Any, project: str, **options: Any) -> None:
        found = Project.objects.filter(slug=project).first()
        if found is None:
            known = ", ".join(Project.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no project {project!r}. Known: {known}.")
        try:
            self.work(found, **options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    @abstractmethod
    def work(self, project: Project, **options: Any) -> None:
        """Do what the command is for; ``ValidationError`` becomes its message."""
