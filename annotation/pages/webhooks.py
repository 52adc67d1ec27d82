"""The page about webhooks: who is told that work has ended, and what became of each message."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.webhooks import queries, services
from annotation.webhooks.models import EVENTS
from annotation.webhooks.tasks import deliver_soon

from .frame import project_page, render

SHOWN = 50
WORDS = {
    "estimate": gettext_lazy("Estimates"),
    "release": gettext_lazy("Releases"),
    "run": gettext_lazy("Runs"),
}


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        help_text=gettext_lazy("https, at a public address. Nothing inside a network is asked."),
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hook"}),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Tell it of"),
        choices=list(WORDS.items()),
        initial=list(EVENTS.values()),
        widget=forms.CheckboxSelectMultiple,
    )


@project_page(Role.CURATOR, methods=("GET", "HEAD", "POST"))
def webhooks(request: HttpRequest, access: Access) -> HttpResponse:
    """The addresses and what they were sent; a new one shows its secret, this once."""
    form, secret = WebhookForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _made, secret = services.create_webhook(
                access.project, access.person, **form.cleaned_data
            )
            form = WebhookForm()
        except ValidationError as error:
            form.add_error(None, error)
    return render(
        request,
        "webhooks/webhooks.html",
        access,
        status=400 if form.is_bound and form.errors else 200,
        form=form,
        secret=secret,
        webhooks=[(one, [WORDS[event] for event in one.events])
                  for one in queries.webhooks_of(access.project)],
        page=Paginator(queries.deliveries_of(access.project), SHOWN).get_page(
            request.GET.get("page")
        ),
    )  # fmt: skip


@project_page(Role.CURATOR, methods=("POST",))
def change(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Try an address, or tell it nothing more."""
    found = queries.webhooks_of(access.project).filter(pk=pk).first()
    deed = request.POST.get("deed", "")
    if found is None or deed not in ("ping", "delete"):
        raise Http404("No such webhook.")
    if deed == "ping":
        services.ping(found)
        deliver_soon()
        messages.success(request, _("A message is on its way; below you see what came back."))
    else:
        services.delete_webhook(found)
        messages.success(request, _("It is told nothing more."))
    return redirect("webhooks", access.project.slug)


@project_page(Role.CURATOR, methods=("POST",))
def again(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Send an ended delivery once more."""
    found = queries.deliveries_of(access.project).filter(pk=pk).first()
    if found is None:
        raise Http404("No such delivery.")
    services.send_again(found)
    deliver_soon()
    return redirect("webhooks", access.project.slug)


urlpatterns = [
    path("p/<slug:slug>/webhooks/", webhooks, name="webhooks"),
    path("p/<slug:slug>/webhooks/<int:pk>/", change, name="webhook-change"),
    path("p/<slug:slug>/webhooks/deliveries/<int:pk>/again/", again, name="webhook-again"),
]
