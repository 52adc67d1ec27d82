"""``manage.py create_token NAME --scope researcher``: print a token for the API."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.people.models import Person, Token
from annotation.people.services import create_token


class Command(BaseCommand):
    help = "Make a personal token for the API; it is printed this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--scope", choices=Token.Scope.values, default="researcher")
        parser.add_argument("--name", default="command line", help="What it is for.")
        parser.add_argument("--days", type=int, help="How long it opens (for ever if left out).")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        person = Person.objects.filter(username=username, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no active person {username!r}.")
        try:
            _, secret = create_token(person, options["name"], options["scope"], options["days"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(secret)
