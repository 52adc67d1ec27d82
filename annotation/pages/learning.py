"""Where curators write what people learn and agree to."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.learning import consent as consents
from annotation.learning import queries
from annotation.people.models import AfterWithdrawal, Project, Role
from annotation.people.queries import Access

from .frame import project_page, render

GET_POST = ("GET", "HEAD", "POST")


class ConsentForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("What people agree to"),
        max_length=consents.MAX_TEXT,
        help_text=gettext_lazy("Markdown. The default is a start; let your ethics board read it."),
        widget=forms.Textarea(attrs={"rows": 18}),
    )
    warning = forms.CharField(
        label=gettext_lazy("Warning before the first face"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("May stay empty where no face could trouble anyone."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class WithdrawalForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = ["after_withdrawal"]
        labels = {"after_withdrawal": gettext_lazy("The answers of a person who withdraws")}
        widgets = {"after_withdrawal": forms.RadioSelect}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["after_withdrawal"].choices = [
            (AfterWithdrawal.DISCARD, _("no longer count; the faces go to others")),
            (AfterWithdrawal.KEEP, _("stay, under a code only")),
        ]


@project_page(Role.CURATOR)
def learning(request: HttpRequest, access: Access) -> HttpResponse:
    """All that comes before and beside ordinary work, at a glance."""
    return render(
        request,
        "learning/learning.html",
        access,
        text=queries.consent_in_force(access.project),
        texts=list(queries.consents_in(access.project)[:1]),
    )


@project_page(Role.CURATOR, methods=GET_POST)
def edit_consent(request: HttpRequest, access: Access) -> HttpResponse:
    """The text in force, to be read as people see it, or changed; every version on record."""
    project = access.project
    form = ConsentForm(request.POST or None, initial=_present(project))
    if request.method == "POST" and form.is_valid():
        before = project.consent_version
        text = consents.write_consent(project, by=access.person, **form.cleaned_data)
        if text.version == before:
            messages.info(request, _("Nothing changed, so nobody is asked again."))
        else:
            messages.success(
                request, _("Version %d is in force. Everybody is asked again.") % text.version
            )
        return redirect("edit-consent", project.slug)
    return render(
        request,
        "learning/edit_consent.html",
        access,
        form=form,
        rule=WithdrawalForm(instance=project),
        texts=queries.consents_in(project),
        status=400 if form.is_bound else 200,
    )


@project_page(Role.CURATOR, methods=("POST",))
def change_consent(request: HttpRequest, access: Access) -> HttpResponse:
    """Stop asking, or change what becomes of the votes of people who withdraw."""
    if request.POST.get("deed") == "stop":
        consents.ask_no_consent(access.project)
        messages.success(request, _("Nobody is asked for consent any more."))
    else:
        form = WithdrawalForm(request.POST, instance=access.project)
        try:
            form.save()
            messages.success(request, _("Saved."))
        except (ValidationError, ValueError):
            messages.error(request, _("Nothing was chosen."))
    return redirect("edit-consent", access.project.slug)


def _present(project: Project) -> dict[str, str]:
    text = queries.consent_in_force(project) or queries.consents_in(project).first()
    if text is None:
        return {"text": consents.DEFAULT_TEXT, "warning": consents.DEFAULT_WARNING}
    return {"text": text.text, "warning": text.warning}


urlpatterns = [
    path("p/<slug:slug>/learning/", learning, name="learning"),
    path("p/<slug:slug>/learning/consent/", edit_consent, name="edit-consent"),
    path("p/<slug:slug>/learning/consent/change/", change_consent, name="change-consent"),
]
