"""An annotator's own pages: consent, what they did, and the way out."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _

from annotation.labelling import queries as labelling
from annotation.learning import consent as consents
from annotation.learning import queries
from annotation.learning.standing import standing_of
from annotation.people.models import AfterWithdrawal, Membership, Role
from annotation.people.queries import Access

from .frame import project_page, render

GET_POST = ("GET", "HEAD", "POST")


@project_page(Role.ANNOTATOR, methods=GET_POST)
def consent(request: HttpRequest, access: Access) -> HttpResponse:
    """What one is asked to agree to, before the first face and whenever the text changes."""
    me = annotator(access)
    text = queries.consent_in_force(access.project)
    if request.method == "POST":
        try:
            consents.give_consent(me, _version(request))
        except ValidationError:
            messages.error(request, _("The text changed meanwhile. Please read it again."))
            return redirect("consent", access.project.slug)
        return redirect("label", access.project.slug)
    given = queries.consent_of(me)
    return render(
        request,
        "learning/consent.html",
        access,
        text=text,
        given=given,
        is_asked=bool(text) and me.consent_version < access.project.consent_version,
        discards=access.project.after_withdrawal == AfterWithdrawal.DISCARD,
    )


@project_page(Role.ANNOTATOR)
def me(request: HttpRequest, access: Access) -> HttpResponse:
    """What one did here, in plain words; what one agreed to; the way out."""
    mine = annotator(access)
    return render(
        request,
        "learning/me.html",
        access,
        me=mine,
        work=labelling.work_of(mine),
        standing=standing_of(mine),
        given=queries.consent_of(mine),
        discards=access.project.after_withdrawal == AfterWithdrawal.DISCARD,
    )


@project_page(Role.ANNOTATOR, methods=("POST",))
def withdraw(request: HttpRequest, access: Access) -> HttpResponse:
    """Leave the project and take the consent back."""
    consents.withdraw(annotator(access))
    if access.project.after_withdrawal == AfterWithdrawal.DISCARD:
        said = _("You left %s. Your answers no longer count. Thank you for your time.")
    else:
        said = _("You left %s. Your answers stay under a code. Thank you for your time.")
    messages.success(request, said % access.project.name)
    return redirect("home")


def annotator(access: Access) -> Membership:
    """This person's membership as annotator."""
    if access.annotator is None:
        raise Http404("No such page.")
    return access.annotator


def _version(request: HttpRequest) -> int:
    told = request.POST.get("version", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0


urlpatterns = [
    path("p/<slug:slug>/consent/", consent, name="consent"),
    path("p/<slug:slug>/me/", me, name="me"),
    path("p/<slug:slug>/me/withdraw/", withdraw, name="withdraw"),
]
