"""``manage.py find_faces PROJECT``: look for faces in every image that has no box yet."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.faces.services import request_faces
from annotation.jobs.console import perform_here
from annotation.jobs.tasks import wake
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand


class Command(ProjectCommand):
    help = "Look for faces; photographs in doubt are listed on the site for a decision."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--again", action="store_true", help="Look again where no good face was found."
        )
        parser.add_argument(
            "--queue", action="store_true", help="Leave the work to the site's worker."
        )

    def work(self, project: Project, **options: Any) -> None:
        job, is_new = request_faces(project, None, again=options["again"])
        if not is_new:
            raise CommandError(f"Job {job.pk} already looks for faces; wait for it.")
        if options["queue"]:
            wake(job)
            self.stdout.write(f"Job {job.pk} is queued.\n")
            return
        perform_here(job, self.stdout)
