"""Pages about take-downs: the public form, what became of it, and what curators decide."""

import re
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.runs.queries import affected_runs
from annotation.takedowns import queries, services
from annotation.takedowns.api import sender_of
from annotation.takedowns.models import Match, Request
from annotation.takedowns.tasks import follow_soon

from .frame import person_page, project_page, render

GET_POST = ("GET", "HEAD", "POST")
SHOWN = 100
UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class WishForm(forms.Form):
    where = forms.CharField(
        label=gettext_lazy("Where is the picture?"),
        max_length=2000,
        required=False,
        help_text=gettext_lazy(
            "The address of the photograph (https://…), or the number of the image on this site."
        ),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocapitalize": "none"}),
    )
    picture = forms.FileField(
        label=gettext_lazy("Or send a copy of it"),
        required=False,
        help_text=gettext_lazy(
            "JPEG, PNG or WebP. It is compared with the collection and not kept."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    message = forms.CharField(
        label=gettext_lazy("Anything we should know"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    contact = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        help_text=gettext_lazy("Only if the curators may ask you something."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        where = said.get("where", "").strip()
        number = UID.search(where)
        said["image"] = uuid.UUID(number.group()) if number else None
        said["source_url"] = "" if number else where
        if where and not number and not where.startswith(("http://", "https://")):
            self.add_error("where", _("An address begins with https://."))
        return said


@require_http_methods(list(GET_POST))
def ask(request: HttpRequest) -> HttpResponse:
    """The form for everybody; the answer never says whether the picture is here."""
    form = WishForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return render(request, "takedowns/ask.html", form=form)
    status = 400
    if form.is_valid():
        try:
            made = services.ask(_wish(form), sender_of(request))
            follow_soon()
            return redirect("takedown-outcome", made.reference)
        except ValidationError as error:
            form.add_error(None, error.messages)
        except services.TooMany as error:
            form.add_error(None, str(error))
            status = 429
    return render(request, "takedowns/ask.html", status=status, form=form)


@require_http_methods(["GET", "HEAD"])
def outcome(request: HttpRequest, reference: str) -> HttpResponse:
    """What became of a request, for whoever has its address."""
    found = queries.find_request(reference)
    if found is None:
        raise Http404("No such request.")
    response = render(
        request, "takedowns/outcome.html", asked=found, outcome=queries.outcome_of(found)
    )
    patch_cache_control(response, private=True, no_store=True)
    return response


@project_page(Role.CURATOR)
def takedowns(request: HttpRequest, access: Access) -> HttpResponse:
    """What is to be decided, what was, and which trained models are touched by it."""
    rows = queries.matches_of(access.project)
    return render(
        request,
        "takedowns/takedowns.html",
        access,
        waiting=rows.filter(state=Match.State.WAITING)[:SHOWN],
        decided=rows.exclude(state=Match.State.WAITING)[:SHOWN],
        runs=affected_runs(access.project),
    )


@project_page(Role.CURATOR, methods=("POST",))
def decide(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    match = queries.matches_of(access.project).filter(pk=pk).first()
    if match is None:
        raise Http404("No such request.")
    try:
        deed = request.POST.get("deed", "")
        if deed not in (Match.State.TAKEN_DOWN, Match.State.KEPT):
            raise ValidationError(_("Nothing was chosen."))
        services.decide(match, deed, access.person, request.POST.get("note", ""))
        follow_soon()
        messages.success(request, _("Done."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("takedowns", access.project.slug)


@person_page(staff=True)
def unmatched(request: HttpRequest) -> HttpResponse:
    """For the staff: requests that no image of the site matched."""
    return render(request, "takedowns/unmatched.html", requests=queries.unmatched()[:SHOWN])


@person_page(staff=True, methods=("POST",))
def close(request: HttpRequest, pk: int) -> HttpResponse:
    found = Request.objects.filter(pk=pk).first()
    if found is None:
        raise Http404("No such request.")
    try:
        services.close(found, request.user, request.POST.get("note", ""))
        messages.success(request, _("Answered."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("takedowns-unmatched")


def _wish(form: WishForm) -> services.Wish:
    said = form.cleaned_data
    file = said.get("picture")
    return services.Wish(
        image=said["image"],
        source_url=said["source_url"],
        picture=file.read() if file else None,
        message=said["message"],
        contact=said["contact"],
    )


urlpatterns = [
    path("take-down/", ask, name="takedown-ask"),
    path("take-down/unmatched/", unmatched, name="takedowns-unmatched"),
    path("take-down/unmatched/<int:pk>/", close, name="takedown-close"),
    path("take-down/<str:reference>/", outcome, name="takedown-outcome"),
    path("p/<slug:slug>/take-downs/", takedowns, name="takedowns"),
    path("p/<slug:slug>/take-downs/<int:pk>/decide/", decide, name="takedown-decide"),
]
