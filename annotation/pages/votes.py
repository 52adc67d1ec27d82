"""The page of raw votes: download them, bring votes that were collected elsewhere."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotation.labelling.queries import progress
from annotation.labelling.table_api import MAX_TABLE_BYTES, take_votes
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import project_page, render


@project_page(Role.CURATOR, methods=("GET", "HEAD", "POST"))
def votes(request: HttpRequest, access: Access) -> HttpResponse:
    """How many votes there are, both downloads, and a form for a table."""
    if request.method == "POST":
        table = request.FILES.get("table")
        try:
            if table is None:
                raise ValidationError(_("Choose a file first."))
            n = take_votes(access.project, table)
            told = ngettext("%(n)s new vote is stored.", "%(n)s new votes are stored.", n)
            messages.success(request, told % {"n": f"{n:,}"})
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("votes", access.project.slug)
    return render(
        request,
        "people/votes.html",
        access,
        progress=progress(access.project),
        max_mb=MAX_TABLE_BYTES // 2**20,
    )


urlpatterns = [path("p/<slug:slug>/votes/", votes, name="votes")]
