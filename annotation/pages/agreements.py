"""Pages about the data-use agreement and about who downloaded what."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.agreements import queries, services
from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.releases import services as releasing
from annotation.releases.queries import downloads_in

from .frame import READERS, person_page, project_page, render

SHOWN = 200


class AcceptanceForm(forms.Form):
    institution = forms.CharField(
        label=gettext_lazy("Institution"),
        max_length=200,
        help_text=gettext_lazy("Where you work or study."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    purpose = forms.CharField(
        label=gettext_lazy("Purpose"),
        max_length=2000,
        help_text=gettext_lazy("What you want the pictures and labels for, in a few words."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@project_page(*READERS)
def agreement(request: HttpRequest, access: Access) -> HttpResponse:
    """The version that holds: to accept for researchers, to rewrite for curators."""
    return _agreement(request, access, AcceptanceForm())


@project_page(*READERS, methods=("POST",))
def accept(request: HttpRequest, access: Access) -> HttpResponse:
    """Accept the version that was read, then go on to where the download is."""
    form = AcceptanceForm(request.POST)
    now = services.agreement_of(access.project)
    if request.POST.get("version") != str(now.number):
        messages.error(request, _("The agreement changed meanwhile. Please read it again."))
        return redirect("agreement", access.project.slug)
    if not form.is_valid():
        return _agreement(request, access, form)
    services.accept(now, access.person, **form.cleaned_data)
    messages.success(request, _("Thank you. You can download now."))
    return redirect(_onward(request, access))


@project_page(Role.CURATOR, methods=("POST",))
def rewrite(request: HttpRequest, access: Access) -> HttpResponse:
    """Publish another text as the next version."""
    try:
        services.publish_agreement(
            access.project, request.POST.get("text", "")[:50_000], access.person
        )
        messages.success(request, _("Published. Everybody accepts it before their next download."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("agreement", access.project.slug)


@project_page(*READERS)
def downloads(request: HttpRequest, access: Access) -> HttpResponse:
    """Who fetched what, when and how much; researchers see their own."""
    page = Paginator(downloads_in(access), SHOWN).get_page(request.GET.get("page"))
    return render(request, "releases/downloads.html", access, page=page)


@person_page(methods=("POST",))
def read_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a notice away that one has read."""
    releasing.read_notice(request.user, pk)
    came_from = request.headers.get("Referer", "")
    return redirect(came_from if _is_ours(request, came_from) else "home")


def _agreement(request: HttpRequest, access: Access, form: AcceptanceForm) -> HttpResponse:
    now = services.agreement_of(access.project)
    is_curator = access.is_curator
    return render(
        request,
        "agreements/agreement.html",
        access,
        status=400 if form.is_bound else 200,
        agreement=now,
        mine=queries.acceptance_of(now, access.person),
        form=form,
        onward=request.GET.get("next", request.POST.get("next", "")),
        acceptances=queries.acceptances_of(access.project)[:SHOWN] if is_curator else None,
    )


def _onward(request: HttpRequest, access: Access) -> str:
    asked = request.POST.get("next", "")
    return asked if _is_ours(request, asked) else reverse("releases", args=[access.project.slug])


def _is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})


urlpatterns = [
    path("p/<slug:slug>/agreement/", agreement, name="agreement"),
    path("p/<slug:slug>/agreement/accept/", accept, name="agreement-accept"),
    path("p/<slug:slug>/agreement/text/", rewrite, name="agreement-text"),
    path("notices/<int:pk>/read/", read_notice, name="notice-read"),
    path("p/<slug:slug>/downloads/", downloads, name="downloads"),
]
