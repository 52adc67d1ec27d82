"""``manage.py import_images PROJECT PATH``: a folder or zip of photographs into a project."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.images.services import request_bucket_import, request_import
from annotation.jobs.console import perform_here
from annotation.jobs.tasks import wake
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand

SHOWN = 20


class Command(ProjectCommand):
    help = "Import a folder or zip of photographs, with metadata.csv or labels if it holds them."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "path", type=Path, nargs="?", help="A folder or a zip file on this machine."
        )
        parser.add_argument(
            "--bucket", metavar="PREFIX", help="Instead: what lies below PREFIX in IMPORT_BUCKET."
        )
        parser.add_argument(
            "--queue", action="store_true", help="Leave the work to the site's worker."
        )

    def work(self, project: Project, **options: Any) -> None:
        path, prefix = options["path"], options["bucket"]
        if (path is None) == (prefix is None):
            raise CommandError("Give either a path or --bucket PREFIX.")
        job, is_new = (
            request_import(project, path, None)
            if prefix is None
            else request_bucket_import(project, prefix, None)
        )
        if not is_new:
            raise CommandError(f"Job {job.pk} already imports into {project.slug}; wait for it.")
        if options["queue"]:
            wake(job)
            self.stdout.write(f"Job {job.pk} is queued.\n")
            return
        perform_here(job, self.stdout)
        record = job.imported
        self.stdout.write(
            f"{record.n_imported:,} of {record.n_seen:,} files imported, "
            f"{record.n_refused:,} refused, {record.n_flagged:,} flagged as near copies.\n"
        )
        for remark in record.report[:SHOWN]:
            self.stdout.write(f"  {remark['what']:<8} {remark['file']}: {remark['why']}\n")
        if len(record.report) > SHOWN:
            more = len(record.report) - SHOWN
            self.stdout.write(f"  … and {more:,} more: see the import's report on the site.\n")
