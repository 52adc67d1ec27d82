"""The page, the API and the command of collections: the same services behind all three."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from annotation.collecting.models import Collection
from annotation.images.models import Image
from annotation.labelling.draw import top_up
from annotation.labelling.models import Coverage
from annotation.releases.plan import plan_release
from annotation.releases.services import request_release
from reliability import Subset
from tests.conftest import Cast
from tests.releases.conftest import Collection as Faces
from tests.releases.conftest import collection as collection

from .flickr import Flickr

pytestmark = pytest.mark.django_db


def test_page_asks_with_the_papers_words_and_shows_what_came(cast: Cast, flickr: Flickr) -> None:
    carla = cast.client(cast.carla)
    address = f"/p/{cast.project.slug}/collect/"
    shown = carla.get(address).content.decode()
    assert "scared, frightened, terrified" in shown
    form = {"door": "flickr", "happiness": "smile, grin", "limit": "50", "licences": ["4", "5"]}
    answer = carla.post(address, form)
    made = Collection.objects.get()
    assert answer.url == f"/p/{cast.project.slug}/collections/{made.pk}/"
    assert made.order["keywords"] == {"happiness": ["smile", "grin"]}
    assert "smile, grin" in carla.get(answer.url).content.decode()
    assert "under way" in carla.get(address).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"limit": "0"}, {"licences": []}, {"happiness": ""}, {"uploaded_from": "yesterday"}]
)
def test_page_says_what_is_wrong_and_keeps_what_was_typed(
    wrong: dict[str, object], cast: Cast, flickr: Flickr
) -> None:
    form = {"door": "flickr", "happiness": "grin", "limit": "50", "licences": ["4"]} | wrong
    answer = cast.client(cast.carla).post(f"/p/{cast.project.slug}/collect/", form)
    assert answer.status_code == 400
    assert 'class="wrong"' in answer.content.decode()
    assert not Collection.objects.exists()


def test_page_takes_a_manifest_and_names_its_bad_line(cast: Cast) -> None:
    carla = cast.client(cast.carla)
    address = f"/p/{cast.project.slug}/collect/"
    bad = SimpleUploadedFile("list.csv", b"url\nhttps://evil.org/x.jpg\n")
    answer = carla.post(address, {"door": "manifest", "manifest": bad})
    assert "line 2: url: host evil.org is not on the list" in answer.content.decode()
    good = SimpleUploadedFile("list.csv", b"url\nhttps://live.staticflickr.com/x.jpg\n")
    assert carla.post(address, {"door": "manifest", "manifest": good}).status_code == 302


def test_api_asks_once_and_tells_how_far_it_is(cast: Cast, flickr: Flickr) -> None:
    token = cast.token(cast.carla, "curator")
    client = cast.client(cast.carla)
    address = f"/api/v1/projects/{cast.project.slug}/collections/"
    order = {"keywords": {"anger": ["rage"]}, "limit": 10}
    options = {"content_type": "application/json", "headers": token}
    assert client.post(address, order, **options).status_code == 202
    assert client.post(address, order, **options).status_code == 409
    told = client.get(f"{address}{Collection.objects.get().pk}/", headers=token).json()
    assert told["order"]["keywords"] == {"anger": ["rage"]}
    assert told["course"]["found"] == 0
    for wrong in ({"limit": 0}, {"keywords": {"joy": ["x"]}}, {"licences": [99]}, {"words": 1}):
        assert client.post(address, wrong, **options).status_code == 400
    photographs = {"photographs": [{"url": "https://evil.org/x.jpg"}]}
    refused = client.post(f"{address}manifest/", photographs, **options)
    assert refused.status_code == 400
    assert "not on the list" in str(refused.json())


def test_command_collects_here_and_names_what_did_not_come(cast: Cast, flickr: Flickr) -> None:
    flickr.broken["1002"] = [(404, {}, b"")]
    out = io.StringIO()
    words = ["--keyword", "happiness=smile", "--licences", "0,3,4,5"]
    call_command("collect", cast.project.slug, *words, stdout=out)
    assert "1 not fetched: status 404" in out.getvalue()
    assert Image.objects.count() == 5
    with pytest.raises(CommandError, match="EXPRESSION=WORD"):
        call_command("collect", cast.project.slug, "--keyword", "smile", stdout=out)
    with pytest.raises(CommandError, match="There is no file"):
        call_command("collect", cast.project.slug, "--manifest", "nowhere.csv", stdout=out)


def test_photographs_that_may_not_be_copied_or_changed_stay_out_of_releases(
    cast: Cast, collection: Faces
) -> None:
    words = ["All Rights Reserved", "CC BY-ND 2.0", "CC BY-NC-ND 4.0", "© Ana", "CC BY 4.0",
             "CC BY-NC-SA 2.0", "", "Flickr licence 99", "Land registry"]  # fmt: skip
    for word in words:
        collection.add(provenance={"licence": word} if word else {})
    collection.estimate(dict.fromkeys(range(len(words)), (Subset.SINGLE_LABEL, 3)))
    estimate = cast.project.estimates.get()
    plan = plan_release(estimate)
    assert plan.left_out == {
        "licence: all rights reserved": 2,
        "licence: no derivatives": 2,
        "licence: not known to this version": 1,
    }
    assert len(plan.places) == 4
    assert len(plan_release(estimate, any_licence=True).places) == 9
    job, _ = request_release(cast.project, cast.carla, any_licence=True)
    assert job.parameters["any_licence"] is True


def test_held_images_are_not_drawn_until_they_are_let_in(cast: Cast, flickr: Flickr) -> None:
    call_command("collect", cast.project.slug, "--keyword", "happiness=smile", stdout=io.StringIO())
    assert set(Image.objects.values_list("state", flat=True)) == {"held"}
    assert not Coverage.objects.exists()
    assert top_up(cast.annotator(cast.alice), 5) == []
