"""Webhooks: signed, tried again, told once of each piece of work, and never led inside."""

import hashlib
import hmac
import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from annotation.estimates.models import Estimate
from annotation.fetching import Answer, Fetcher, Unanswered
from annotation.jobs.models import Job
from annotation.webhooks import services
from annotation.webhooks.models import Delivery, Webhook
from tests.conftest import Cast
from tests.releases.conftest import built
from tests.releases.conftest import collection as collection
from tests.releases.conftest import estimated as estimated

pytestmark = pytest.mark.django_db
URL = "https://hooks.example/faces"
API = "/api/v1/projects/faces/webhooks/"
State = Delivery.State


class Receiver(Fetcher):
    """Another laboratory's program: notes what it is sent and answers as it is told to."""

    def __init__(self, *answers: int | BaseException) -> None:
        super().__init__(services.LIMITS)
        self.answers, self.got = list(answers), []

    def post(self, url: str, body: bytes, headers: Any = None) -> Answer:
        self.got.append((url, body, dict(headers)))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, BaseException):
            raise answer
        return Answer(answer, {}, b"", url)


def let_time_pass() -> None:
    """Make whatever waits due."""
    Delivery.objects.filter(state=State.WAITING).update(next_at=Now() - timedelta(seconds=1))


@pytest.fixture
def made(cast: Cast) -> tuple[Webhook, str]:
    return services.create_webhook(cast.project, cast.carla, URL)


def test_receiver_hears_once_and_can_check_who_speaks(
    made: tuple[Webhook, str], cast: Cast, estimated: Estimate
) -> None:
    job = built(cast)
    receiver = Receiver()
    for _ in range(2):  # a second worker, or the next beat
        services.note_ended_work()
        services.send_due(receiver)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.answer, delivery.n_attempts) == ("delivered", "204", 1)
    ((url, body, headers),) = receiver.got
    said = json.loads(body)
    assert (url, said["event"], said["project"]) == (URL, "release.finished", "faces")
    assert (said["job"], said["result"]["release"]) == (job.pk, "1.0.0")
    at, _, told_hex = headers["Rafter-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(made[1].encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert told_hex == expected
    assert abs(int(at) - timezone.now().timestamp()) < 60
    assert headers["Rafter-Delivery"] == str(delivery.pk)


def test_refused_message_is_tried_again_ever_later_and_given_up(
    made: tuple[Webhook, str],
) -> None:
    delivery = services.ping(made[0])
    waits = []
    receiver = Receiver(*[500, Unanswered("no answer in time")] * 4)
    for _ in range(services.MAX_ATTEMPTS):
        assert services.send_due(receiver) == 1
        assert services.send_due(receiver) == 0, "not before its time"
        delivery.refresh_from_db()
        waits.append((delivery.next_at - timezone.now()).total_seconds())
        let_time_pass()
    assert delivery.state == "given_up"
    assert [round(b / a) for a, b in pairwise(waits[:-1])] == [4] * 6
    assert delivery.answer == "no answer in time"
    assert len({body for _, body, _ in receiver.got}) == 1
    services.send_again(delivery)
    services.send_due(Receiver())
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_worker_that_dies_while_sending_leaves_it_to_another(made: tuple[Webhook, str]) -> None:
    delivery = services.ping(made[0])
    with pytest.raises(KeyboardInterrupt):
        services.send_due(Receiver(KeyboardInterrupt()))
    assert services.send_due(receiver := Receiver()) == 0, "it may still be on its way"
    let_time_pass()
    assert services.send_due(receiver) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.n_attempts) == ("delivered", 2)


def test_name_that_leads_inside_is_never_dialled(made: tuple[Webhook, str]) -> None:
    dialled: list[str] = []

    def connect(address: str, *_: Any) -> Any:
        dialled.append(address)
        raise OSError("not in a test")

    delivery = services.ping(made[0])
    services.send_due(Fetcher(services.LIMITS, lambda host, port: ["10.0.0.7"], connect))
    delivery.refresh_from_db()
    assert (dialled, delivery.state) == ([], "given_up")
    assert "private" in delivery.answer


@pytest.mark.parametrize(
    "url", ["http://hooks.example/", "https://127.0.0.1/", "https://[::1]/", "https://a:b@c.example/",
            "https://hooks.example:8080/", "ftp://hooks.example/", "nonsense"],
)  # fmt: skip
def test_address_that_would_not_be_dialled_is_refused_at_once(cast: Cast, url: str) -> None:
    carla = cast.client(cast.carla)
    answer = carla.post(API, {"url": url}, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["url"])
    page = carla.post("/p/faces/webhooks/", {"url": url, "events": ["run"]})
    assert page.status_code == 400
    assert not Webhook.objects.exists()


def test_failed_work_is_told_only_to_whom_it_concerns(cast: Cast) -> None:
    of_runs, _ = services.create_webhook(cast.project, cast.carla, URL, ["run"])
    services.create_webhook(cast.project, cast.carla, URL, ["release"])
    for kind in ("train", "estimate"):
        Job.objects.create(project=cast.project, kind=kind, state="failed", finished_at=Now())
    services.note_ended_work()
    delivery = Delivery.objects.get()
    assert (delivery.webhook, delivery.event) == (of_runs, "run.failed")


def test_secret_is_shown_once_and_stands_nowhere(cast: Cast) -> None:
    carla = cast.client(cast.carla)
    body = {"url": URL, "events": ["release"]}
    made = carla.post(API, body, content_type="application/json").json()
    secret = made["secret"]
    shown = carla.get(API).json()["results"][0]
    assert shown == {key: made[key] for key in ("id", "url", "events", "created_at")}
    row = Webhook.objects.values().get()
    assert secret not in str(row)
    page = carla.post("/p/faces/webhooks/", body).content.decode()
    other = services.secret_of(Webhook.objects.first())  # type: ignore[arg-type]
    assert other in page
    assert other not in carla.get("/p/faces/webhooks/").content.decode()
    assert other != secret
    assert Client().get(API).status_code == 401
