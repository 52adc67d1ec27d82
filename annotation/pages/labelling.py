"""The page where faces are labelled."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from annotation.learning.queries import next_step
from annotation.people.models import Role
from annotation.people.queries import Access
from reliability.expressions import Expression

from .frame import project_page, render
from .words import EXPRESSIONS, FLAGS, HINTS

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"


@project_page(Role.ANNOTATOR)
def label(request: HttpRequest, access: Access) -> HttpResponse:
    """One face, seven keys; everything after the first load goes through the API."""
    slug = access.project.slug
    if access.annotator and (step := next_step(access.annotator)):
        return redirect(step, slug)
    face = reverse("api:image-file", args=[slug, PLACEHOLDER])
    me = access.annotator
    return render(
        request,
        "labelling/label.html",
        access,
        choices=[(e.name.lower(), EXPRESSIONS[e], HINTS[e], e.file_label) for e in Expression],
        flags=list(FLAGS.items()),
        outbox=f"rafter-{slug}-{me.code if me else ''}",
        assignments_url=reverse("api:assignment-list", args=[slug]),
        vote_url=reverse("api:assignment-vote", args=[slug, 0]),
        flag_url=reverse("api:assignment-flag", args=[slug, 0]),
        face_url=f"{face}?size=display",
        placeholder=PLACEHOLDER,
    )


urlpatterns = [path("p/<slug:slug>/label/", label, name="label")]
