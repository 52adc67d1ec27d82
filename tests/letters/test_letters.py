"""Messages reach whom they are meant for, as plain words, until they are read."""

import pytest
from django.core.exceptions import ValidationError

from annotation.labelling import parting
from annotation.letters import queries, services
from annotation.letters.models import Letter
from tests.conftest import Cast

PAGE = "/p/faces/messages/"


def test_one_some_or_all_annotators_at_work_get_it(cast: Cast) -> None:
    alice, bob = cast.annotator(cast.alice), cast.annotator(cast.bob)
    services.send(cast.project, "Thank you.", cast.carla)
    services.send(cast.project, "Only you.", cast.carla, [alice.code])
    assert [one.text for one in queries.unread(cast.alice)] == ["Thank you.", "Only you."]
    assert [one.text for one in queries.unread(cast.bob)] == ["Thank you."]
    assert queries.unread(cast.rafik) == []
    parting.exclude(bob, "presses one key")
    assert queries.unread(cast.bob) == []
    with pytest.raises(ValidationError, match=f"Nobody at work has the code {bob.code}"):
        services.send(cast.project, "Come back.", cast.carla, [bob.code])


@pytest.mark.parametrize("text", ["", "  \n", "x" * 2001])
def test_an_empty_or_endless_message_is_refused(text: str, cast: Cast) -> None:
    with pytest.raises(ValidationError, match="Between 1 and"):
        services.send(cast.project, text, cast.carla)


def test_it_stands_on_every_page_as_text_until_it_is_read(cast: Cast) -> None:
    sent = services.send(cast.project, "Hello <script>alert(1)</script>\n\nTwo words.", cast.carla)
    alice = cast.client(cast.alice)
    for page in ("/p/faces/", "/account/", "/p/faces/label/"):
        shown = alice.get(page).content.decode()
        assert "Hello &lt;script&gt;" in shown
        assert "<script>alert" not in shown
        assert "<p>Two words.</p>" in shown
    answer = alice.post(f"/messages/{sent.pk}/read/", {"next": "/p/faces/label/"})
    assert answer.url == "/p/faces/label/"
    assert "Two words." not in alice.get("/p/faces/").content.decode()
    assert "Two words." in cast.client(cast.bob).get("/p/faces/").content.decode()
    row = queries.letters_of(cast.project).get()
    assert (row.n_to, row.n_read) == (2, 1)


def test_nobody_reads_or_leaves_through_anothers_message(cast: Cast) -> None:
    sent = services.send(cast.project, "Hello", cast.carla)
    olga = cast.client(cast.olga)
    answer = olga.post(f"/messages/{sent.pk}/read/", {"next": "https://evil.example/"})
    assert answer.url == "/"
    assert len(queries.unread(cast.alice)) == 1
    assert olga.get("/api/v1/projects/faces/messages/mine/").status_code == 404


def test_what_was_taken_back_is_shown_no_more_and_stays_on_record(cast: Cast) -> None:
    sent = services.send(cast.project, "Too early", cast.carla)
    cast.client(cast.carla).post(f"{PAGE}{sent.pk}/take-back/")
    assert queries.unread(cast.alice) == []
    assert Letter.objects.get().withdrawn_at is not None


def test_page_sends_to_codes_in_any_spelling_and_names_strangers(cast: Cast) -> None:
    carla = cast.client(cast.carla)
    codes = [cast.annotator(one).code for one in (cast.alice, cast.bob)]
    assert (
        f'value="{codes[0]} {codes[1]}"'
        in carla.get(f"{PAGE}?to={codes[0]}&to={codes[1]}").content.decode()
    )
    assert carla.post(PAGE, {"to": ", ".join(codes), "text": "Hi"}).status_code == 302
    refused = carla.post(PAGE, {"to": "Z999", "text": "Hi"})
    assert refused.status_code == 400
    assert "Nobody at work has the code Z999" in refused.content.decode()


def test_api_sends_reads_and_takes_back(cast: Cast) -> None:
    carla, alice = cast.client(cast.carla), cast.client(cast.alice)
    address, json = "/api/v1/projects/faces/messages/", {"content_type": "application/json"}
    sent = carla.post(address, {"text": "Hello", "to": [cast.annotator(cast.alice).code]}, **json)
    assert (sent.status_code, sent.json()["n_to"]) == (201, 1)
    mine = alice.get(f"{address}mine/").json()
    assert [row["text"] for row in mine] == ["Hello"]
    assert alice.put(f"{address}{mine[0]['id']}/read/", **json).status_code == 204
    assert alice.get(f"{address}mine/").json() == []
    assert carla.get(address).json()["results"][0]["n_read"] == 1
    assert carla.delete(f"{address}{mine[0]['id']}/").status_code == 204
