"""The log of what curators and operators did. Rows are added and never changed: ``protection``."""

from django.db import models
from django.db.models.functions import Now

from annotation.people.models import Person, Project


class Kind(models.TextChoices):
    """What a deed is about."""

    PROJECT = "project"
    PEOPLE = "people"
    IMAGES = "images"
    FACES = "faces"
    LEARNING = "learning"
    VOTES = "votes"
    FLAGS = "flags"
    MESSAGES = "messages"
    ESTIMATES = "estimates"
    RELEASES = "releases"
    RUNS = "runs"
    TAKEDOWNS = "takedowns"
    JOBS = "jobs"
    ACCOUNTS = "accounts"
    COMMANDS = "commands"
    OTHER = "other"


class Door(models.TextChoices):
    """Through what the deed came."""

    PAGE = "page"
    API = "api"
    COMMAND = "command"


class Entry(models.Model):
    """One deed: who did it, when, to what, and what was before and after, in words."""

    at = models.DateTimeField(db_default=Now())
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="+")
    """Null for what belongs to no project: accounts, tokens, requests that matched nothing."""
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    who = models.CharField(max_length=150)
    """The user name at that time; for a command, the operator's on the machine."""
    door = models.CharField(max_length=7, choices=Door)
    token = models.CharField(max_length=80, blank=True)
    """The name of the token that was used, if one was."""
    network = models.CharField(max_length=50, blank=True)
    """The network that the request came from, without the last part of the address."""
    kind = models.CharField(max_length=9, choices=Kind)
    subject = models.CharField(max_length=200, blank=True)
    words = models.CharField(max_length=300)
    before = models.CharField(max_length=500, blank=True)
    after = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["project", "-id"], name="entry_by_project")]

    def __str__(self) -> str:
        return f"{self.who} {self.words}"
