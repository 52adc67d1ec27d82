"""The queue of flagged images: one at a time, decided by a key, undone by another."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.images.queries import images_of
from annotation.labelling import flags
from annotation.labelling.models import Flag
from annotation.labelling.queries import votes_on
from annotation.people.models import Role
from annotation.people.queries import Access

from .frame import project_page, render
from .words import EXPRESSIONS, FLAGS

Decision = Flag.Decision
DEEDS = [
    (Decision.EXCLUDE, "e", gettext_lazy("Exclude"), gettext_lazy("out of the line; nobody is "
                                                                  "asked about it again")),
    (Decision.KEEP, "k", gettext_lazy("Keep"), gettext_lazy("others go on labelling it; who "
                                                            "flagged it is not asked again")),
    (Decision.GIVE_BACK, "b", gettext_lazy("Give back"), gettext_lazy("it can be labelled: who "
                                                                      "flagged it may be asked "
                                                                      "again")),
]  # fmt: skip
DECIDED = {
    Decision.EXCLUDE: gettext_lazy("excluded"),
    Decision.KEEP: gettext_lazy("kept"),
    Decision.GIVE_BACK: gettext_lazy("given back"),
}


@project_page(Role.CURATOR)
def flagged(request: HttpRequest, access: Access) -> HttpResponse:
    """One flagged image with who said what; ``at`` is its place in the queue."""
    now = flags.flagged(access.project, _place(request.GET.get("at", "")))
    votes = votes_on(now.image) if now else []
    lately = flags.decided_lately(access.project)
    for flag in lately:
        flag.said = DECIDED[Decision(flag.decision)]
    return render(
        request,
        "flags/flags.html",
        access,
        now=now,
        reasons=[(FLAGS[Flag.Reason(r)], n) for r, n in now.reasons.items()] if now else [],
        notes=[(flag, FLAGS[Flag.Reason(flag.reason)]) for flag in now.flags] if now else [],
        votes=[(EXPRESSIONS[e], votes[e]) for e in EXPRESSIONS] if now else [],
        most=max(votes, default=0),
        deeds=DEEDS,
        next_at=now.place + 1 if now and now.place + 1 < now.n_waiting else 0,
        lately=lately,
    )


@project_page(Role.CURATOR, methods=("POST",))
def decide(request: HttpRequest, access: Access, uid: uuid.UUID) -> HttpResponse:
    """Decide on an image, or take the last decision on it back; then on with the queue."""
    image = images_of(access.project).filter(uid=uid).select_related("project").first()
    if image is None:
        raise Http404("No such image.")
    deed = request.POST.get("deed", "")
    try:
        if deed == "reopen":
            flags.reopen(image)
            messages.info(request, _("Taken back: %s waits again.") % image.file_name)
        elif deed in Decision.values:
            flags.decide(image, deed, access.person)
        else:
            raise ValidationError(_("Nothing was chosen."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    at = _place(request.POST.get("at", ""))
    address = reverse("flags", args=[access.project.slug])
    return redirect(f"{address}?at={at}" if at else address)


def _place(told: str) -> int:
    return int(told) if told.isascii() and told.isdigit() and len(told) < 8 else 0


urlpatterns = [
    path("p/<slug:slug>/flags/", flagged, name="flags"),
    path("p/<slug:slug>/flags/<uuid:uid>/", decide, name="flag-decide"),
]
