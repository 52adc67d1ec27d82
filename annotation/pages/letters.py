"""Messages to people of a project: write, see who has read, take back; and reading one's own."""

import re

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotation.letters import queries, services
from annotation.letters.models import MAX_TEXT
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import person_page, project_page, render

N_SHOWN = 50


class LetterForm(forms.Form):
    to = forms.CharField(
        label=gettext_lazy("To"),
        required=False,
        max_length=20_000,
        help_text=gettext_lazy("Codes, with blanks between. Empty: every annotator at work."),
    )
    text = forms.CharField(
        label=gettext_lazy("Message"),
        max_length=MAX_TEXT,
        help_text=gettext_lazy(
            "Plain words. It stands at the top of their pages until they have read it."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
    )


@project_page(Role.CURATOR, methods=("GET", "HEAD", "POST"))
def letters(request: HttpRequest, access: Access) -> HttpResponse:
    """Write a message; what was sent before, and who has read it. ``to`` names codes."""
    named = " ".join(request.GET.getlist("to"))[:20_000]
    form = LetterForm(request.POST or None, initial={"to": named})
    if form.is_bound and form.is_valid():
        codes = [code for code in re.split(r"[\s,;]+", form.cleaned_data["to"]) if code]
        try:
            sent = services.send(access.project, form.cleaned_data["text"], access.person, codes)
            n = sent.deliveries.count()
            said = ngettext("Sent to %d person.", "Sent to %d people.", n) % n
            messages.success(request, said)
            return redirect("letters", access.project.slug)
        except ValidationError as error:
            form.add_error(None, error)
    return render(
        request,
        "letters/letters.html",
        access,
        form=form,
        letters=queries.letters_of(access.project)[:N_SHOWN],
        status=400 if form.is_bound else 200,
    )


@project_page(Role.CURATOR, methods=("POST",))
def take_back(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    letter = queries.letters_of(access.project).filter(pk=pk).first()
    if letter is None:
        raise Http404("No such message.")
    services.withdraw(letter)
    messages.success(request, _("Taken back from everybody who has not read it."))
    return redirect("letters", access.project.slug)


@person_page(methods=("POST",))
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """One has read a message; back to where it stood."""
    services.note_read(request.user, pk)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return redirect(back if is_ours else "home")


urlpatterns = [
    path("p/<slug:slug>/messages/", letters, name="letters"),
    path("p/<slug:slug>/messages/<int:pk>/take-back/", take_back, name="letter-take-back"),
    path("messages/<int:pk>/read/", read, name="letter-read"),
]
