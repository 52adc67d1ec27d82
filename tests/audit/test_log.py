"""The log only grows, is read by curators of the project alone, and says what changed."""

import csv
import io

import pytest
from django.db import DatabaseError, connection, transaction

from annotation.audit import protection, services
from annotation.audit.models import Door, Entry, Kind
from tests.conftest import Cast


def entry(cast: Cast, words: str = "did something", kind: Kind = Kind.PEOPLE) -> Entry:
    return Entry.objects.create(
        project=cast.project, person=cast.carla, who="carla", door=Door.PAGE, kind=kind, words=words
    )


@pytest.mark.parametrize("deed", ["change", "remove", "empty"])
def test_database_refuses_to_change_or_remove_an_entry(deed: str, cast: Cast) -> None:
    kept = entry(cast)
    statements = {
        "change": "UPDATE audit_entry SET words = 'nothing'",
        "remove": f"DELETE FROM audit_entry WHERE id = {kept.pk}",
        "empty": "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE audit_entry"
        if connection.vendor == "postgresql"
        else "DELETE FROM audit_entry",
    }
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statements[deed])
    assert Entry.objects.get().words == "did something"


def test_negative_control_without_the_triggers_it_could_be_changed(cast: Cast) -> None:
    entry(cast)
    protection.lift(connection)
    assert Entry.objects.update(words="nothing") == 1
    assert Entry.objects.all().delete()[0] == 1
    protection.protect(connection)


def test_network_is_kept_without_the_last_part_of_the_address() -> None:
    assert services.network_of("203.0.113.77") == "203.0.113.0/24"
    assert services.network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1::/48"
    assert services.network_of("::1") == "this machine"
    assert services.network_of("unknown") == ""


def test_difference_names_what_changed_and_shortens_long_texts() -> None:
    told = services.difference({"a": 1, "b": 2, "c": ""}, {"a": 1, "b": 3, "c": "x" * 500})
    assert told["before"] == "b: 2; c: "
    assert told["after"].startswith("b: 3; c: xxx")
    assert told["after"].endswith("… (500 signs)")


def test_settings_tell_before_and_after(cast: Cast) -> None:
    form = {"name": "Faces", "target_votes": 20, "assignment_hours": 24, "guidelines": "# Look"}
    cast.client(cast.carla).post(f"/p/{cast.project.slug}/settings/", form)
    told = Entry.objects.get()
    assert (told.who, told.kind, told.door) == ("carla", "project", "page")
    assert told.before == "guidelines: ; target_votes: 2"
    assert told.after == "guidelines: # Look; target_votes: 20"


def test_token_that_was_used_is_named(cast: Cast) -> None:
    address = f"/api/v1/projects/{cast.project.slug}/invitations/"
    headers = cast.token(cast.carla, "curator")
    body = {"role": "annotator"}
    cast.client(cast.olga).post(address, body, content_type="application/json", headers=headers)
    told = Entry.objects.get()
    assert (told.who, told.door, told.token) == ("carla", "api", "test")


def test_page_and_api_filter_by_person_kind_and_day(cast: Cast) -> None:
    entry(cast, "invited somebody")
    entry(cast, "took an image out", Kind.IMAGES)
    carla = cast.client(cast.carla)
    page, api = f"/p/{cast.project.slug}/log/", f"/api/v1/projects/{cast.project.slug}/audit/"
    for query, n in (
        ("", 2), ("?kind=images", 1), ("?who=carla", 2), ("?words=somebody", 1),
        ("?since=2000-01-01", 2), ("?until=2000-01-01", 0),
    ):  # fmt: skip
        assert len(carla.get(page + query).context["entries"]) == n
        assert len(carla.get(api + query).json()["results"]) == n
    for wrong in ("?kind=nonsense", "?since=yesterday", "?who_not=carla"):
        assert carla.get(api + wrong).status_code == 400
    table = carla.get(f"{page}?as=csv&kind=images").content.decode()
    assert [row["words"] for row in csv.DictReader(io.StringIO(table))] == ["took an image out"]


def test_words_that_others_wrote_cannot_harm_page_or_table(cast: Cast) -> None:
    entry(cast, '=HYPERLINK("x") <script>alert(1)</script>')
    carla = cast.client(cast.carla)
    page = f"/p/{cast.project.slug}/log/"
    assert "<script>alert" not in carla.get(page).content.decode()
    assert "'=HYPERLINK" in carla.get(f"{page}?as=csv").content.decode()


def test_log_of_the_site_holds_what_belongs_to_no_project_and_is_for_staff(cast: Cast) -> None:
    entry(cast)
    assert cast.client(cast.carla).get("/log/").status_code == 404
    cast.carla.is_staff = True
    cast.carla.save()
    carla = cast.client(cast.carla)
    carla.post("/account/name/", {"display_name": "Carla"})
    shown = carla.get("/log/").content.decode()
    assert "changed their name or address" in shown
    assert "did something" in shown
    assert "changed their name" not in carla.get(f"/p/{cast.project.slug}/log/").content.decode()
