"""Print a personal API token."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.audit.edges import OperatorCommand
from annotation.people.models import Person, Token
from annotation.people.services import create_token


class Command(OperatorCommand):
    help = "Make an API token for a person; printed once, kept only as a digest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--scope", choices=[s.value for s in Token.Scope], required=True)
        parser.add_argument("--name", default="command line")
        parser.add_argument("--days", type=int, help="It expires after so many days.")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(username=options["username"]).first()
        if person is None:
            raise CommandError(f"There is no person {options['username']!r}.")
        _, secret = create_token(person, options["name"], options["scope"], options["days"])
        self.stdout.write(f"{secret}\n")
