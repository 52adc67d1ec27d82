"""Pages about releases: what there is, what is in it, how to take it home."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from annotation.agreements.queries import still_to_accept
from annotation.estimates.queries import latest_estimate
from annotation.images.models import Image
from annotation.jobs.queries import live_job
from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.releases import queries, services
from annotation.releases.models import Release
from reliability.expressions import COMPOUNDS, Expression

from .frame import READERS, project_page, render
from .words import EXPRESSIONS

EXAMPLES = 6


@project_page(*READERS)
def releases(request: HttpRequest, access: Access) -> HttpResponse:
    """All versions, newest first, and the way to the next one."""
    return render(
        request,
        "releases/releases.html",
        access,
        releases=queries.releases_of(access.project),
        estimate=latest_estimate(access.project),
        live=live_job(access.project, "release"),
    )


@project_page(*READERS)
def release(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    """One version: its classes with faces, its numbers, its downloads."""
    found = _release(access, version)
    slug = access.project.slug
    archive = reverse("api:release-archive", args=[slug, found.version])
    return render(
        request,
        "releases/release.html",
        access,
        release=found,
        gallery=_gallery(found),
        archive_url=archive,
        snippet=_snippet(request.build_absolute_uri(archive), f"{slug}-{found.version}.tar"),
        successor=queries.successor(found),
        must_accept=still_to_accept(access) is not None,
    )


@project_page(Role.CURATOR, methods=("POST",))
def withdraw(request: HttpRequest, access: Access, version: str) -> HttpResponse:
    found = _release(access, version)
    try:
        services.withdraw_release(found, request.POST.get("reason", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("release", access.project.slug, version)


def _release(access: Access, version: str) -> Release:
    found = queries.find_release(access.project, version)
    if found is None:
        raise Http404(f"No release {version}.")
    return found


def _gallery(found: Release) -> list[dict[str, object]]:
    """Every class that occurs, with its counts and some faces, as in the paper's Figure 3."""
    classes: dict[tuple[str, int], dict[str, object]] = {}
    there = found.images.exclude(image__state=Image.State.TAKEN_DOWN)
    rows = there.order_by("subset", "label", "name").values_list(
        "subset", "label", "split", "image__uid"
    )
    for subset, label, split, uid in rows:
        one = classes.setdefault(
            (subset, label),
            {"subset": subset, "title": _title(subset, label), "train": 0, "test": 0, "faces": []},
        )
        one[split] += 1  # type: ignore[operator]
        faces = one["faces"]
        if isinstance(faces, list) and len(faces) < EXAMPLES:
            faces.append(uid)
    return list(classes.values())


def _title(subset: str, label: int) -> object:
    if subset == "basic":
        return EXPRESSIONS[Expression(label - 1)]
    return COMPOUNDS[label - 1][0]


def _snippet(address: str, name: str) -> str:
    return (
        "TOKEN=rafter_…   # make one under Account and tokens\n"
        f"curl --fail --location --continue-at - --output {name} \\\n"
        f'  --header "Authorization: Bearer $TOKEN" \\\n  {address}\n'
        f"tar -xf {name}"
    )


urlpatterns = [
    path("p/<slug:slug>/releases/", releases, name="releases"),
    path("p/<slug:slug>/releases/<str:version>/", release, name="release"),
    path("p/<slug:slug>/releases/<str:version>/withdraw/", withdraw, name="release-withdraw"),
]
