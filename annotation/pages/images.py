"""Pages about images: the grid, one image, importing, and what an import reported."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.images import queries, services
from annotation.images.models import Image
from annotation.jobs.queries import live_job
from annotation.learning.models import Gold
from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.takedowns.queries import waiting_in
from reliability import Subset
from reliability.expressions import COMPOUNDS, Expression

from . import frame
from .frame import project_page, render
from .words import EXPRESSIONS

READERS = (Role.CURATOR, Role.CODER, Role.RESEARCHER)
PER_PAGE = 60
PAIRS_PER_PAGE = 12
REMARKS_SHOWN = 500
EVEN_SHARE = 1 / len(Expression)
"""A label with more of the weighted votes than this is valid (paper §3.1)."""
SOURCE_WORDS = {
    "keyword": gettext_lazy("Found by the keyword"),
    "source_url": gettext_lazy("Source"),
    "page_url": gettext_lazy("Its page"),
    "owner": gettext_lazy("Owner"),
    "licence": gettext_lazy("Licence"),
    "title": gettext_lazy("Title"),
    "subject": gettext_lazy("Person shown"),
}


@project_page(*READERS)
def images(request: HttpRequest, access: Access) -> HttpResponse:
    """The grid, newest first; the next page begins after the last id of this one."""
    chosen = {name: request.GET.get(name, "")[:200] for name in ("state", "keyword")}
    near_copies = request.GET.get("near_copies") == "1"
    everything = queries.images_of(access.project)
    rows = queries.filtered(everything, **chosen, near_copies=near_copies).order_by("-pk")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    shown = list(rows[: PER_PAGE + 1])
    return render(
        request,
        "images/images.html",
        access,
        images=shown[:PER_PAGE],
        next_before=shown[PER_PAGE - 1].pk if len(shown) > PER_PAGE else None,
        n_images=everything.count(),
        n_near=everything.filter(near_copy_of__isnull=False).count(),
        n_undecided=queries.undecided_copies(access.project).count() if access.is_curator else 0,
        keywords=queries.keywords_of(access.project),
        n_takedowns=waiting_in(access.project).count() if access.is_curator else 0,
        chosen=chosen | {"near_copies": near_copies},
        states=("active", "held", "excluded"),
    )


@project_page(*READERS)
def image(request: HttpRequest, access: Access, uid: uuid.UUID) -> HttpResponse:
    """One image with its geometry, provenance, near copies and, for curators, its votes."""
    found = _image(access, uid)
    return render(
        request,
        "images/image.html",
        access,
        image=found,
        seen=_seen(found, access),
        places=found.released_as.select_related("release").order_by("-release_id")
        if access.has(*frame.READERS)
        else None,
        known=_known(found) if access.is_curator else None,
        expressions=[(e.name.lower(), word) for e, word in EXPRESSIONS.items()],
        copies=queries.copies_of(found),
        provenance=_provenance(found),
        is_mirrored=queries.is_mirrored(found),
        box=_rectangle(found.box),
    )


@project_page(Role.CURATOR, methods=("POST",))
def decide(request: HttpRequest, access: Access, uid: uuid.UUID) -> HttpResponse:
    """Exclude an image, or restore it."""
    found = _image(access, uid)
    deeds: dict[str, Any] = {
        "exclude": lambda: services.exclude(found, request.POST.get("reason", "")),
        "restore": lambda: services.restore(found),
    }
    deed = deeds.get(request.POST.get("deed", ""))
    if deed is None:
        raise Http404("No such decision.")
    try:
        deed()
        messages.success(request, _("Done."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("image", access.project.slug, found.uid)


@project_page(Role.CURATOR, methods=("GET", "HEAD", "POST"))
def near_copies(request: HttpRequest, access: Access) -> HttpResponse:
    """Pairs that look alike, side by side, each for a decision."""
    rows = queries.undecided_copies(access.project)
    if request.method == "POST":
        return _decide_copy(request, access, rows)
    page = Paginator(rows, PAIRS_PER_PAGE).get_page(request.GET.get("page"))
    for later in page:
        later.seen_mirrored = queries.is_mirrored(later)  # type: ignore[attr-defined]
    return render(request, "images/near_copies.html", access, page=page)


def _decide_copy(request: HttpRequest, access: Access, rows: QuerySet[Image]) -> HttpResponse:
    uid, decision = request.POST.get("image", ""), request.POST.get("decision", "")
    if decision not in list(services.OfTwo):
        raise Http404("No such decision.")
    try:
        later = rows.filter(uid=uuid.UUID(uid)).first()
        if later is None:
            raise ValidationError(_("Somebody has decided on these two already."))
        services.decide_copy(later, services.OfTwo(decision))
        messages.success(request, _("%s: decided.") % later.file_name)
    except ValueError:
        raise Http404("No such image.") from None
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("near-copies", access.project.slug)


@project_page(Role.CURATOR)
def import_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Where photographs come in, and what came in before."""
    return render(
        request,
        "images/import.html",
        access,
        job=live_job(access.project, "import"),
        imports=queries.imports_of(access.project).defer("report")[:50],
    )


@project_page(Role.CURATOR)
def import_report(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """What one import brought, what it refused and why."""
    record = queries.imports_of(access.project).filter(pk=pk).first()
    if record is None:
        raise Http404("No such import.")
    return render(
        request,
        "images/report.html",
        access,
        record=record,
        remarks=record.report[:REMARKS_SHOWN],
        n_more=max(len(record.report) - REMARKS_SHOWN, 0),
    )


def _image(access: Access, uid: uuid.UUID) -> Image:
    rows = queries.images_of(access.project).select_related("near_copy_of", "project")
    found = rows.filter(uid=uid).first()
    if found is None:
        raise Http404("No such image.")
    return found


def _seen(found: Image, access: Access) -> dict[str, Any] | None:
    """What people see in the face: weighted votes, posterior and subset of the latest estimate.

    Coders look with their own eyes, and only curators see how many voted for what.
    """
    if not access.has(*frame.READERS):
        return None
    item = found.estimates.select_related("estimate").order_by("-estimate_id").first()
    votes = [n for _, n in queries.votes_on(found)] if access.is_curator else None
    if item is None and not (votes and sum(votes)):
        return None
    shares = item.distribution if item else [0.0] * len(EXPRESSIONS)
    posterior = item.posterior if item else shares
    rows = [
        {
            "name": e.name.lower(),
            "word": word,
            "share": shares[e],
            "width": round(100 * shares[e], 2),
            "is_valid": shares[e] > EVEN_SHARE,
            "posterior": posterior[e],
            "votes": votes[e] if votes else None,
        }
        for e, word in EXPRESSIONS.items()
    ]
    subset = Subset(item.subset) if item else None
    return {
        "item": item,
        "rows": rows,
        "n_votes": sum(votes) if votes else None,
        "even": round(100 * EVEN_SHARE, 2),
        "subset": subset,
        "compound": COMPOUNDS[item.compound][0] if item and item.compound is not None else "",
        "valid": [row["word"] for row in rows if row["is_valid"]],
        "difficulty": 1 / item.easiness if item and item.easiness else None,
    }


def _provenance(found: Image) -> list[tuple[Any, str, bool]]:
    """What is known of the photograph, in words, each with whether it is an address."""
    return [
        (SOURCE_WORDS.get(name, name.replace("_", " ").capitalize()), str(text),
         str(text).startswith("https://"))
        for name, text in sorted(found.provenance.items())
        if text not in (None, "")
    ]  # fmt: skip


def _known(image: Image) -> dict[str, str] | None:
    """What a curator vouched for, as the form shows it."""
    gold = Gold.objects.filter(image=image, is_active=True).first()
    return gold and {"name": Expression(gold.expression).name.lower(), "why": gold.why}


def _rectangle(box: list[float] | None) -> dict[str, float] | None:
    """A box as SVG wants it."""
    if box is None:
        return None
    return {"x": box[0], "y": box[1], "width": box[2] - box[0], "height": box[3] - box[1]}


urlpatterns = [
    path("p/<slug:slug>/images/", images, name="images"),
    path("p/<slug:slug>/images/near-copies/", near_copies, name="near-copies"),
    path("p/<slug:slug>/images/<uuid:uid>/", image, name="image"),
    path("p/<slug:slug>/images/<uuid:uid>/decide/", decide, name="image-decide"),
    path("p/<slug:slug>/import/", import_page, name="import"),
    path("p/<slug:slug>/imports/<int:pk>/", import_report, name="import-report"),
]
