"""Pages about releases: what there is, what is in it, how to take it home."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext_lazy

from annotation.agreements.queries import still_to_accept
from annotation.estimates.queries import latest_estimate
from annotation.images.models import Image
from annotation.jobs.queries import live_job
from annotation.people.models import Role
from annotation.people.queries import Access
from annotation.releases import cited, queries, services
from annotation.releases.datasheet import AGREEMENT
from annotation.releases.models import LayoutName, Release
from annotation.releases.plan import CLASS_NAMES
from reliability.expressions import COMPOUNDS, Expression

from .frame import READERS, project_page, render
from .words import EXPRESSIONS

EXAMPLES = 6
VERSIONS_SHOWN = 20
SUBSETS = {
    "basic": gettext_lazy("Basic expressions"),
    "compound": gettext_lazy("Compound expressions"),
}
LAYOUT_WORDS = {
    "rafdb": gettext_lazy(
        "Originals, aligned faces, annotation and label files, as RAF-DB’s public loaders read them"
    ),
    "imagefolder": gettext_lazy(
        "Aligned faces in a folder for each class, for torchvision and many others"
    ),
    "huggingface": gettext_lazy("Aligned faces beside their metadata, for datasets.load_dataset"),
    "parquet": gettext_lazy(
        "Tables with the aligned faces inside, for pandas, DuckDB and datasets"
    ),
}


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
    """One version, to look at, to cite and to take home."""
    found = _release(access, version)
    args = [access.project.slug, found.version]
    here = request.build_absolute_uri(reverse("release", args=args))
    archive = request.build_absolute_uri(reverse("api:release-archive", args=args))
    main = queries.archive_of(found) or {"name": "", "sha256": ""}
    name, sha256 = str(main["name"]), str(main["sha256"])
    report = found.estimate.report
    return render(
        request,
        "releases/release.html",
        access,
        release=found,
        n_images=sum(_sizes(found).values()),
        sizes=_sizes(found),
        gallery=_gallery(found),
        agreement=[(words, report[key]) for key, words in AGREEMENT.items() if report.get(key)],
        datasheet=queries.datasheet_of(found),
        archives=[
            {
                **one,
                "label": LayoutName(str(one["layout"])).label,
                "words": LAYOUT_WORDS[str(one["layout"])],
            }
            for one in found.archives
        ],
        archive_url=archive,
        files_url=reverse("api:release-files", args=args),
        snippet=_snippet(archive, name),
        script=cited.script(archive, name, sha256, access.person.get_username()),
        reference=cited.reference(found, here),
        bibtex=cited.bibtex(found, here),
        versions=queries.releases_of(access.project)[:VERSIONS_SHOWN],
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


def _sizes(found: Release) -> dict[str, int]:
    """Images by subset."""
    return {
        subset: sum(n for classes in splits.values() for n in classes.values())
        for subset, splits in found.counts.items()
    }


def _gallery(found: Release) -> list[dict[str, Any]]:
    """By subset, every class with its counts and some faces, as in the paper's Figure 3."""
    there = found.images.exclude(image__state=Image.State.TAKEN_DOWN).order_by("name")
    gallery = []
    for subset, splits in found.counts.items():
        train, test = splits["train"], splits["test"]
        most = max(n + test[name] for name, n in train.items()) or 1
        classes = []
        for label, name in enumerate(CLASS_NAMES[subset], start=1):
            if name not in train:  # PostgreSQL keeps no order of names: the list of classes does
                continue
            n = train[name]
            rows = there.filter(subset=subset, label=label).select_related("image")
            classes.append(
                {
                    "title": _title(subset, label),
                    "label": label,
                    "train": n,
                    "test": test[name],
                    "n": n + test[name],
                    "faces": [row.image.uid for row in rows[:EXAMPLES]],
                    "train_width": round(100 * n / most, 2),
                    "test_width": round(100 * test[name] / most, 2),
                }
            )
        gallery.append({"subset": subset, "title": SUBSETS[subset], "classes": classes})
    return gallery


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
