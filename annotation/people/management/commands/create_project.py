"""Open a project."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from annotation.audit.edges import OperatorCommand
from annotation.learning.consent import DEFAULT_TEXT, write_consent
from annotation.people.models import Person
from annotation.people.services import create_project


class Command(OperatorCommand):
    help = "Open a project whose first curator is a person that exists; prints its short name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--curator", required=True, help="A username.")
        parser.add_argument("--votes", type=int, default=40, help="Target votes per image.")

    def handle(self, *args: Any, **options: Any) -> None:
        curator = Person.objects.filter(username=options["curator"]).first()
        if curator is None:
            raise CommandError(
                f"There is no person {options['curator']!r}; make one with create_person."
            )
        try:
            project = create_project(options["name"], curator, target_votes=options["votes"])
            write_consent(project, DEFAULT_TEXT, curator)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{project.slug}\n")
