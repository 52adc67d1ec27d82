"""Pages about people: who is in the project, how they do, and inviting more; project settings."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotation.audit.models import Kind
from annotation.audit.services import difference, tell
from annotation.estimates import queries as estimates
from annotation.estimates import services as estimating
from annotation.labelling import parting
from annotation.labelling import queries as labelling
from annotation.labelling import services as labelling_services
from annotation.learning import qualification
from annotation.learning.attention import attention_of
from annotation.people import services
from annotation.people.models import Membership, Project, Role, VotesStand
from annotation.people.queries import Access
from reliability.expressions import Expression

from .frame import project_page, render
from .words import EXPRESSIONS

GET_POST = ("GET", "HEAD", "POST")


class InvitationForm(forms.Form):
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[
            (Role.ANNOTATOR, gettext_lazy("Annotator: labels faces")),
            (Role.RESEARCHER, gettext_lazy("Researcher: downloads")),
            (Role.CODER, gettext_lazy("Coder: marks landmarks and attributes")),
            (Role.CURATOR, gettext_lazy("Curator: looks after everything")),
        ],
    )
    max_uses = forms.IntegerField(
        label=gettext_lazy("For how many people"), min_value=1, max_value=10_000, initial=1
    )
    days = forms.IntegerField(
        label=gettext_lazy("Open for days"), min_value=1, max_value=365, initial=14
    )


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


@project_page(Role.CURATOR, methods=GET_POST)
def people(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody in the project with what they did; a form for an invitation link."""
    form = InvitationForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        _made, secret = services.invite(
            access.project,
            form.cleaned_data["role"],
            access.person,
            days=form.cleaned_data["days"],
            max_uses=form.cleaned_data["max_uses"],
        )
        link = request.build_absolute_uri(reverse("invitation", args=[secret]))
    rows = _rows(access.project)
    return render(request, "people/people.html", access, form=form, link=link, rows=rows)


@project_page(Role.CURATOR)
def person(request: HttpRequest, access: Access, code: str) -> HttpResponse:
    """One member: work, reliability in every estimate, and the word over the screening."""
    member = _member(access, code)
    return render(
        request,
        "people/person.html",
        access,
        member=member,
        work=labelling.work_of(member),
        at_work=labelling.people_at_work(access.project).get(member.pk, {}),
        history=list(estimates.history_of(member)),
        overruling=estimates.standing_overrulings(access.project).get(member.pk),
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
    """Exclude or readmit a member, overrule the screening or let it decide again."""
    member = _member(access, code)
    reason = request.POST.get("reason", "")
    try:
        deed = request.POST.get("deed", "")
        if deed == "exclude":
            parting.exclude(member, reason, _stand(request))
        elif deed == "readmit":
            back = parting.readmit(member)
            if back.n_lost:
                messages.info(request, _told_lost(back.n_lost))
        elif deed == "let-pass":
            qualification.let_pass(member)
        elif deed == "give-try":
            qualification.give_try(member)
        elif deed in ("keep", "remove"):
            estimating.overrule(member, deed == "keep", reason, access.person)
        elif deed == "rule":
            estimating.withdraw_overruling(member)
        else:
            raise ValidationError(_("Nothing was chosen."))
        messages.success(request, _("Done. The next estimate takes it into account."))
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


def _stand(request: HttpRequest) -> str:
    told = request.POST.get("votes", VotesStand.COUNT)
    if told not in VotesStand.values:
        raise ValidationError(_("Say what becomes of the votes."))
    return told


def _told_lost(n: int) -> str:
    return (
        ngettext(
            "The place of %d vote was given to somebody else meanwhile; it stays out.",
            "The places of %d votes were given to others meanwhile; they stay out.",
            n,
        )
        % n
    )


def _member(access: Access, code: str) -> Membership:
    found = access.project.memberships.filter(code=code).select_related("person").first()
    if found is None:
        raise Http404(f"Nobody has the code {code}.")
    return found


def _rows(project: Project) -> list[dict[str, object]]:
    at_work = labelling.people_at_work(project)
    last = estimates.latest_estimate(project)
    judged = {r.annotator_id: r for r in last.annotators.all()} if last else {}
    members = project.memberships.select_related("person").order_by("role", "code")
    return [
        {"member": m, "estimate": judged.get(m.pk), **at_work.get(m.pk, {"n_votes": 0})}
        for m in members
    ]


urlpatterns = [
    path("p/<slug:slug>/people/", people, name="people"),
    path("p/<slug:slug>/people/<str:code>/", person, name="person"),
    path("p/<slug:slug>/people/<str:code>/change/", change, name="person-change"),
    path("p/<slug:slug>/settings/", settings, name="project-settings"),
]
