"""The table of votes: out as CSV and Parquet, in again, by page, API and command."""

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from annotation.images.models import Image
from annotation.labelling import export, services, table_api
from annotation.labelling.models import Vote
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/projects/faces/votes/"


@pytest.fixture
def voted(cast: Cast, images_in: Any) -> list[int]:
    """Three images; alice labels all of them, bob one and corrects it."""
    images: list[int] = images_in(cast.project, 3)
    for person, n in ((cast.alice, 3), (cast.bob, 1)):
        me = cast.annotator(person)
        for one in services.top_up(me, n):
            services.record_vote(one.pk, me, services.Answer(one.image_id % 7, response_ms=800))
    last = Vote.objects.latest("pk")
    fix = services.Answer((last.expression + 1) % 7, revision=2)
    services.record_vote(last.assignment_id, cast.annotator(cast.bob), fix)
    return images


def exported(cast: Cast, kind: str = "csv") -> bytes:
    answer = cast.client(cast.carla).get(ADDRESS, {"as": kind})
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_export_has_each_vote_that_counts_once_with_its_time(cast: Cast, voted: list[int]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(cast).decode())))
    votes = Vote.objects.filter(is_current=True).select_related("assignment__annotator")
    told = {(str(v.assignment.image.uid), v.assignment.annotator.code): v for v in votes}
    assert len(rows) == len(told) == 4
    for row in rows:
        vote = told[(row["item"], row["annotator"])]
        assert row["expression"] == export.NAMES[vote.expression]
        assert row["response_ms"] == ("" if vote.response_ms is None else str(vote.response_ms))
        assert row["voted_at"].startswith(vote.voted_at.isoformat()[:23])
        assert row["voted_at"].endswith("+00:00")


def test_parquet_says_the_same_as_csv(
    cast: Cast, voted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "FIRST_SLICE", 2)
    monkeypatch.setattr(export, "SLICE", 1)
    rows = list(csv.DictReader(io.StringIO(exported(cast).decode())))
    table = pyarrow.parquet.read_table(io.BytesIO(exported(cast, "parquet")))
    assert table.column_names == list(export.COLUMNS)
    for name in ("item", "annotator", "expression"):
        assert table[name].to_pylist() == [row[name] for row in rows]
    assert [str(ms or "") for ms in table["response_ms"].to_pylist()] == [
        row["response_ms"] for row in rows
    ]
    for moment, row in zip(table["voted_at"].to_pylist(), rows, strict=True):
        assert moment.isoformat()[:23] == row["voted_at"][:23]


def test_export_leaves_out_what_does_not_count(cast: Cast, voted: list[int]) -> None:
    Image.objects.filter(pk=voted[0]).update(state=Image.State.TAKEN_DOWN)
    services.withdraw(cast.annotator(cast.bob), votes_too=True)
    rows = list(csv.DictReader(io.StringIO(exported(cast).decode())))
    assert {row["annotator"] for row in rows} == {cast.annotator(cast.alice).code}
    assert len(rows) == 2


def test_other_kinds_of_file_are_refused_by_name(cast: Cast) -> None:
    answer = cast.client(cast.carla).get(ADDRESS, {"as": "xlsx"})
    assert answer.status_code == 400
    assert "csv, parquet" in answer.json()["detail"]


@pytest.mark.parametrize("door", ["api", "page", "command"])
def test_votes_from_elsewhere_come_in_by_every_door(
    cast: Cast, images_in: Any, tmp_path: Path, door: str
) -> None:
    images_in(cast.project, 2)
    text = b"item,annotator,expression\n0.jpg,A001,fear\n1.jpg,A002,7\n"
    client = cast.client(cast.carla)
    for n_new in (2, 0):  # the second time nothing is new
        if door == "api":
            answer = client.post(ADDRESS, text, content_type="text/csv")
            assert answer.status_code == 201, answer.content
            assert answer.json() == {"n_new": n_new}
        elif door == "page":
            table = SimpleUploadedFile("votes.csv", text)
            page = client.post("/p/faces/votes/", {"table": table}, follow=True)
            assert f"{n_new} new votes" in page.content.decode()
        else:
            (tmp_path / "votes.csv").write_bytes(text)
            call_command("import_votes", "faces", str(tmp_path / "votes.csv"))
    assert sorted(Vote.objects.values_list("expression", flat=True)) == [1, 6]


def test_doubtful_table_is_refused_with_its_line(
    cast: Cast, images_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    images_in(cast.project, 1)
    client = cast.client(cast.carla)
    text = "item,annotator,expression\n0.jpg,A001,joy\n"
    answer = client.post(ADDRESS, text, content_type="text/csv")
    assert answer.status_code == 400
    assert "line 2" in answer.json()["detail"]
    table = SimpleUploadedFile("votes.csv", text.encode())
    page = client.post("/p/faces/votes/", {"table": table}, follow=True)
    assert "line 2" in page.content.decode()
    monkeypatch.setattr(table_api, "MAX_TABLE_BYTES", 20)
    answer = client.post(ADDRESS, text, content_type="text/csv")
    assert "larger than 20 bytes" in answer.json()["detail"]
    assert not Vote.objects.exists()


def test_command_writes_what_the_api_sends(cast: Cast, voted: list[int], tmp_path: Path) -> None:
    call_command("export_votes", "faces", str(tmp_path / "votes.csv"))
    assert (tmp_path / "votes.csv").read_bytes() == exported(cast)
    call_command("export_votes", "faces", str(tmp_path / "votes.parquet"))
    assert pyarrow.parquet.read_table(tmp_path / "votes.parquet").num_rows == 4
    with pytest.raises(CommandError, match=r"\.csv, \.parquet"):
        call_command("export_votes", "faces", str(tmp_path / "votes.txt"))
