"""What waits for a curator, the most urgent first, and the one next step of a project."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotation.estimates.models import Estimate
from annotation.faces.queries import doubtful
from annotation.jobs.kinds import KINDS
from annotation.jobs.models import Job
from annotation.labelling.flags import n_images_waiting
from annotation.labelling.queries import Progress
from annotation.people.models import Project
from annotation.takedowns.queries import waiting_in

WORTH_AGAIN = 0.01
"""New votes, as a share of those of the last estimate, from which the next estimate is due."""


@dataclass(frozen=True)
class Waiting:
    """Something to decide: what it is, where (a url name with its arguments), and what to press."""

    name: str
    words: str
    deed: str | Promise
    key: Any = None
    tone: str = "info"


def waiting(project: Project, ended: list[Job]) -> list[Waiting]:
    """Take-downs, a job that failed last, photographs in doubt, flags: each where there is one."""
    found = []
    if n := waiting_in(project).count():
        said = ngettext("%d picture is to be taken down.", "%d pictures are to be taken down.", n)
        found.append(Waiting("takedowns", said % n, _("Decide on take-downs"), tone="bad"))
    if ended and ended[0].state == Job.State.FAILED:
        said = _("%s failed.") % KINDS[ended[0].kind].title
        found.append(Waiting("job", said, _("See why"), ended[0].pk, "bad"))
    if n := doubtful(project).count():
        said = ngettext("%d photograph is in doubt.", "%d photographs are in doubt.", n)
        found.append(Waiting("faces", said % n, _("Decide which faces to take")))
    if n := n_images_waiting(project):
        said = ngettext("%d image could not be labelled.", "%d images could not be labelled.", n)
        found.append(Waiting("flags", said % n, _("Decide on flags"), tone="warn"))
    return found


def next_step(
    done: Progress,
    todo: list[Waiting],
    estimate: Estimate | None,
    n_new: int,
    *,
    has_release: bool,
    has_run: bool,
) -> tuple[str, str] | None:
    """Where the next thing to do is done (a url name), and what it is called."""
    if done.n_images == 0:
        return "import", _("Import photographs")
    if todo and todo[0].name == "takedowns":
        return "takedowns", str(todo[0].deed)
    if done.n_annotators == 0:
        return "invitations", _("Invite annotators")
    if done.n_votes == 0:
        return "invitations", _("Invite more annotators: nobody has voted yet")
    if any(one.name == "flags" for one in todo):
        return "flags", _("Decide on what could not be labelled")
    if estimate is None:
        return "estimates", _("Estimate who is reliable")
    if n_new > WORTH_AGAIN * estimate.n_votes:
        return "estimates", _("Estimate again: there are new votes")
    if not has_release:
        return "releases", _("Publish a release")
    if not has_run:
        return "runs", _("Train a network")
    return None
