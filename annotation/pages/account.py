"""Coming in and one's own things: sign in and out, accept an invitation, name, password, tokens."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.people import services
from annotation.people.models import Invitation, Person, Role, Token
from annotation.people.queries import projects_of, tokens_of

from .frame import person_page, render

BACKEND = "django.contrib.auth.backends.ModelBackend"
GET_POST = ("GET", "HEAD", "POST")


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": gettext_lazy(
            "This name and password do not belong together. Both are case-sensitive."
        ),
        "inactive": gettext_lazy("This account is closed. Ask a curator of your project."),
    }


class NewPersonForm(forms.Form):
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy("To sign in with. Letters, digits and @ . + - _"),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    display_name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("What the curators see. May stay empty."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        help_text=gettext_lazy("At least eight signs, not only digits, not a common one."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
    )


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].help_text = gettext_lazy(
            "At least eight signs, not only digits, not a common one, not like your name."
        )


class NameForm(forms.ModelForm):
    class Meta:
        model = Person
        fields = ["display_name", "email"]
        labels = {"display_name": gettext_lazy("Your name"), "email": gettext_lazy("E-mail")}


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("What is it for?"),
        max_length=80,
        help_text=gettext_lazy("For example “cluster” or “notebook at home”."),
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("It may"),
        choices=[
            (Token.Scope.RESEARCHER, gettext_lazy("read and download, as a researcher")),
            (Token.Scope.ANNOTATOR, gettext_lazy("label, as an annotator")),
            (Token.Scope.CURATOR, gettext_lazy("do all that I may do")),
        ],
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Ends after"),
        coerce=lambda days: int(days) or None,
        choices=[
            (30, gettext_lazy("30 days")),
            (365, gettext_lazy("a year")),
            (0, gettext_lazy("never")),
        ],
        initial=365,
    )


sign_in = require_http_methods(list(GET_POST))(
    LoginView.as_view(
        template_name="people/sign_in.html",
        authentication_form=SignInForm,
        redirect_authenticated_user=True,
    )
)


@require_http_methods(list(GET_POST))
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind an invitation's link: join, with the account one has or a new one."""
    found = services.open_invitation(secret)
    if found is None:
        return render(request, "people/invitation_closed.html", status=410)
    form = NewPersonForm(request.POST or None)
    person = request.user if isinstance(request.user, Person) else None
    if request.method == "POST" and (person or form.is_valid()):
        try:
            if person is None:
                person = services.join_as_new_person(found, **form.cleaned_data)
                login(request, person, backend=BACKEND)
            else:
                services.accept_invitation(found, person)
        except ValidationError as error:
            if request.user.is_authenticated:  # who has filled no field in
                messages.error(request, " ".join(error.messages))
            else:
                _show(form, error)
        else:
            messages.success(request, _("Welcome to %s.") % found.project.name)
            return redirect("project", found.project.slug)
    return render(request, "people/invitation.html", invitation=found, form=form, **_duties(found))


@person_page()
def account(request: HttpRequest) -> HttpResponse:
    """Name, password, language and tokens; each form posts to an address of its own."""
    return _account(request)


@person_page(methods=("POST",))
def rename(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST, instance=request.user)
    if not form.is_valid():
        return _account(request, name_form=form)
    form.save()
    tell(Kind.ACCOUNTS, "changed their name or address")
    messages.success(request, _("Saved."))
    return redirect("account")


@person_page(methods=("POST",))
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _account(request, password_form=form)
    form.save()
    tell(Kind.ACCOUNTS, "changed their password")
    update_session_auth_hash(request, form.user)
    messages.success(request, _("Your password is changed. Other browsers are signed out."))
    return redirect("account")


@person_page(methods=("POST",))
def make_token(request: HttpRequest) -> HttpResponse:
    """A new token; its secret stands in this one answer and nowhere else."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _account(request, token_form=form)
    token, secret = services.create_token(request.user, **form.cleaned_data)
    response = _account(request, new_token=token, secret=secret)
    response["Cache-Control"] = "no-store"
    return response


@person_page(methods=("POST",))
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(tokens_of(request.user), pk=token_id)
    services.revoke_token(token)
    messages.success(request, _("“%s” is revoked and opens nothing any more.") % token.name)
    return redirect("account")


def _account(request: HttpRequest, **context: Any) -> HttpResponse:
    forms_ = {
        "name_form": NameForm(instance=request.user),
        "password_form": PasswordForm(request.user),
        "token_form": TokenForm(),
    }
    is_wrong = any(name in context for name in forms_)
    return render(
        request,
        "people/account.html",
        status=400 if is_wrong else 200,
        tokens=tokens_of(request.user),
        projects=projects_of(request.user),
        **{**forms_, **context},
    )


def _show(form: forms.Form, error: ValidationError) -> None:
    """Put a service's refusal beside the field it is about."""
    told = error.message_dict if hasattr(error, "error_dict") else {"password": error.messages}
    for name, words in told.items():
        form.add_error(name if name in form.fields else None, words)


def _duties(found: Invitation) -> dict[str, Any]:
    words = {
        Role.ANNOTATOR: _("You will look at faces and say which expression each one shows."),
        Role.CODER: _("You will mark landmarks, attributes and action units on faces."),
        Role.CURATOR: _("You will look after the images, the people and what is published."),
        Role.RESEARCHER: _("You will be able to download releases and trained models."),
    }
    return {"duty": words[Role(found.role)]}


urlpatterns = [
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("invitation/<str:secret>/", invitation, name="invitation"),
    path("account/", account, name="account"),
    path("account/name/", rename, name="account-name"),
    path("account/password/", change_password, name="account-password"),
    path("account/tokens/", make_token, name="account-tokens"),
    path("account/tokens/<int:token_id>/revoke/", revoke_token, name="account-token-revoke"),
]
