"""Make a person who can sign in; the password is made at random and printed once."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from annotation.audit.edges import OperatorCommand
from annotation.people.services import create_person, new_password


class Command(OperatorCommand):
    help = "Make a person; prints their password, which is kept nowhere else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="How pages call this person.")
        parser.add_argument("--email", default="")
        parser.add_argument("--staff", action="store_true", help="May open projects.")

    def handle(self, *args: Any, **options: Any) -> None:
        password = new_password()
        try:
            create_person(
                options["username"],
                password,
                display_name=options["name"],
                email=options["email"],
                is_staff=options["staff"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{options['username']} {password}\n")
