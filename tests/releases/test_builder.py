"""Before a release is built its curator sees what will be in it; afterwards, what it changed."""

import re
from typing import Any

import pytest

from annotation.estimates.models import Estimate
from annotation.images.models import Image
from annotation.jobs.models import Job
from annotation.jobs.services import perform
from annotation.releases.models import Release
from annotation.releases.preview import preview
from reliability import Subset
from tests.conftest import Cast
from tests.releases.conftest import Collection, built

pytestmark = pytest.mark.django_db
NEW = "/p/faces/releases/new/"
API = "/api/v1/projects/faces/releases/"


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_preview_tells_what_the_release_then_holds(estimated: Estimate, cast: Cast) -> None:
    looked = preview(cast.project, estimated, twelfth=True)
    assert built(cast, twelfth=True, layouts=["imagefolder", "huggingface", "parquet"]).error == ""
    release = Release.objects.get()
    assert looked.plan.counts == release.counts
    assert looked.plan.left_out == release.left_out
    assert list(looked.plan.warnings) == release.warnings
    for archive in release.archives:
        size, documents = looked.sizes[archive["layout"]], 180_000  # these weigh in small ones
        assert 0.75 * size < archive["size"] < 1.25 * size + documents


def test_looking_writes_nothing(estimated: Estimate, cast: Cast, settings: Any) -> None:
    cast.client(cast.carla).get(NEW)
    assert not Job.objects.filter(kind="release").exists()
    assert not settings.RELEASES_ROOT.exists()


def test_page_shows_counts_warnings_sizes_and_what_is_left_out(
    estimated: Estimate, cast: Cast
) -> None:
    page = text_of(cast.client(cast.carla).get(NEW))
    assert "Publish 1.0.0" in page
    assert "Sadly Angry (compound) has one image" in page
    assert "Fearfully disgusted: too rare" in page
    assert re.search(r'name="votes"[^>]* disabled', page)
    chosen = {"estimate": 1, "seed": 3, "version": "2.0.0", "twelfth": "on",
              "layouts": ["parquet"]}  # fmt: skip
    page = text_of(cast.client(cast.carla).get(NEW, chosen))
    assert "Publish 2.0.0" in page
    assert "Rafter 2.0.0" not in page, "the foot names the software's version"
    assert "Fearfully disgusted: too rare" not in page
    assert '<input type="hidden" name="layouts" value="parquet">' in page


def test_what_was_looked_at_is_what_is_published(estimated: Estimate, cast: Cast) -> None:
    client = cast.client(cast.carla)
    chosen = {"estimate": "1", "seed": "3", "version": "2.0.0", "twelfth": "on",
              "layouts": ["parquet", "imagefolder"], "changelog": "First."}  # fmt: skip
    answer = client.post("/p/faces/releases/request/", chosen)
    job = Job.objects.get(kind="release")
    assert answer["Location"] == f"/p/faces/jobs/{job.pk}/"
    perform(job.pk, "test")
    release = Release.objects.get()
    assert (release.version, release.seed, release.changelog) == ("2.0.0", 3, "First.")
    assert [a["layout"] for a in release.archives] == ["rafdb", "imagefolder", "parquet"]
    assert release.parameters["site"] == "http://testserver/"


@pytest.mark.parametrize(
    "wrong",
    [{"seed": "-1"}, {"seed": "x"}, {"estimate": "9"}, {"layouts": "word"}, {"version": ""}],
)
def test_wrong_choices_are_marked_and_build_nothing(
    estimated: Estimate, cast: Cast, wrong: dict[str, str]
) -> None:
    client = cast.client(cast.carla)
    chosen = {"estimate": "1", "seed": "0", "version": "1.0.0"} | wrong
    assert "Mend what is marked" in text_of(client.get(NEW, chosen))
    client.post("/p/faces/releases/request/", chosen)
    assert not Job.objects.filter(kind="release").exists()


def test_estimate_that_lost_its_images_cannot_be_published(estimated: Estimate, cast: Cast) -> None:
    Image.objects.update(state="excluded")
    page = text_of(cast.client(cast.carla).get(NEW))
    assert "leaves no image to release" in page
    assert "Publish 1.0.0" not in page
    told = cast.client(cast.carla).get(f"{API}preview/").json()
    assert (told["n_images"], "leaves no image" in told["refusal"]) == (0, True)


def test_project_without_an_estimate_is_told_what_to_do(cast: Cast) -> None:
    assert "collect votes, then estimate" in text_of(cast.client(cast.carla).get(NEW))
    answer = cast.client(cast.carla).get(f"{API}preview/")
    assert answer.status_code == 400


def test_preview_over_the_api_builds_nothing_and_names_bad_parameters(
    estimated: Estimate, cast: Cast
) -> None:
    client = cast.client(cast.carla)
    told = client.get(f"{API}preview/?twelfth=true&seed=1").json()
    assert told["n_images"] == 42
    assert set(told["sizes"]) == {"rafdb", "imagefolder", "huggingface", "parquet"}
    for query in ("twelfth=yes", "seed=-1", "estimate=0", "colour=red"):
        assert client.get(f"{API}preview/?{query}").status_code == 400
    assert client.get(f"{API}preview/?estimate=77").status_code == 400


@pytest.fixture
def two_versions(release: Release, collection: Collection, cast: Cast) -> Release:
    """1.1.0: one image relabelled, two gone, three new; the rest as before."""
    collection.add(3)
    places = {i: (Subset.SINGLE_LABEL, i % 7) for i in range(35)}
    places |= dict.fromkeys(range(35, 40), (Subset.TWO_TAB, 0)) | {40: (Subset.TWO_TAB, 3)}
    places[0] = (Subset.SINGLE_LABEL, 5)
    places |= dict.fromkeys(range(44, 47), (Subset.SINGLE_LABEL, 3))
    del places[1], places[39]
    collection.estimate(places)
    assert built(cast).state == "succeeded"
    return Release.objects.get(version="1.1.0")


def test_difference_names_what_came_left_and_was_relabelled(
    two_versions: Release, collection: Collection, cast: Cast
) -> None:
    told = cast.client(cast.rafik).get(f"{API}1.1.0/difference/").json()
    assert (told["version"], told["since"]) == ("1.1.0", "1.0.0")
    assert told["counts"] == {"in": 3, "out": 2, "relabelled": 1, "moved": 0, "same": 38}
    (change,) = (row for row in told["results"] if row["kind"] == "relabelled")
    assert change["image"] == str(collection.images[0].uid)
    assert change["before"]["class_name"] == "Surprise"
    assert change["after"]["class_name"] == "Anger"
    left = [row for row in told["results"] if row["kind"] == "out"]
    assert {row["image"] for row in left} == {str(collection.images[i].uid) for i in (1, 39)}
    assert all(row["after"] is None for row in left)


def test_difference_to_any_version_in_pages(two_versions: Release, cast: Cast) -> None:
    client = cast.client(cast.rafik)
    first = client.get(f"{API}1.0.0/difference/?page_size=10").json()
    assert (first["since"], first["counts"]["in"], first["next_page"]) == (None, 41, 2)
    pages, page = [], 1
    while page:
        answer = client.get(f"{API}1.0.0/difference/?page_size=10&page={page}").json()
        pages += answer["results"]
        page = answer["next_page"]
    assert len({row["image"] for row in pages}) == 41
    back = client.get(f"{API}1.0.0/difference/?since=1.1.0&kind=out").json()
    assert {row["kind"] for row in back["results"]} == {"out"}
    for query, status in (("kind=lost", 400), ("since=9.9.9", 404), ("page=0", 400), ("x=1", 400)):
        assert client.get(f"{API}1.1.0/difference/?{query}").status_code == status


def test_page_of_changes_shows_every_kind(two_versions: Release, cast: Cast) -> None:
    client = cast.client(cast.rafik)
    page = text_of(client.get("/p/faces/releases/1.1.0/changes/"))
    assert "From 1.0.0 to 1.1.0" in page
    assert "Surprise → <strong>Anger</strong>" in page
    assert "38 images stayed as they were" in page
    assert "Happiness</strong> · train" in text_of(
        client.get("/p/faces/releases/1.1.0/changes/?kind=in")
    )
    assert "Nothing of this kind" in text_of(
        client.get("/p/faces/releases/1.1.0/changes/?kind=moved")
    )
    assert "1.0.0 is the first version" in text_of(client.get("/p/faces/releases/1.0.0/changes/"))


def test_preview_tells_what_would_change(two_versions: Release, cast: Cast) -> None:
    Image.objects.filter(pk=two_versions.images.first().image_id).update(  # type: ignore[union-attr]
        state="excluded"
    )
    told = cast.client(cast.carla).get(f"{API}preview/").json()
    assert (told["changes"]["out"], told["changes"]["in"]) == (1, 0)
