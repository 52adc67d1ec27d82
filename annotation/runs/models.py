"""Runs: one execution of a recipe on a release, and what came out."""

from django.db import models
from django.db.models.functions import Now

from annotation.jobs.models import Job
from annotation.people.models import Person, Project
from annotation.releases.models import Release


class Run(models.Model):
    """One training. The row appears with the job, so that a running one can be watched."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    release = models.ForeignKey(Release, models.PROTECT, related_name="runs")
    job = models.OneToOneField(Job, models.PROTECT, related_name="run")
    recipe = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    code_version = models.CharField(max_length=60)
    folder = models.CharField(max_length=200)
    """Relative to ``RUNS_ROOT``."""
    metrics = models.JSONField(null=True, blank=True)
    """``training.run.RunReport.metrics`` once the run has ended well."""
    files = models.JSONField(default=list)
    """Downloadable files: ``[{"path", "size", "sha256"}]``."""
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_run_per_number"),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"run {self.number}"
