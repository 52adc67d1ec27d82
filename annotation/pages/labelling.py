"""The page where faces are labelled."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from annotation.learning import lesson
from annotation.learning import tutorial as tutorials
from annotation.learning.queries import consent_in_force, next_step
from annotation.people.models import Project, Role
from annotation.people.queries import Access
from reliability.expressions import Expression

from .frame import project_page, render
from .lessons import face_shown
from .words import EXPRESSIONS, FLAGS, HINTS

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"
MODULES = ("letters", "outbox", "queue", "session", "told")
"""What the page's script imports: named in its head, so that they come together."""


@project_page(Role.ANNOTATOR)
def label(request: HttpRequest, access: Access) -> HttpResponse:
    """One face, seven keys; everything after the first load goes through the API."""
    slug = access.project.slug
    if access.annotator and (step := next_step(access.annotator)):
        return redirect(step, slug)
    face = reverse("api:image-file", args=[slug, PLACEHOLDER])
    me = access.annotator
    text = consent_in_force(access.project)
    return render(
        request,
        "labelling/label.html",
        access,
        modules=MODULES,
        choices=_choices(access.project),
        warning=text.warning if text else "",
        flags=list(FLAGS.items()),
        outbox=f"rafter-{slug}-{me.code if me else ''}",
        assignments_url=reverse("api:assignment-list", args=[slug]),
        vote_url=reverse("api:assignment-vote", args=[slug, 0]),
        flag_url=reverse("api:assignment-flag", args=[slug, 0]),
        face_url=f"{face}?size=display",
        placeholder=PLACEHOLDER,
    )


def _choices(project: Project) -> list[dict[str, Any]]:
    """The seven with what the tutorial says of each; our own words where it is silent."""
    steps = tutorials.steps_of(project)
    pictures = tutorials.pictures_of(project, steps)
    told = lesson.reminders(steps)
    choices = []
    for e in Expression:
        name = e.name.lower()
        usual = tuple(lesson.Face(f"{name}-{n}") for n in (1, 3, 6))
        reminder = told.get(e) or lesson.Reminder(str(HINTS[e]), usual)
        faces = [face_shown(project, face, pictures) for face in reminder.faces]
        choices.append(
            {
                "name": name,
                "key": e.file_label,
                "word": EXPRESSIONS[e],
                "meaning": reminder.text,
                "faces": [face for face in faces if face["url"]],
            }
        )
    return choices


urlpatterns = [path("p/<slug:slug>/label/", label, name="label")]
