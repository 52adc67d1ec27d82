"""The votes themselves: only where the project shares them, under codes nobody can link."""

from typing import Any

import pandas as pd
import pytest
from django.core.exceptions import ValidationError

from annotation.estimates.models import AnnotatorEstimate, Estimate
from annotation.people.models import Membership
from annotation.releases import queries
from annotation.releases.crowd import codes
from annotation.releases.models import Release
from annotation.releases.services import request_release
from tests.conftest import Cast
from tests.releases.conftest import built, freeze

pytestmark = pytest.mark.django_db


@pytest.fixture
def sharing(estimated: Estimate, cast: Cast, settings: Any) -> Cast:
    cast.project.shares_votes = True
    cast.project.save()
    freeze(estimated, settings.ESTIMATES_ROOT)
    return cast


def table(version: str, name: str) -> pd.DataFrame:
    release = Release.objects.get(version=version)
    return pd.read_parquet(queries.folder_of(release) / f"{name}.parquet")


def test_votes_are_those_of_the_released_images(sharing: Cast) -> None:
    assert built(sharing).state == "succeeded"
    votes = table("1.0.0", "votes")
    release = Release.objects.get()
    assert len(votes) == 6 * release.images.count()
    assert set(votes.file) == {f"{r.subset}/{r.name}" for r in release.images.all()}
    labels = {f"basic/{r.name}": r.label for r in release.images.filter(subset="basic")}
    basic = votes[votes.file.isin(list(labels))]
    agreed = basic.expression == basic.file.astype(str).map(labels)
    assert agreed.groupby(basic.annotator.astype(str)).all().sum() == 5  # one never agrees
    people = table("1.0.0", "annotators")
    assert set(people.annotator) == set(votes.annotator)
    assert sorted(people.reliability) == [0, 0.25, 0.5, 0.75, 1, 1.25]


def test_codes_differ_from_release_to_release_and_betray_no_name(sharing: Cast) -> None:
    assert built(sharing).state == "succeeded"
    assert built(sharing).state == "succeeded"
    first, second = (set(table(v, "annotators").annotator) for v in ("1.0.0", "1.1.0"))
    assert len(first) == len(second) == 6
    assert not first & second
    known = set(Membership.objects.values_list("code", flat=True))
    assert not (first | second) & known


def test_codes_are_the_same_again_with_the_same_secret_only(settings: Any) -> None:
    mine = codes("1/1.0.0/annotator", [1, 2])
    assert codes("1/1.0.0/annotator", [2, 1]) == mine
    settings.SECRET_KEY = "another secret" * 4
    assert not set(codes("1/1.0.0/annotator", [1, 2]).values()) & set(mine.values())


def test_order_of_rows_is_by_code_not_by_who_joined_first(sharing: Cast) -> None:
    assert built(sharing).state == "succeeded"
    votes = table("1.0.0", "votes")
    first = votes[votes.file == votes.file.iloc[0]].annotator.astype(str)
    assert list(first) == sorted(first)


def test_votes_stay_at_home_where_the_project_does_not_share_them(
    estimated: Estimate, cast: Cast, settings: Any
) -> None:
    freeze(estimated, settings.ESTIMATES_ROOT)
    with pytest.raises(ValidationError, match="does not share"):
        request_release(cast.project, cast.carla, votes=True)
    assert built(cast).state == "succeeded"
    folder = queries.folder_of(Release.objects.get())
    assert not (folder / "votes.parquet").exists()
    assert "votes of single people are not published" in (folder / "README.md").read_text()


def test_a_crowd_under_five_is_not_broken_down(
    estimated: Estimate, cast: Cast, settings: Any
) -> None:
    cast.project.shares_votes = True
    cast.project.save()
    freeze(estimated, settings.ESTIMATES_ROOT, n_people=4)
    with pytest.raises(ValidationError, match="fewer than 5"):
        request_release(cast.project, cast.carla, votes=True)
    assert built(cast).state == "succeeded"
    folder = queries.folder_of(Release.objects.get())
    assert not (folder / "annotators.parquet").exists()
    assert "Reliability of those kept" not in (folder / "README.md").read_text()


def test_who_was_set_aside_is_not_told_where_they_are_under_five(sharing: Cast) -> None:
    AnnotatorEstimate.objects.filter(reliability=0).update(kept=False)
    assert built(sharing).state == "succeeded"
    assert table("1.0.0", "annotators").kept.isna().all()


def test_lost_frozen_votes_are_named(sharing: Cast, settings: Any) -> None:
    (next(settings.ESTIMATES_ROOT.rglob("votes.npz"))).unlink()
    job = built(sharing)
    assert (job.state, "frozen votes of estimate 1" in job.error) == ("failed", True)
    assert built(sharing, votes=False).state == "succeeded"
