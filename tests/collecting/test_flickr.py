"""Collecting from a server that speaks Flickr's API, on its good days and its bad ones."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from annotation.collecting import outside, queries, searching
from annotation.collecting.models import Collection, Photograph
from annotation.collecting.orders import Order, checked
from annotation.images.models import Image
from tests.conftest import Cast

from .conftest import Collect
from .flickr import HANG, Flickr, picture, way_to

pytestmark = pytest.mark.django_db
BUSY = '<?xml version="1.0"?><rsp stat="fail"><err code="105" msg="Service unavailable"/></rsp>'
BAD_KEY = '<?xml version="1.0"?><rsp stat="fail"><err code="100" msg="Invalid API Key"/></rsp>'
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rsp [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;">]><rsp stat="ok"><photos page="1" pages="1" total="1">&c;'
    "</photos></rsp>"
)
OUTER = (
    '<?xml version="1.0"?><!DOCTYPE rsp SYSTEM "file:///etc/passwd"><rsp stat="ok"><photos/></rsp>'
)


def test_photographs_come_in_with_where_they_are_from_and_wait_for_faces(
    collect: Collect, flickr: Flickr
) -> None:
    collection = collect()
    assert collection.job.state == "succeeded", collection.job.error
    record = collection.job.imported
    assert (record.n_seen, record.n_imported, record.n_refused) == (12, 12, 0)
    image = Image.objects.get(file_name="flickr_1001.jpg")
    assert image.state == Image.State.HELD
    assert image.provenance["fetched_at"].startswith("20")
    assert {k: v for k, v in image.provenance.items() if k != "fetched_at"} == {
        "keyword": "smile",
        "photo_id": "1001",
        "owner": "Ana 0",
        "licence": "CC BY-SA 2.0",
        "title": 'Faces & "friends" <1001>',
        "tags": "smile face",
        "source_url": "https://www.flickr.com/photos/77@N01/1001/",
    }
    assert set(flickr.asked.values()) == {1}
    query = flickr.queries[0]
    assert query["license"] == "0,1,2,3,4,5,6,7"
    assert (query["content_type"], query["safe_search"], query["media"]) == ("1", "1", "photos")
    assert not any((outside.settings.COLLECTIONS_ROOT).rglob("*.part"))


def test_limit_is_spread_over_the_words(collect: Collect, flickr: Flickr) -> None:
    flickr.n = 60
    collection = collect(limit=30)
    words = [p.described["keyword"] for p in collection.photographs.all()]
    assert (words.count("smile"), words.count("rage")) == (15, 15)


def test_pages_are_walked_to_their_end(collect: Collect, flickr: Flickr) -> None:
    flickr.n = 23
    collection = collect(limit=100)
    assert collection.photographs.count() == 46
    assert [q["page"] for q in flickr.queries] == ["1", "1"]
    flickr.n = 60
    again = collect(limit=74)
    assert again.photographs.count() == 74
    assert [(q["page"], q["per_page"]) for q in flickr.queries[2:]] == [
        ("1", "37"), ("1", "37"), ("2", "37"), ("2", "37")
    ]  # fmt: skip


def test_beyond_what_flickr_shows_spans_of_time_are_halved(
    collect: Collect, flickr: Flickr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages repeat after 4,000; here after 40, with 24 photographs a day."""
    monkeypatch.setattr(searching.flickr, "REACHABLE", 40)
    monkeypatch.setattr(searching.flickr, "PER_PAGE", 20)
    monkeypatch.setattr(Flickr, "photograph", lambda self, name: (404, {}, b""))
    flickr.n = 100
    collection = collect(limit=200, uploaded_from=date(2017, 7, 1), uploaded_to=date(2017, 10, 1))
    assert collection.photographs.count() == 200


@pytest.mark.parametrize("answer", [BUSY, BOMB, OUTER, "<html>Sorry</html>", "", "<rsp", "{}",
                                    '<rsp stat="ok"><photos pages="x" total="1"/></rsp>',
                                    (503, {"Retry-After": "0"}, b""), (429, {}, b""),
                                    HANG])  # fmt: skip
def test_answer_that_is_none_is_asked_for_again(
    answer: object, collect: Collect, flickr: Flickr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "api_fetcher", outside.photograph_fetcher)  # its time is short
    outside.settings.COLLECT_HOSTS = [".staticflickr.com", "api.flickr.com"]
    flickr.broken["smile"] = [answer]  # type: ignore[list-item]
    collection = collect()
    assert collection.job.state == "succeeded", collection.job.error
    assert collection.photographs.count() == 12


@pytest.mark.parametrize(
    ("answer", "why"),
    [(BUSY, "Service unavailable"), (BOMB, "definitions of its own"), ("<html>", "begins with")],
)
def test_answer_that_stays_none_ends_the_job_with_its_reason_and_keeps_what_was_found(
    answer: str, why: str, collect: Collect, flickr: Flickr
) -> None:
    flickr.broken["rage"] = [answer] * 4
    collection = collect()
    assert collection.job.state == "failed"
    assert why in collection.job.error
    assert "asked 4 times" in collection.job.error
    assert collection.photographs.count() == 6


def test_wrong_key_is_told_at_once(collect: Collect, flickr: Flickr) -> None:
    flickr.broken["smile"] = [BAD_KEY] * 9
    collection = collect()
    assert "Invalid API Key (code 100)" in collection.job.error
    assert len(flickr.queries) == 1
    assert "a" * 32 not in collection.job.error


def test_photographs_without_or_with_the_same_id_do_no_harm(
    collect: Collect, flickr: Flickr
) -> None:
    flickr.extra = (
        '<photo owner="x" title="no id" url_l="https://live.staticflickr.com/1.jpg"/>'
        '<photo id="x" title="no number" url_l="https://live.staticflickr.com/1.jpg"/>'
        '<photo id="12" title="no address"/>' + flickr._row(7) * 2
    )
    collection = collect()
    assert collection.job.state == "succeeded"
    course = queries.course_of(collection)
    assert (course["unusable"], course["fetched"]) == (6, 13)
    assert flickr.asked["7"] == 1


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([(404, {}, b"")], "status 404"),
        ([(410, {}, b"")], "status 410"),
        ([(500, {}, b"")] * 4, "status 500; asked 4 times"),
        ([HANG] * 4, "no answer in time"),
        ([(200, {"Content-Encoding": "gzip"}, b"x")], "compressed"),
        ([(302, {"Location": "https://live.staticflickr.com/photo_unavailable.png"}, b"")],
         "no longer there"),
        ([(302, {"Location": "https://127.0.0.1/"}, b"")], "not on the list"),
        ([(302, {"Location": "https://inside.staticflickr.com/"}, b"")], "link-local"),
        ([(302, {"Location": "http://live.staticflickr.com/"}, b"")], "only https"),
        (["<html>Not here</html>"], "not a JPEG, PNG or WebP image"),
        ([(200, {}, picture(1001)[:300])], "JPEG"),
        ([(200, {}, b"")], "empty answer"),
    ],
)  # fmt: skip
def test_photograph_that_does_not_come_is_reported_and_the_others_come(
    answers: list[object], why: str, collect: Collect, flickr: Flickr,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    inside = {"inside.staticflickr.com": ["169.254.169.254"]}
    monkeypatch.setattr(outside, "way", way_to(flickr.port, inside))
    flickr.broken["1003"] = list(answers)  # type: ignore[arg-type]
    collection = collect()
    assert collection.job.state == "succeeded", collection.job.error
    record = collection.job.imported
    assert (record.n_imported, record.n_refused) == (11, 1)
    told = [r for r in record.report if r["file"] == "flickr_1003.jpg" and r["what"] == "refused"]
    assert len(told) == 1
    assert why in told[0]["why"]


def test_photograph_that_comes_later_is_waited_for(collect: Collect, flickr: Flickr) -> None:
    flickr.broken["1003"] = [(429, {"Retry-After": "0"}, b""), (503, {}, b"")]
    assert collect().job.imported.n_imported == 12
    assert flickr.asked["1003"] == 3


def test_what_the_project_has_is_not_asked_for_again_but_what_failed_is(
    collect: Collect, flickr: Flickr
) -> None:
    flickr.broken["1003"] = [(404, {}, b"")]
    collect()
    second = collect()
    assert second.job.state == "succeeded", second.job.error
    assert [p.file_name for p in second.photographs.all()] == ["flickr_1003.jpg"]
    assert flickr.asked["1003"] == 2
    assert sum(flickr.asked.values()) == 13
    third = collect()
    assert third.job.error == "Nothing new: the project has all 12 photographs that were found."


def test_job_that_died_goes_on_where_it_was(
    collect: Collect, flickr: Flickr, monkeypatch: pytest.MonkeyPatch, cast: Cast
) -> None:
    """Killed at three places: while searching, between a file and its row, before the import."""
    from annotation.collecting import downloading, tasks
    from annotation.jobs.services import perform, retry_job

    flickr.n = 40

    class Killed(BaseException):
        pass

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    def attempt(job_id: int) -> None:
        with pytest.raises(Killed):
            perform(job_id, "test")
        Job.objects.filter(pk=job_id).update(state="queued")  # as the reaper does

    from annotation.jobs.models import Job

    monkeypatch.setattr(downloading, "BATCH", 8)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "download", die)
        with pytest.raises(Killed):
            collect(limit=80)
    job = Job.objects.get()
    Job.objects.update(state="queued")
    n_queries = len(flickr.queries)
    with monkeypatch.context() as patch:
        patch.setattr(downloading.Course, "write", die)
        attempt(job.pk)
    on_disk = sum(flickr.asked.values())
    assert 0 < on_disk <= 80
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "import_from", die)
        attempt(job.pk)
    assert Photograph.objects.filter(state="fetched").count() == 80
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    assert job.imported.n_imported == 80
    assert set(flickr.asked.values()) == {1}
    assert len(flickr.asked) == 80
    assert len(flickr.queries) == n_queries
    assert not retry_job(job)


def test_page_can_follow_what_is_fetched_while_the_job_runs(
    collect: Collect, flickr: Flickr, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotation.collecting import downloading

    write, seen = downloading.Course.write, []

    def watched(self: downloading.Course, is_last: bool = False) -> None:
        write(self, is_last)
        seen.append(self.collection.photographs.filter(state="fetched").count())

    monkeypatch.setattr(downloading, "BATCH_S", 0.0)
    monkeypatch.setattr(downloading.Course, "write", watched)
    collect()
    assert seen[-1] == 12
    assert any(0 < n < 12 for n in seen)


def test_cancelled_collection_stops_asking(
    collect: Collect, flickr: Flickr, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotation.collecting import downloading
    from annotation.jobs.services import Cancelled

    def stop(self: downloading.Course, is_last: bool = False) -> None:
        raise Cancelled("cancelled")

    flickr.n = 200
    monkeypatch.setattr(downloading.Course, "write", stop)
    collection = collect(limit=400)
    assert collection.job.state == "cancelled"
    assert sum(flickr.asked.values()) < 150


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 10**7}, "limit"),
        ({"keywords": {}}, "keywords"),
        ({"keywords": {"joy": ["smile"]}}, "keywords"),
        ({"keywords": {"fear": ["x" * 81]}}, "keywords"),
        ({"keywords": {"fear": ["a\x00b"]}}, "keywords"),
        ({"keywords": {"fear": [f"w{i}" for i in range(41)]}}, "keywords"),
        ({"licences": []}, "licences"),
        ({"licences": [99]}, "licences"),
        ({"uploaded_from": date(2020, 1, 2), "uploaded_to": date(2020, 1, 1)}, "uploaded_from"),
    ],
)
def test_order_that_cannot_be_right_names_its_field(order: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as told:
        checked(**order)  # type: ignore[arg-type]
    assert list(told.value.message_dict) == [field]


def test_the_papers_words_are_asked_for_unless_others_are_given() -> None:
    words = checked().words
    assert set(words) == {
        "smile", "giggle", "cry", "rage", "scared", "frightened", "terrified", "shocked",
        "astonished", "disgust", "expressionless",
    }  # fmt: skip
    assert 0 not in checked().licences
    assert {3, 6, 13, 16}.isdisjoint(checked().licences)


def test_words_keep_the_order_of_the_expressions_whatever_a_database_makes_of_it() -> None:
    order = checked({"anger": ["rage"], "happiness": ["smile"]})
    stored = dict(sorted(order.keywords.items(), key=lambda pair: (len(pair[0]), pair[0])))
    assert Order(stored).words == order.words == ["smile", "rage"]


def test_one_collection_at_a_time_in_a_project(cast: Cast, flickr: Flickr) -> None:
    from annotation.collecting.services import request_collection

    first, is_new = request_collection(cast.project, checked(), cast.carla)
    second, again = request_collection(cast.project, checked(), cast.carla)
    assert (is_new, again, second.pk) == (True, False, first.pk)
    assert Collection.objects.count() == 1


def test_without_a_key_nothing_is_asked(cast: Cast) -> None:
    from annotation.collecting.services import request_collection

    outside.settings.FLICKR_API_KEY = ""
    with pytest.raises(ValidationError, match="FLICKR_API_KEY"):
        request_collection(cast.project, checked(), cast.carla)
