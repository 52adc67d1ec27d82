"""``manage.py create_person NAME``: an account with a random password, printed once."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.people.services import create_person

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Command(BaseCommand):
    help = "Make an account. Its password is made at random and printed this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--display-name", default="", help="What curators see.")
        parser.add_argument("--staff", action="store_true", help="May open projects.")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        groups = ("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
        password = "-".join(groups)
        try:
            create_person(
                username,
                password,
                display_name=options["display_name"],
                is_staff=options["staff"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{username}: {password}")
