"""``manage.py create_project "Name" --curator NAME``: open a project; prints its short name."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.people.models import Person
from annotation.people.services import create_project


class Command(BaseCommand):
    help = "Open a project and make a person its first curator; prints the project's short name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--curator", required=True, help="User name of an existing account.")
        parser.add_argument("--target-votes", type=int, default=40, help="Votes per image.")
        parser.add_argument("--description", default="")

    def handle(self, *args: Any, name: str, curator: str, **options: Any) -> None:
        person = Person.objects.filter(username=curator).first()
        if person is None:
            raise CommandError(f"There is no person {curator!r}; make one with create_person.")
        try:
            project = create_project(
                name,
                person,
                target_votes=options["target_votes"],
                description=options["description"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(project.slug)
