"""The start: one's projects, and each project's home with the line at a glance."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.people.models import Project
from annotation.people.queries import Access, projects_of
from annotation.people.services import create_project

from .frame import person_page, project_page, render


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
    return render(request, "home/projects.html", projects=projects)


@person_page(staff=True, methods=("GET", "HEAD", "POST"))
def new_project(request: HttpRequest) -> HttpResponse:
    """Open a project; whoever opens it is its first curator."""
    form = NewProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = create_project(curator=request.user, **form.cleaned_data)
        messages.success(request, _("The project is open. You are its curator."))
        return redirect("project", project.slug)
    return render(request, "home/new_project.html", form=form, status=400 if form.is_bound else 200)


@project_page()
def project(request: HttpRequest, access: Access) -> HttpResponse:
    """The line at a glance, and the one next thing to do."""
    return render(request, "home/project.html", access)


urlpatterns = [
    path("", home, name="home"),
    path("new-project/", new_project, name="new-project"),
    path("p/<slug:slug>/", project, name="project"),
]
