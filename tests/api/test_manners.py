"""Manners of the whole API: subsets, tables as CSV, 304, rate limits, clear refusals."""

import csv
import io
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from annotation.estimates.models import Estimate
from annotation.releases.models import Release
from reliability.expressions import NAMES
from tests.conftest import Cast
from tests.releases.conftest import collection as collection
from tests.releases.conftest import estimated as estimated
from tests.releases.conftest import release as release

pytestmark = pytest.mark.django_db
P = "/api/v1/projects/faces/"
SUBSETS = f"{P}subsets/"


def pages_of(client: Client, address: str) -> list[dict[str, Any]]:
    """All rows, page by page."""
    rows: list[dict[str, Any]] = []
    while address:
        told = client.get(address).json()
        rows += told["results"]
        address = told["next"]
    return rows


def test_subsets_are_counted_as_the_estimate_has_them(cast: Cast, estimated: Estimate) -> None:
    told = cast.client(cast.rafik).get(SUBSETS).json()
    by_name = {row["subset"]: row for row in told["subsets"]}
    assert told["n_images"] == 44
    assert {name: row["n"] for name, row in by_name.items() if row["n"]} == {
        "single_label": 35, "two_tab": 7, "with_neutral": 1, "none": 1,
    }  # fmt: skip
    assert by_name["single_label"]["labels"] == [{"label": name, "n": 5} for name in NAMES]
    pairs = {row["label"]: row["n"] for row in by_name["two_tab"]["labels"]}
    assert pairs["Happily Surprised"] == 5


def test_every_filter_narrows_images_as_it_does_counts(cast: Cast, release: Release) -> None:
    client = cast.client(cast.rafik)
    rows = pages_of(client, f"{SUBSETS}images/?release=latest&page_size=7")
    assert len(rows) == 44
    assert len({row["image"] for row in rows}) == 44
    expected = {
        "subset=single_label": lambda r: r["subset"] == "single_label",
        "label=fear": lambda r: r["label"] == "fear",
        "label=Happily Surprised": lambda r: r["label"] == "Happily Surprised",
        "release=latest&split=test": lambda r: r["split"] == "test",
        "release=latest&fold=2": lambda r: r["fold"] == 2,
        "agreement_min=0.9": lambda r: r["agreement"] >= 0.9,
        "agreement_max=0.5": lambda r: r["agreement"] <= 0.5,
        "entropy_max=0.1": lambda r: r["entropy"] <= 0.1,
        "entropy_min=0.3": lambda r: r["entropy"] >= 0.3,
        "confidence_min=0.95": lambda r: r["confidence"] >= 0.95,
        "n_votes_min=41": lambda r: r["n_votes"] >= 41,
        "gender=female&race=asian&age=40_69": lambda r: (r["gender"], r["age"]) == (1, 3),
        "gender=male": lambda r: r["gender"] == 0,
    }
    for query, matches in expected.items():
        found = pages_of(client, f"{SUBSETS}images/?{query}")
        assert {r["image"] for r in found} == {r["image"] for r in rows if matches(r)}, query
        counted = client.get(f"{SUBSETS}?{query}").json()["n_images"]
        assert counted == len(found), query
    assert client.get(rows[0]["thumbnail"].replace("thumb", "original")).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("lable=fear", "lable"),
        ("label=joy", "label"),
        ("entropy_min=high", "entropy_min"),
        ("agreement_min=nan", "agreement_min"),
        ("agreement_min=1.5", "agreement_min"),
        ("fold=5&release=latest", "fold"),
        ("split=train", "release"),
        ("release=9.9.9", "release"),
        ("label=fear&label=anger", "label"),
        ("image__project__name=x", "image__project__name"),
    ],
)
def test_filter_that_does_not_exist_or_fit_is_refused_by_name(
    cast: Cast, release: Release, query: str, field: str
) -> None:
    for address in (SUBSETS, f"{SUBSETS}images/"):
        answer = cast.client(cast.rafik).get(f"{address}?{query}")
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [field]


def test_page_stays_where_it_is_while_rows_are_added(cast: Cast, release: Release) -> None:
    """By key and not by offset: what comes meanwhile shifts nothing."""
    client = cast.client(cast.carla)
    first = client.get(f"{P}jobs/?page_size=1").json()
    from annotation.jobs.models import Job

    Job.objects.create(project=cast.project, kind="estimate", state="succeeded")
    second = client.get(first["next"]).json()
    assert second["results"][0]["id"] < first["results"][0]["id"]


@pytest.mark.parametrize("how", ["header", "parameter"])
def test_table_comes_as_csv(cast: Cast, release: Release, how: str) -> None:
    client = cast.client(cast.rafik)
    if how == "header":
        answer = client.get(f"{SUBSETS}images/", headers={"accept": "text/csv"})
    else:
        answer = client.get(f"{SUBSETS}images/?format=csv&page_size=10")
        assert answer["Link"].endswith('rel="next"')
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == (44 if how == "header" else 10)
    assert set(rows[0]) >= {"image", "label", "agreement", "distribution"}


def test_csv_cell_is_no_formula_and_a_problem_stays_json(cast: Cast, release: Release) -> None:
    images = cast.client(cast.carla)
    from annotation.images.models import Image

    Image.objects.filter(pk=Image.objects.first().pk).update(file_name="=HYPERLINK(1)")  # type: ignore[union-attr]
    assert "'=HYPERLINK(1)" in images.get(f"{P}images/?format=csv").content.decode()
    refused = images.get(f"{P}images/?nonsense=1&format=csv")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert refused.json()["errors"]


def test_what_has_not_changed_is_not_sent_again(cast: Cast, release: Release) -> None:
    client = cast.client(cast.rafik)
    for path in ("", "estimates/", "estimates/1/", "estimates/1/items/", "subsets/", "releases/",
                 "releases/1.0.0/", "releases/1.0.0/files/", "releases/1.0.0/files/README.md",
                 "releases/1.0.0/archive/"):  # fmt: skip
        etag = client.get(P + path)["ETag"]
        again = client.get(P + path, headers={"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b""), path


def test_researcher_reads_estimates_but_nothing_about_single_annotators(
    cast: Cast, estimated: Estimate
) -> None:
    client = cast.client(cast.rafik)
    for path, status in (("", 200), ("1/", 200), ("1/items/", 200), ("1/annotators/", 404),
                         ("1/files/report.json", 404)):  # fmt: skip
        assert client.get(f"{P}estimates/{path}").status_code == status
    assert client.post(f"{P}estimates/", {}, content_type="application/json").status_code == 404


def test_token_that_asks_too_often_waits_and_others_go_on(cast: Cast, settings: Any) -> None:
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = 3
    busy, calm = (cast.token(cast.rafik, "researcher") for _ in range(2))
    statuses = [Client().get(P, headers=busy).status_code for _ in range(5)]
    refused = Client().get(P, headers=busy)
    assert 429 in {*statuses[3:], refused.status_code}
    if refused.status_code == 429:
        assert 0 < int(refused["Retry-After"]) <= 60
        assert refused.json()["status"] == 429
    assert Client().get(P, headers=calm).status_code == 200
    assert cast.client(cast.rafik).get(P).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("releases/9.9.9/", 404),
        ("releases/9.9.9/archive/", 404),
        ("releases/1.0.0/files/../../../etc/passwd", 404),
        ("releases/1.0.0/files/%2e%2e%2fsecret", 404),
        ("releases/1.0.0/files/x%00y", 404),
        ("estimates/1/files/..%2f..%2fsecret", 404),
        ("estimates/99999999999999999999/", 404),
        ("jobs/99999999999999999999/", 404),
        ("jobs/?page_size=0", 400),
        ("jobs/?page_size=many", 400),
        ("jobs/?cursor=nonsense", 404),
    ],
)
def test_bad_address_is_answered_clearly(
    cast: Cast, release: Release, path: str, status: int
) -> None:
    answer = cast.client(cast.carla).get(P + path)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
