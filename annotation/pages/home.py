"""The start: one's projects, and each project's home with the line at a glance."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.estimates.models import Estimate
from annotation.estimates.queries import clearest_of, latest_estimate, votes_since
from annotation.jobs.kinds import KINDS
from annotation.jobs.models import Job
from annotation.jobs.queries import elapsed, jobs_of
from annotation.labelling.queries import progress, work_of
from annotation.learning.consent import DEFAULT_TEXT, write_consent
from annotation.people.models import Project, Role
from annotation.people.queries import Access, projects_of
from annotation.people.services import create_project
from annotation.releases.queries import latest_release
from annotation.runs.queries import latest_run

from .crowd import crowd_of
from .frame import person_page, project_page, render
from .todo import next_step, waiting
from .words import EXPRESSIONS

N_LATELY = 5


class NewProjectForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = ["name", "description", "target_votes", "licence"]
        labels = {
            "name": gettext_lazy("Name"),
            "description": gettext_lazy("What is it about?"),
            "target_votes": gettext_lazy("Votes per image"),
            "licence": gettext_lazy("Licence of the photographs"),
        }
        help_texts = {
            "target_votes": gettext_lazy("From how many different people. The paper took 40."),
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


@person_page()
def home(request: HttpRequest) -> HttpResponse:
    """The projects of this person; straight to the only one."""
    projects = list(projects_of(request.user))
    if len(projects) == 1 and not request.user.is_staff:
        return redirect("project", projects[0].slug)
    for row in projects:
        row.progress = progress(row)
    return render(request, "home/projects.html", projects=projects)


@person_page(staff=True, methods=("GET", "HEAD", "POST"))
def new_project(request: HttpRequest) -> HttpResponse:
    """Open a project; whoever opens it is its first curator."""
    form = NewProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = create_project(curator=request.user, **form.cleaned_data)
        write_consent(project, DEFAULT_TEXT, request.user)
        messages.success(request, _("The project is open. You are its curator."))
        return redirect("project", project.slug)
    return render(request, "home/new_project.html", form=form, status=400 if form.is_bound else 200)


@project_page()
def project(request: HttpRequest, access: Access) -> HttpResponse:
    """The line at a glance, and the one next thing to do."""
    if not access.has(Role.CURATOR, Role.RESEARCHER):
        me = access.annotator
        work = work_of(me) if me else None
        return render(request, "home/annotator.html", access, work=work)
    last, release = latest_estimate(access.project), latest_release(access.project)
    run, done = latest_run(access.project), progress(access.project)
    n_new = votes_since(last, access.project) if last else 0
    live, lately = _jobs(access)
    told: dict[str, Any] = {}
    if access.is_curator:
        todo = waiting(access.project, lately)
        step = next_step(
            done, todo, last, n_new, has_release=release is not None, has_run=run is not None
        )
        told = {"todo": todo, "step": None if live else step, "stands": _stands(access.project)}
    return render(
        request,
        "home/project.html",
        access,
        progress=done,
        estimate=last,
        release=release,
        run=run,
        n_new=n_new,
        live=live,
        lately=lately,
        shown=_shown(last),
        **told,
    )


def _stands(project: Project) -> list[tuple[str, Any, int]]:
    """Where the annotators stand, as far as anybody stands there; once there is a vote."""
    crowd = crowd_of(project, {"role": Role.ANNOTATOR})
    if not any(row.n_votes for row in crowd.rows):
        return []
    return [(name, word, n) for name, word, n in crowd.states if n]


def _jobs(access: Access) -> tuple[list[Job], list[Job]]:
    """What is under way, and for curators what ended last."""
    live = list(jobs_of(access.project).filter(state__in=["queued", "running"]))
    ended = jobs_of(access.project).exclude(state__in=["queued", "running"])
    lately = list(ended[:N_LATELY]) if access.is_curator else []
    for job in live + lately:
        job.title, job.elapsed = KINDS[job.kind].title, elapsed(job)
    return live, lately


def _shown(estimate: Estimate | None) -> list[dict[str, Any]]:
    """The seven expressions as the last estimate sees them, each with its clearest face."""
    if estimate is None:
        return []
    found = clearest_of(estimate)
    most = max((n for n, _image in found.values()), default=0)
    return [
        {"word": word, "n": n, "most": most, "image": image}
        for expression, word in EXPRESSIONS.items()
        for n, image in [found.get(expression, (0, None))]
    ]


urlpatterns = [
    path("", home, name="home"),
    path("new-project/", new_project, name="new-project"),
    path("p/<slug:slug>/", project, name="project"),
]
