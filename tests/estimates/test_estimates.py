"""The estimate job and its pages: bands, decisions, the start from the last, the rule tried."""

import numpy as np
import pytest

from annotation.estimates import services
from annotation.estimates.frozen import load, places
from annotation.estimates.queries import folder_of
from annotation.jobs.models import Job
from reliability import ScreeningRule, null, simulate

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # noise may not converge


def _page(cast, part=""):
    return cast.client(cast.carla).get(f"/p/{cast.project.slug}/estimates/{part}")


def test_everybody_stands_beside_the_band_of_a_random_voter(cast, crowd, record, estimate_now):
    members = record(crowd.votes)
    made = estimate_now()
    rows = {row.annotator_id: row for row in made.annotators.all()}
    is_random = crowd.kind == simulate.Kind.RANDOM
    told = np.array([rows[m.pk].is_like_random for m in members])
    assert told[is_random].all()
    assert not told[~is_random].any()
    assert all(0 <= row.agreement <= 1 and row.median_ms == 1200 for row in rows.values())
    page = _page(cast, "1/people/").content.decode()
    assert "2 people lie in the grey band" in page
    assert all(m.code in page for m in members)
    assert "/estimates/1/images/?consensus=" in _page(cast, "1/confusion/").content.decode()


def test_on_shuffled_votes_no_image_is_decided_and_hardly_anybody_stands_out(
    cast, crowd, record, estimate_now
):
    record(null.shuffled(crowd.votes, np.random.default_rng(1)))
    made = estimate_now()
    assert not made.items.filter(is_certain=True).exists()
    rows = made.annotators.all()
    assert sum(not row.is_like_random for row in rows) <= 0.05 * len(rows)
    assert "0 of 60 images are decided" in _page(cast, "1/").content.decode()


def test_a_later_estimate_begins_where_the_last_one_ended(cast, crowd, record, estimate_now):
    record(crowd.votes)
    first, second = estimate_now(), estimate_now()
    assert (first.report["began_at"], second.report["began_at"]) == (None, 1)
    for field in ("reliability", "std_error", "before"):
        then, now = (list(e.annotators.order_by("annotator").values_list(field, flat=True))
                     for e in (first, second))  # fmt: skip
        np.testing.assert_allclose(now, then, atol=1e-2)
    assert "0 images are named otherwise than in estimate 1" in _page(cast, "2/").content.decode()


def test_rows_and_frozen_votes_say_what_was_fitted(cast, crowd, record, estimate_now):
    record(crowd.votes)
    made = estimate_now(method="majority")
    frozen = load(folder_of(made) / "votes.npz")
    assert frozen is not None
    assert frozen.votes.digest == made.votes_digest
    items = list(made.items.order_by("image_id"))
    assert [row.image_id for row in items] == frozen.image_ids.tolist()
    for row in items:
        assert sum(row.posterior) == pytest.approx(1, abs=1e-6)
        assert row.confidence == pytest.approx(row.posterior[row.consensus], abs=1e-8)
        assert row.n_votes == 10


def test_a_rule_is_tried_without_changing_anything_and_stands_once_asked_for(
    cast, crowd, record, estimate_now
):
    record(crowd.votes)
    estimate_now(method="majority")
    url = f"/p/{cast.project.slug}/estimates/1/"
    client = cast.client(cast.carla)
    asked = {"threshold": "3", "confidence": "0.9", "min_votes": "10"}
    tried = client.get(f"{url}people/", asked)
    assert "Left out would be 21 of 21 people" in tried.content.decode()
    assert not Job.objects.filter(kind="estimate").exclude(state="succeeded").exists()
    wrong = client.get(f"{url}people/", asked | {"min_votes": "0"}).content.decode()
    assert "min_votes: Ensure this value is greater than or equal to 1." in wrong
    client.post(f"{url}rule/", asked | {"threshold": "0.25"})
    job = Job.objects.get(kind="estimate", state="queued")
    assert services.rule_of(job.parameters) == ScreeningRule(0.25, 0.9, 10)
    job.delete()
    assert (
        services.rule_of(
            estimate_now(rule=ScreeningRule(0.25), method="majority").parameters
        ).threshold
        == 0.25
    )
    assert services.standing_rule(cast.project).threshold == 0.25


def test_a_curators_word_goes_before_the_rule_that_is_tried(cast, crowd, record, estimate_now):
    members = record(crowd.votes)
    estimate_now(method="majority")
    services.overrule(members[0], True, "She codes faces for a living.", cast.carla)
    asked = {"threshold": "3", "confidence": "0.9", "min_votes": "10"}
    page = cast.client(cast.carla).get(f"/p/{cast.project.slug}/estimates/1/people/", asked)
    assert "Left out would be 20 of 21 people" in page.content.decode()
    assert "She codes faces for a living." in page.content.decode()


def test_images_are_shown_by_what_is_asked(cast, crowd, record, estimate_now):
    record(crowd.votes)
    made = estimate_now(method="majority")
    n_open = made.items.filter(is_certain=False).count()
    assert 0 < n_open < 60
    for query, n in (("show=open", n_open), ("show=changed", 0), ("subset=x", 60), ("", 60)):
        page = _page(cast, f"1/images/?{query}").context["page"]
        assert page.paginator.count == n, query
    entropies = [row.entropy for row in _page(cast, "1/images/").context["page"].object_list]
    assert entropies == sorted(entropies, reverse=True)


def test_an_estimate_under_way_and_a_failed_one_are_told(cast, crowd, record, estimate_now):
    record(crowd.votes)
    estimate_now(method="majority")
    job = Job.objects.create(project=cast.project, kind="estimate", state=Job.State.RUNNING)
    assert "An estimate is under way" in _page(cast, "1/").content.decode()
    Job.objects.filter(pk=job.pk).update(state=Job.State.FAILED)
    for part in ("", "1/people/"):
        assert "The last try to estimate failed" in _page(cast, part).content.decode()


def test_places_finds_ids_and_says_minus_one_of_others():
    known = np.array([2, 5, 9])
    np.testing.assert_array_equal(
        places(known, np.array([1, 2, 5, 6, 9, 11])), [-1, 0, 1, -1, 2, -1]
    )
    np.testing.assert_array_equal(places(known[:0], known), [-1, -1, -1])
