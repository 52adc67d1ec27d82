"""Where curators write what people learn and agree to."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.audit.services import tell_nothing
from annotation.learning import consent as consents
from annotation.learning import lesson, queries, rules
from annotation.learning import tutorial as tutorials
from annotation.people.models import AfterWithdrawal, Project, Role
from annotation.people.queries import Access

from .frame import project_page, render
from .lessons import shown

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


class TutorialForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("The tutorial"),
        max_length=lesson.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 26, "class": "mono"}),
        strip=False,
    )


class AskForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = [
            "asks_tutorial", "qualification_faces", "qualification_pass_percent",
            "qualification_tries", "qualification_wait_hours", "shows_own_quality",
        ]  # fmt: skip
        labels = {
            "asks_tutorial": gettext_lazy("People read the tutorial before their first face"),
            "qualification_faces": gettext_lazy("Faces of the qualification"),
            "qualification_pass_percent": gettext_lazy("Right answers needed, in per cent"),
            "qualification_tries": gettext_lazy("Tries"),
            "qualification_wait_hours": gettext_lazy("Hours between two tries"),
            "shows_own_quality": gettext_lazy("People see their own agreement and reliability"),
        }
        help_texts = {
            "qualification_faces": gettext_lazy("0 asks for none. They are known faces."),
        }


@project_page(Role.CURATOR)
def learning(request: HttpRequest, access: Access) -> HttpResponse:
    """All that comes before and beside ordinary work, at a glance."""
    return render(
        request,
        "learning/learning.html",
        access,
        text=queries.consent_in_force(access.project),
        texts=list(queries.consents_in(access.project)[:1]),
        form=AskForm(instance=access.project),
        titles=[step.title for step in tutorials.steps_of(access.project)],
        state=queries.learning_state(access.project),
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
        if form.is_valid():
            rules.change(access.project, **form.cleaned_data)
            messages.success(request, _("Saved."))
        else:
            messages.error(request, _("Nothing was chosen."))
    return redirect("edit-consent", access.project.slug)


@project_page(Role.CURATOR, methods=GET_POST)
def edit_tutorial(request: HttpRequest, access: Access) -> HttpResponse:
    """Write the tutorial; ``deed`` may be preview, save or restore."""
    project = access.project
    form = TutorialForm(request.POST or None, initial={"text": tutorials.text_of(project)})
    deed, steps = request.POST.get("deed", ""), []
    if deed == "restore":
        tutorials.restore_default(project)
        messages.success(request, _("The default text is back."))
        return redirect("edit-tutorial", project.slug)
    if form.is_bound and form.is_valid():
        try:
            steps = tutorials.checked(project, form.cleaned_data["text"])
            if deed == "save":
                tutorials.write_tutorial(project, form.cleaned_data["text"], access.person)
                messages.success(request, _("Saved. People read it from now on."))
                return redirect("edit-tutorial", project.slug)
            tell_nothing()  # it was a preview
        except ValidationError as error:
            form.add_error("text", error.messages)
    told = {"form": form, "steps": [shown(project, step, {}) for step in steps]}
    if request.htmx:
        return render(request, "learning/preview.html", access, **told)
    is_wrong = form.is_bound and not form.is_valid()
    return render(
        request,
        "learning/edit_tutorial.html",
        access,
        rules_form=AskForm(instance=project),
        is_written=hasattr(project, "tutorial"),
        status=400 if is_wrong else 200,
        **told,
    )


@project_page(Role.CURATOR, methods=("POST",))
def change_rules(request: HttpRequest, access: Access) -> HttpResponse:
    """What comes before the first face: the tutorial, the qualification and its numbers."""
    form = AskForm(request.POST, instance=access.project)
    back = "edit-tutorial" if request.POST.get("back") == "tutorial" else "learning"
    try:
        if not form.is_valid():
            raise ValidationError([e for errors in form.errors.values() for e in errors])
        rules.change(access.project, **form.cleaned_data)
        messages.success(request, _("Saved."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(back, access.project.slug)


def _present(project: Project) -> dict[str, str]:
    text = queries.consent_in_force(project) or queries.consents_in(project).first()
    if text is None:
        return {"text": consents.DEFAULT_TEXT, "warning": consents.DEFAULT_WARNING}
    return {"text": text.text, "warning": text.warning}


urlpatterns = [
    path("p/<slug:slug>/learning/", learning, name="learning"),
    path("p/<slug:slug>/learning/consent/", edit_consent, name="edit-consent"),
    path("p/<slug:slug>/learning/consent/change/", change_consent, name="change-consent"),
    path("p/<slug:slug>/learning/tutorial/", edit_tutorial, name="edit-tutorial"),
    path("p/<slug:slug>/learning/rules/", change_rules, name="change-rules"),
]
