"""Inviting people: by one link for some, or by a table with a link for each; closing links."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotation.images.sidecar import text_of
from annotation.people import inviting, services
from annotation.people.models import Role
from annotation.people.queries import Access, invitations_of
from annotation.tables import written

from .frame import project_page, render
from .people import GET_POST, ROLES

MAX_TABLE_BYTES = 1_000_000
EXAMPLE = "name,role,days\nAda Lovelace,annotator,14\nGrace Hopper,coder,30"


class InvitationForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=list(ROLES.items()))
    note = forms.CharField(
        label=gettext_lazy("For whom"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("So that you know later whose link it was. May stay empty."),
    )
    max_uses = forms.IntegerField(
        label=gettext_lazy("For how many people"), min_value=1, max_value=10_000, initial=1
    )
    days = forms.IntegerField(
        label=gettext_lazy("Open for days"), min_value=1, max_value=365, initial=14
    )


class TableForm(forms.Form):
    table = forms.FileField(
        label=gettext_lazy("Table of people (CSV)"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy(
            "First line: name, and if wanted role and days. One link comes out for each line."
        ),
    )

    def clean_table(self) -> list[inviting.Wished]:
        file = self.cleaned_data["table"]
        if file.size > MAX_TABLE_BYTES:
            raise ValidationError(_("Larger than 1 MB; that is no list of people."))
        try:
            return inviting.read(text_of(file.read(), file.name))
        except ValueError as error:
            raise ValidationError(str(error)) from None


@project_page(Role.CURATOR, methods=GET_POST)
def invitations(request: HttpRequest, access: Access) -> HttpResponse:
    """A link for some people, and every link that still opens."""
    form = InvitationForm(request.POST or None)
    link = ""
    if form.is_bound and form.is_valid():
        _made, secret = services.invite(
            access.project,
            form.cleaned_data["role"],
            access.person,
            days=form.cleaned_data["days"],
            max_uses=form.cleaned_data["max_uses"],
            note=form.cleaned_data["note"],
        )
        link = _link(request, secret)
    return _page(request, access, form=form, link=link)


@project_page(Role.CURATOR, methods=("POST",))
def invite_table(request: HttpRequest, access: Access) -> HttpResponse:
    """A table of people in; the same table with their links out, in this one answer."""
    form = TableForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, access, table=form)
    wished = form.cleaned_data["table"]
    made = inviting.invite_all(access.project, wished, access.person)
    rows = [
        {
            "name": invitation.note,
            "role": invitation.role,
            "link": _link(request, secret),
            "open_until": invitation.expires_at.isoformat(timespec="minutes"),
        }
        for invitation, secret in made
    ]
    response = HttpResponse(written(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{access.project.slug}-links.csv"'
    response["Cache-Control"] = "no-store"
    return response


@project_page(Role.CURATOR, methods=("POST",))
def close_invitation(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Close a link, or every open one where ``pk`` is 0."""
    rows = invitations_of(access.project)
    found = list(rows if pk == 0 else rows.filter(pk=pk))
    if pk and not found:
        raise Http404("No such invitation is open.")
    for invitation in found:
        services.revoke_invitation(invitation)
    said = ngettext("%d link is closed.", "%d links are closed.", len(found)) % len(found)
    messages.success(request, said + " " + _("Who came by it stays."))
    return redirect("invitations", access.project.slug)


def _page(request: HttpRequest, access: Access, link: str = "", **given: Any) -> HttpResponse:
    told = {"form": InvitationForm(), "table": TableForm(), **given}
    is_wrong = any(form.is_bound and not form.is_valid() for form in told.values())
    response = render(
        request,
        "people/invitations.html",
        access,
        status=400 if is_wrong else 200,
        link=link,
        example=EXAMPLE,
        invitations=list(invitations_of(access.project)),
        **told,
    )
    if link:
        response["Cache-Control"] = "no-store"
    return response


def _link(request: HttpRequest, secret: str) -> str:
    return request.build_absolute_uri(reverse("invitation", args=[secret]))


urlpatterns = [
    path("p/<slug:slug>/people/invitations/", invitations, name="invitations"),
    path("p/<slug:slug>/people/invitations/table/", invite_table, name="invite-table"),
    path("p/<slug:slug>/people/invitations/<int:pk>/close/", close_invitation,
         name="invitation-close"),
]  # fmt: skip
