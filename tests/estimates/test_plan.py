"""Vote plans on the site: asked for, worked out, shown, downloaded."""

import pytest
from django.core.exceptions import ValidationError

from annotation.estimates import planning
from annotation.estimates.models import VotePlan
from annotation.estimates.queries import folder_of
from annotation.jobs.services import perform

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # few votes may not converge


def test_a_plan_says_what_fewer_votes_would_have_given(cast, crowd, record, estimate_now):
    record(crowd.votes)
    made = estimate_now()
    client = cast.client(cast.carla)
    url, api = (
        f"/p/{cast.project.slug}/estimates/1/plan/",
        "/api/v1/projects/faces/estimates/1/plan/",
    )
    assert "Not worked out yet" in client.get(url).content.decode()
    assert client.get(api).status_code == 404
    job, created = planning.request_plan(made, cast.carla, seed=5)
    assert created
    perform(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    told = client.get(api).json()["summary"]
    assert told["depths"] == [5, 10]
    for measure in ("expression", "subset", "distribution"):
        half, whole = told["same"][measure]
        assert 0.3 < half < whole == 1
    assert 0 < told["settled"] < 60
    page = client.get(url).content.decode()
    assert told["sentence"] in page
    assert "5 votes per image would have given" in page
    assert client.get(f"{api}items.csv").getvalue().count(b"\n") == 61
    assert client.get(f"{api}nothing.csv").status_code == 404
    assert VotePlan.objects.get().seed == 5


def test_a_plan_needs_the_frozen_votes(cast, crowd, record, estimate_now):
    record(crowd.votes)
    made = estimate_now()
    (folder_of(made) / "votes.npz").unlink()
    with pytest.raises(ValidationError, match="no longer there"):
        planning.request_plan(made, cast.carla)
