"""Pages about people: who is in the project and how they do, one person, the project's settings."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotation.audit.models import Kind
from annotation.audit.services import difference, tell
from annotation.estimates import queries as estimates
from annotation.estimates import services as estimating
from annotation.labelling import parting, watch
from annotation.labelling import queries as labelling
from annotation.labelling import services as labelling_services
from annotation.learning import qualification
from annotation.learning.attention import attention_of
from annotation.learning.queries import scores_of
from annotation.people.models import Membership, Project, Role, VotesStand
from annotation.people.queries import Access
from reliability.expressions import Expression

from .crowd import Crowd, crowd_of
from .frame import project_page, render
from .words import EXPRESSIONS

GET_POST = ("GET", "HEAD", "POST")
ROLES = {
    Role.ANNOTATOR: gettext_lazy("Annotator: labels faces"),
    Role.RESEARCHER: gettext_lazy("Researcher: downloads"),
    Role.CODER: gettext_lazy("Coder: marks landmarks and attributes"),
    Role.CURATOR: gettext_lazy("Curator: looks after everything"),
}


class SettingsForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = [
            "name", "description", "guidelines", "licence", "target_votes", "assignment_hours",
            "estimate_every_hours", "estimate_every_votes", "shares_votes", "takedown_at_once",
        ]  # fmt: skip
        labels = {
            "target_votes": gettext_lazy("Votes per image"),
            "assignment_hours": gettext_lazy("An open assignment lapses after hours"),
            "estimate_every_hours": gettext_lazy("Estimate every so many hours"),
            "estimate_every_votes": gettext_lazy("Estimate after so many new votes"),
            "shares_votes": gettext_lazy("Releases may hold the votes themselves, under codes"),
            "takedown_at_once": gettext_lazy(
                "Take pictures down at once when a request names them exactly"
            ),
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "guidelines": forms.Textarea(attrs={"rows": 10}),
        }


@project_page(Role.CURATOR)
def people(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody in the project by pace, quality and share; sorted and filtered as asked."""
    crowd: Crowd = crowd_of(access.project, request.GET)
    return render(request, "people/people.html", access, crowd=crowd)


@project_page(Role.CURATOR)
def person(request: HttpRequest, access: Access, code: str) -> HttpResponse:
    """One member: work, reliability in every estimate, and the word over the screening."""
    member = _member(access, code)
    project = access.project
    others = project.memberships.filter(person=member.person).exclude(pk=member.pk)
    held = [m.role for m in (member, *others) if m.is_active]
    return render(
        request,
        "people/person.html",
        access,
        member=member,
        others=list(others.order_by("role")),
        free_roles=[(role, word) for role, word in ROLES.items() if role not in held],
        work=labelling.work_of(member),
        at_work=labelling.people_at_work(project).get(member.pk, {}),
        week=watch.votes_this_week(project, timezone.now()).get(member.pk, 0),
        scores=scores_of(member),
        history=list(estimates.history_of(member)),
        overruling=estimates.standing_overrulings(project).get(member.pk),
        **_attention(member),
    )


def _attention(member: Membership) -> dict[str, Any]:
    """The signs in an annotator's answers, and the word of the key they chose most."""
    if member.role != Role.ANNOTATOR:
        return {}
    found = attention_of(member)
    key = "–" if found.key is None else EXPRESSIONS[Expression(found.key)]
    return {"attention": found, "most_word": key}


@project_page(Role.CURATOR, methods=("POST",))
def change(request: HttpRequest, access: Access, code: str) -> HttpResponse:
    """Exclude or readmit a member, change their role, overrule the screening or undo that."""
    member = _member(access, code)
    try:
        said = _done(request, access, member)
        messages.success(request, said)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("person", access.project.slug, code)


@project_page(Role.CURATOR, methods=GET_POST)
def settings(request: HttpRequest, access: Access) -> HttpResponse:
    """What holds for the whole project."""
    before = model_to_dict(access.project, SettingsForm.Meta.fields)
    form = SettingsForm(request.POST or None, instance=access.project)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            project = form.save()
            if project.target_votes != before["target_votes"]:
                labelling_services.set_target(project, project.target_votes)
            told = difference(before, form.cleaned_data)
            tell(Kind.PROJECT, "changed the settings", project=project, **told)
        messages.success(request, _("Saved."))
        return redirect("project-settings", project.slug)
    status = 400 if form.is_bound else 200
    return render(request, "people/settings.html", access, form=form, status=status)


def _done(request: HttpRequest, access: Access, member: Membership) -> str:
    """Does what the form asks for; what is said of it then."""
    deed, reason = request.POST.get("deed", ""), request.POST.get("reason", "")
    counted = _("Done. The next estimate takes it into account.")
    deeds: dict[str, Any] = {
        "exclude": lambda: parting.exclude(member, reason, _stand(request)) and None,
        "readmit": lambda: _told_lost(parting.readmit(member).n_lost),
        "role": lambda: _told_role(request, member),
        "let-pass": lambda: qualification.let_pass(member),
        "give-try": lambda: qualification.give_try(member),
        "keep": lambda: estimating.overrule(member, True, reason, access.person) and None,
        "remove": lambda: estimating.overrule(member, False, reason, access.person) and None,
        "rule": lambda: estimating.withdraw_overruling(member) and None,
    }
    if deed not in deeds:
        raise ValidationError(_("Nothing was chosen."))
    return deeds[deed]() or counted


def _told_role(request: HttpRequest, member: Membership) -> str:
    role = request.POST.get("role", "")
    if role not in Role.values:
        raise ValidationError(_("Choose a role."))
    made = parting.change_role(member, role, keep=request.POST.get("keep") == "1")
    return _("Done. As %(role)s this person has the code %(code)s.") % {
        "role": made.role,
        "code": made.code,
    }


def _stand(request: HttpRequest) -> str:
    told = request.POST.get("votes", VotesStand.COUNT)
    if told not in VotesStand.values:
        raise ValidationError(_("Say what becomes of the votes."))
    return told


def _told_lost(n: int) -> str:
    if not n:
        return ""
    return (
        ngettext(
            "Done. The place of %d vote was given to somebody else meanwhile; it stays out.",
            "Done. The places of %d votes were given to others meanwhile; they stay out.",
            n,
        )
        % n
    )


def _member(access: Access, code: str) -> Membership:
    found = access.project.memberships.filter(code=code).select_related("person").first()
    if found is None:
        raise Http404(f"Nobody has the code {code}.")
    return found


urlpatterns = [
    path("p/<slug:slug>/people/", people, name="people"),
    path("p/<slug:slug>/people/<str:code>/", person, name="person"),
    path("p/<slug:slug>/people/<str:code>/change/", change, name="person-change"),
    path("p/<slug:slug>/settings/", settings, name="project-settings"),
]
