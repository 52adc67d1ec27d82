"""Pages about collecting: ask for photographs by keyword or manifest, and see what came of it."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.collecting import manifest, orders, queries, services
from annotation.images.licences import LICENCES, OPEN
from annotation.jobs.queries import live_job
from annotation.jobs.tasks import wake
from annotation.people.models import Role
from annotation.people.queries import Access
from reliability.expressions import NAMES, Expression

from .frame import project_page, render
from .words import EXPRESSIONS

GET_POST = ("GET", "HEAD", "POST")


class SearchForm(forms.Form):
    """One line of words for each expression, then which photographs."""

    limit = forms.IntegerField(
        label=gettext_lazy("Photographs in all"), min_value=1, max_value=orders.MAX_LIMIT,
        initial=2_000,
    )  # fmt: skip
    uploaded_from = forms.DateField(
        label=gettext_lazy("Uploaded from"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
    uploaded_to = forms.DateField(
        label=gettext_lazy("Uploaded until"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
    licences = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Licences"), coerce=int, initial=OPEN,
        choices=[(one.number, one.name) for one in LICENCES],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "All rights reserved and no derivatives (ND) can be labelled, but stay out of releases."
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in NAMES:
            self.fields[name] = forms.CharField(
                label=EXPRESSIONS[Expression[name.upper()]], required=False, max_length=400,
                initial=", ".join(orders.KEYWORDS[name]),
            )  # fmt: skip
        self.order_fields([*NAMES, "limit", "uploaded_from", "uploaded_to", "licences"])

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if self.errors:
            return told
        words = {n: [w for w in told[n].split(",") if w.strip()] for n in NAMES}
        try:
            told["order"] = orders.checked(
                words, told["limit"], told["licences"], told["uploaded_from"], told["uploaded_to"]
            )
        except ValidationError as error:
            raise ValidationError(error.messages) from None
        return told


class ManifestForm(forms.Form):
    manifest = forms.FileField(
        label=gettext_lazy("CSV or JSON Lines, with a column url"),
        widget=forms.FileInput(attrs={"accept": ".csv,.json,.jsonl,.ndjson,.txt"}),
    )

    def clean_manifest(self) -> Any:
        file = self.cleaned_data["manifest"]
        if file.size > manifest.MAX_BYTES:
            raise ValidationError(_("Larger than 64 MB; send it in parts."))
        return file


@project_page(Role.CURATOR, methods=GET_POST)
def collect(request: HttpRequest, access: Access) -> HttpResponse:
    """Ask for photographs: a search on Flickr, or the addresses of a manifest."""
    sent = request.POST.get("door") if request.method == "POST" else None
    search = SearchForm(request.POST if sent == "flickr" else None)
    told = ManifestForm(*((request.POST, request.FILES) if sent == "manifest" else ()))
    form = {"flickr": search, "manifest": told}.get(sent or "")
    if form is not None and form.is_valid():
        try:
            job, is_new = _ask(access, form)
            if is_new:
                wake(job)
            return redirect("collection", access.project.slug, job.collection.pk)
        except ValidationError as error:
            form.add_error(None, error.messages)  # type: ignore[arg-type]
    return render(
        request,
        "collecting/collect.html",
        access,
        search=search,
        words=[search[name] for name in NAMES],
        manifest=told,
        columns=manifest.COLUMNS,
        hosts=settings.COLLECT_HOSTS,
        has_key=bool(settings.FLICKR_API_KEY),
        job=live_job(access.project, "collect"),
        collections=queries.collections_of(access.project)[:50],
        status=200 if form is None else 400,
    )


def _ask(access: Access, form: forms.Form) -> Any:
    if isinstance(form, SearchForm):
        return services.request_collection(
            access.project, form.cleaned_data["order"], access.person
        )
    file = form.cleaned_data["manifest"]
    return services.request_manifest(access.project, file.read(), file.name, access.person)


@project_page(Role.CURATOR)
def collection(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """What was asked for, how far it is, and why photographs did not come."""
    found = queries.collections_of(access.project).filter(pk=pk).first()
    if found is None:
        raise Http404("No such collection.")
    return render(
        request,
        "collecting/collection.html",
        access,
        collection=found,
        course=queries.course_of(found),
        reasons=queries.reasons_of(found),
        record=getattr(found.job, "imported", None),
        licences=[one.name for one in LICENCES if one.number in found.order.get("licences", ())],
    )


urlpatterns = [
    path("p/<slug:slug>/collect/", collect, name="collect"),
    path("p/<slug:slug>/collections/<int:pk>/", collection, name="collection"),
]
