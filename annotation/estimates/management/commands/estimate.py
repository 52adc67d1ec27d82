"""Estimate reliabilities, consensus and subsets from a project's present votes."""

from typing import Any

from django.core.management.base import CommandParser

from annotation.estimates import queries, services
from annotation.jobs.console import perform_here
from annotation.people.models import Project
from annotation.people.project_command import ProjectCommand
from reliability import Subset


class Command(ProjectCommand):
    help = "Freeze the votes, fit the model, screen the annotators and partition the images."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--method", choices=services.METHODS, default="glad")
        parser.add_argument("--seed", type=int, default=0)

    def work(self, project: Project, **options: Any) -> None:
        job, _ = services.request_estimate(
            project, None, method=options["method"], seed=options["seed"]
        )
        perform_here(job, self.stdout)
        job.refresh_from_db()
        made = job.estimate
        self.stdout.write(
            f"Estimate {made.number}: {made.n_votes:,} votes on {made.n_items:,} images, "
            f"{made.n_kept} of {made.n_annotators} annotators kept.\n"
        )
        for subset in Subset:
            n = made.items.filter(subset=subset).count()
            self.stdout.write(f"  {subset.title:<16} {n:>7,}\n")
        self.stdout.write(f"Tables and figures: {queries.folder_of(made)}\n")
