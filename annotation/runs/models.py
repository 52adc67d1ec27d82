"""Runs: one execution of a recipe on a release, and what came out."""

from django.db import models
from django.db.models.functions import Now

from annotation.jobs.models import Job
from annotation.people.models import Person, Project
from annotation.releases.models import Release


class Run(models.Model):
    """One training. The row appears with the job, so that a running one can be watched.

    A sweep is one job with several runs, trained one after another.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    release = models.ForeignKey(Release, models.PROTECT, related_name="runs")
    job = models.ForeignKey(Job, models.PROTECT, related_name="runs")
    recipe = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    code_version = models.CharField(max_length=60)
    folder = models.CharField(max_length=200)
    """Relative to ``RUNS_ROOT``."""
    metrics = models.JSONField(null=True, blank=True)
    """``training.run.RunReport.metrics`` once the run has ended well."""
    error = models.TextField(blank=True)
    """Why the last attempt at it failed."""
    files = models.JSONField(default=list)
    """Downloadable files: ``[{"path", "size", "sha256"}]``."""
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_run_per_number"),
            models.UniqueConstraint(
                fields=["job", "recipe", "seed"], name="one_run_per_recipe_and_seed_of_a_job"
            ),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"run {self.number}"

    @property
    def state(self) -> str:
        """One of the job's states; in a sweep the runs before this one must end first.

        Reads ``waits``, which ``queries.runs_of`` adds.
        """
        if self.metrics is not None:
            return Job.State.SUCCEEDED
        if self.error and self.job.state != Job.State.QUEUED:
            return Job.State.FAILED
        if self.job.state == Job.State.RUNNING and getattr(self, "waits", False):
            return Job.State.QUEUED
        return str(self.job.state)

    @property
    def is_live(self) -> bool:
        return self.state in (Job.State.QUEUED, Job.State.RUNNING)
