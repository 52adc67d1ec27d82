"""How images are assigned where a project asks for it: plans, early stops, shares, new targets."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db.models.functions import Now

from annotation.jobs.services import perform
from annotation.labelling import parting, planning, queries, rules, services, tasks
from annotation.labelling.models import Assignment, Coverage, Rules, Share
from annotation.people.models import Membership, Project
from tests.conftest import Cast

from .campaign import Worker, recount, together
from .order import overlap

pytestmark = pytest.mark.django_db
ImagesIn = Callable[[Project, int], list[int]]
AnnotatorsIn = Callable[[Project, int], list[Membership]]
PATH = "/api/v1/projects/faces"


@pytest.fixture
def people(cast: Cast, annotators_in: AnnotatorsIn) -> list[Membership]:
    """Seven annotators, and alice and bob elsewhere."""
    services.set_target(cast.project, 3)
    Membership.objects.filter(person__in=[cast.alice, cast.bob]).update(is_active=False)
    return annotators_in(cast.project, 7)


def plan(project: Project, seed: int = 0) -> int:
    return planning.draw_plan(project, np.random.default_rng(seed), lambda part, told: None)


def open_order(member: Membership, at_once: int = 3) -> list[int]:
    """The images in the order that a person is shown them, a few at a time."""
    order: list[int] = []
    while drawn := services.top_up(member, at_once):
        order += [one.image_id for one in drawn]
        for one in drawn:
            services.record_vote(one.pk, member, services.Answer(0))
    return order


def margins(project: Project) -> tuple[Counter[int], Counter[int]]:
    live = Assignment.objects.filter(annotator__project=project, state__in=Assignment.LIVE)
    pairs = list(live.values_list("image", "annotator"))
    assert len(set(pairs)) == len(pairs)
    return Counter(image for image, _ in pairs), Counter(person for _, person in pairs)


def test_plan_has_both_margins_exact_and_counts_its_places(
    cast: Cast, images_in: ImagesIn, people: list[Membership]
) -> None:
    images = images_in(cast.project, 50)
    assert plan(cast.project) == 150
    per_image, per_person = margins(cast.project)
    assert per_image == dict.fromkeys(images, 3)
    assert set(per_person.values()) == {21, 22}
    assert set(Coverage.objects.values_list("n_live", flat=True)) == {3}
    assert dict(Share.objects.values_list("pk", "n_live")) == per_person
    assert queries.assignment_state(cast.project)["n_planned"] == 150


def test_plan_is_opened_a_few_at_a_time_in_unrelated_orders(
    cast: Cast, images_in: ImagesIn, people: list[Membership]
) -> None:
    first = images_in(cast.project, 100)[0]
    plan(cast.project)
    planned = {m.pk: set(m.assignments.values_list("image", flat=True)) for m in people}
    assert len(services.top_up(people[0], 4)) == 4
    Assignment.objects.filter(state="open").update(state="planned")
    orders = [open_order(member) for member in people]
    assert [set(order) for order in orders] == list(planned.values())
    assert set(recount(cast.project)[0].values()) == {3}
    assert 0.2 < overlap([[i - first for i in order] for order in orders], 100) < 2.2
    falls = [np.mean(np.diff(order) < 0) for order in orders]
    assert 0.35 < np.mean(falls) < 0.65, "neither in the order of import nor against it"


def test_what_a_plan_gave_waits_for_its_person_and_without_one_lapses(
    cast: Cast, images_in: ImagesIn, people: list[Membership]
) -> None:
    images_in(cast.project, 20)
    plan(cast.project)
    services.top_up(people[0], 4)
    before = margins(cast.project)
    Assignment.objects.filter(state="open").update(expires_at=Now() - timedelta(hours=1))
    assert services.lapse() == 0
    assert margins(cast.project) == before
    services.top_up(people[0], 4)
    Rules.objects.update(is_planned=False)  # the control
    Assignment.objects.filter(state="open").update(expires_at=Now() - timedelta(hours=1))
    assert services.lapse() == 4


def test_plan_of_somebody_who_goes_falls_to_others_and_new_images_get_one_of_their_own(
    cast: Cast, images_in: ImagesIn, people: list[Membership]
) -> None:
    images_in(cast.project, 20)
    plan(cast.project)
    parting.exclude(people[0], "test")
    images_in(cast.project, 7)
    assert plan(cast.project, 1) == 21
    for member in people[1:] * 2:
        open_order(member)
    per_image, per_person = recount(cast.project)
    assert set(per_image.values()) == {3}
    assert len(per_image) == 27
    assert people[0].pk not in per_person


def test_plan_that_cannot_be_drawn_is_refused(
    cast: Cast, images_in: ImagesIn, people: list[Membership]
) -> None:
    with pytest.raises(ValidationError, match="nothing is left to plan"):
        planning.request_plan(cast.project, cast.carla)
    images_in(cast.project, 2)
    services.set_target(cast.project, 8)
    with pytest.raises(ValidationError, match="7 are at work"):
        planning.request_plan(cast.project, cast.carla)


def test_plan_is_drawn_by_a_job(cast: Cast, images_in: ImagesIn, people: list[Membership]) -> None:
    images_in(cast.project, 5)
    asked = cast.client(cast.carla).post(
        f"{PATH}/plan/", json.dumps({"seed": 3}), content_type="application/json"
    )
    assert asked.status_code == 202, asked.content
    perform(asked.json()["job"], "test")
    assert queries.assignment_state(cast.project)["n_planned"] == 15


def test_certain_images_stop_and_others_go_on_to_the_target(
    cast: Cast, images_in: ImagesIn, people: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = images_in(cast.project, 6)
    told = SimpleNamespace(pk=1)
    monkeypatch.setattr(tasks, "latest_estimate", lambda project: told)
    monkeypatch.setattr(tasks, "certain_images", lambda estimate, *rule: set(images[:2]))
    for member in people[:2]:
        open_order(member)
    tasks.settle_images()
    assert set(Coverage.objects.values_list("target", flat=True)) == {3}, "off by default"
    rules.change_rules(cast.project, certainty=0.95, least_votes=2)
    tasks.settle_images()
    for member in people[2:]:
        open_order(member)
    per_image, _ = recount(cast.project)
    n_then = [per_image[image] for image in images]
    assert max(n_then[:2]) < 3
    assert n_then[2:] == [3] * 4
    assert queries.assignment_state(cast.project)["n_stopped"] == 2
    rules.change_rules(cast.project, certainty=None)
    assert queries.assignment_state(cast.project)["n_stopped"] == 0


def test_images_follow_each_estimate_once_and_a_new_target_at_once(
    cast: Cast, images_in: ImagesIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = images_in(cast.project, 2)
    told, certain = SimpleNamespace(pk=1), {images[0]}
    monkeypatch.setattr(tasks, "latest_estimate", lambda project: told)
    monkeypatch.setattr(tasks, "certain_images", lambda estimate, *rule: set(certain))
    rules.change_rules(cast.project, certainty=0.9, least_votes=1)

    def targets() -> list[int]:
        return list(Coverage.objects.order_by("pk").values_list("target", flat=True))

    tasks.settle_images()
    assert targets() == [1, 2]
    certain.clear()
    tasks.settle_images()
    assert targets() == [1, 2], "the same estimate says nothing new"
    told.pk = 2
    tasks.settle_images()
    assert targets() == [2, 2]
    certain.update(images)
    services.set_target(cast.project, 5)
    tasks.settle_images()
    assert targets() == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_target_may_rise_and_fall_while_people_work(
    cast: Cast, images_in: ImagesIn, people: list[Membership]
) -> None:
    images_in(cast.project, 10)
    workers = [Worker(member) for member in people]
    for worker in workers:
        worker.n_left = 2
    together(workers, 4)
    services.set_target(cast.project, 5)
    for worker in workers:
        worker.n_left = 3
    together(workers, 4)
    services.set_target(cast.project, 4)
    for worker in workers:
        worker.n_left = None
    together(workers, 4)
    for worker in workers:
        worker.work()
    assert not [failure for worker in workers for failure in worker.failures]
    counted = Counter(recount(cast.project)[0].values())
    assert set(counted) <= {4, 5}, "what stood above the lower target keeps it"


@pytest.mark.parametrize(("share", "n"), [("even", 6), ("fixed", 2), ("open", 10)])
def test_share_is_even_or_fixed_or_open(
    cast: Cast, images_in: ImagesIn, people: list[Membership], share: str, n: int
) -> None:
    images_in(cast.project, 10)
    services.set_target(cast.project, 4)
    rules.change_rules(cast.project, share=share, share_size=2 if share == "fixed" else None)
    assert len(services.top_up(people[0], 20)) == n


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"share": "fixed"}, "share_size"),
        ({"share": "some"}, "share"),
        ({"share": "fixed", "share_size": 0}, "share_size"),
        ({"certainty": 1.0}, "certainty"),
        ({"certainty": 0.4}, "certainty"),
        ({"certainty": 0.9, "least_votes": 41}, "least_votes"),
        ({"is_planned": True}, "is_planned"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_rule_is_refused_with_its_field_named(
    cast: Cast, body: dict[str, Any], field: str
) -> None:
    client = cast.client(cast.carla)
    answer = client.patch(f"{PATH}/rules/", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Rules.objects.exists()


def test_curator_sets_rules_on_a_page_and_others_see_none(cast: Cast, images_in: ImagesIn) -> None:
    images_in(cast.project, 3)
    carla, page = cast.client(cast.carla), "/p/faces/assignment/"
    assert "Plan 3 images" in carla.get(page).content.decode()
    body = {"share": "fixed", "share_size": "7", "certainty": "0.98", "least_votes": "2"}
    assert carla.post(page, body).status_code == 302
    kept = Rules.objects.get()
    assert (kept.share, kept.share_size, kept.spread_sources) == ("fixed", 7, False)
    assert kept.certainty == pytest.approx(0.98)
    wrong = carla.post(page, {**body, "certainty": "2"})
    assert wrong.status_code == 400
    assert cast.client(cast.alice).get(page).status_code == 404
