"""Labelling by keyboard alone, with the network going away in between."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import Page, Route, expect

from annotation.images.models import Image, Size
from annotation.labelling import services as labelling
from annotation.labelling.models import Flag, Vote
from annotation.labelling.services import close_images
from annotation.study.faces import draw
from tests.conftest import PASSWORD, Cast
from tests.labelling.conftest import images_in as images_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
N_FACES = 40


@pytest.fixture
def faces(cast: Cast, images_in: Any) -> list[int]:
    ids: list[int] = images_in(cast.project, N_FACES)
    pictured(ids)
    return ids


def pictured(ids: list[int]) -> None:
    """One drawn face behind all of these images: what matters here is the page."""
    import cv2

    picture = cv2.imencode(".jpg", draw(0, seed=1).picture[..., ::-1])[1].tobytes()
    for image in Image.objects.filter(pk__in=ids):
        name = image.stored_as(Size.DISPLAY)
        default_storage.delete(name)
        default_storage.save(name, ContentFile(picture))


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/faces/")


def shown(page: Page, other_than: str | None = None) -> str:
    """The assignment whose face is painted, once it is another one."""
    page.wait_for_function(
        "old => document.getElementById('labelling').dataset.painted !== (old ?? undefined)",
        arg=other_than,
    )
    return page.evaluate("document.getElementById('labelling').dataset.painted")


def saved(page: Page) -> None:
    page.wait_for_function(
        "() => document.getElementById('saved').textContent.includes('All saved')"
    )


class Gate:
    """Holds requests back until it is opened."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.held: list[Route] = []
        self.is_open = False
        page.route(pattern, self.take)

    def take(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Lets the page go on until something holds; fails after ten seconds."""
    for _ in range(500):
        if holds():
            return
        page.wait_for_timeout(20)
    pytest.fail("it never came to hold")


def test_faces_are_labelled_by_keyboard_undone_and_kept_while_offline(
    page: Page, cast: Cast, faces: list[int]
) -> None:
    sign_in(page, "alice")
    page.goto("/p/faces/label/")
    face = shown(page)
    for key in "1234567":
        page.keyboard.press(key)
        face = shown(page, face)
    saved(page)
    votes = Vote.objects.filter(is_current=True).order_by("id")
    assert list(votes.values_list("expression", flat=True)) == [0, 1, 2, 3, 4, 5, 6]
    assert all(v.response_ms is not None and v.device == "keyboard" for v in votes)

    page.keyboard.press("Backspace")
    face = shown(page, face)
    page.keyboard.press("4")
    face = shown(page, face)
    saved(page)
    assert votes.all().count() == 7
    assert Vote.objects.filter(expression=6, is_current=False).count() == 1

    page.context.set_offline(True)
    for _ in range(12):
        page.keyboard.press("2")
        face = shown(page, face)
    page.wait_for_function("() => document.getElementById('saved').textContent.includes('waiting')")
    assert votes.all().count() == 7
    page.context.set_offline(False)
    page.goto("/p/faces/label/")
    shown(page)
    saved(page)
    assert votes.all().count() == 19


def test_page_that_ran_dry_shows_every_face(
    page: Page, cast: Cast, faces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faces come back with stored votes while the page, run dry, has asked for more."""
    monkeypatch.setattr(labelling, "N_AHEAD", 3)
    monkeypatch.setattr(labelling, "N_LOW", 2)
    images = Image.objects.order_by("pk")
    close_images([image.pk for image in images[12:]])
    sign_in(page, "alice")
    page.goto("/p/faces/label/")
    face = shown(page)
    votes, lists = Gate(page, "**/vote/"), Gate(page, "**/assignments/")
    for key in "12":
        page.keyboard.press(key)
        face = shown(page, face)
    page.keyboard.press("3")  # the last one that is here
    until(page, lambda: bool(votes.held and lists.held))
    votes.open()
    face = shown(page, face)  # brought by a stored vote
    with page.expect_response("**/assignments/"):
        lists.open()
    for n in range(4, 13):
        page.keyboard.press("4")
        if n < 12:
            face = shown(page, face)
    until(page, lambda: Vote.objects.filter(is_current=True).count() == 12)


def test_next_face_is_painted_within_a_few_frames(page: Page, cast: Cast, faces: list[int]) -> None:
    """The figure itself is for benchmarks; here only that nothing waits for the server."""
    sign_in(page, "alice")
    page.goto("/p/faces/label/")
    face = shown(page)
    page.wait_for_timeout(1000)
    page.route("**/vote/", lambda route: None)  # the site never answers
    for _ in range(10):
        page.keyboard.press("3")
        face = shown(page, face)
    expect(page.locator("#saved")).to_contain_text("10 waiting")


def test_hundred_faces_by_keyboard_are_stored_once_each_and_taken_back(
    page: Page, cast: Cast, images_in: Any
) -> None:
    pictured(images_in(cast.project, 100))
    sign_in(page, "alice")
    page.goto("/p/faces/label/")
    face = shown(page)
    pressed = [(7 * n + n // 9) % 7 for n in range(100)]
    for n, expression in enumerate(pressed[:99]):
        page.keyboard.press(f"Numpad{expression + 1}" if n % 2 else f"{expression + 1}")
        face = shown(page, face)
    for _ in range(3):
        page.keyboard.press("Backspace")
        face = shown(page, face)
    for _ in range(3):
        page.keyboard.press("5")
        face = shown(page, face)
    page.keyboard.press("6")
    page.get_by_text("That was all for now").wait_for()
    saved(page)
    votes = Vote.objects.filter(is_current=True).order_by("assignment")
    assert votes.count() == 100
    assert [*votes.values_list("revision", flat=True)].count(2) == 3
    said = Counter(votes.values_list("expression", flat=True))
    assert said == Counter([*pressed[:96], 4, 4, 4, 5])


def test_what_is_no_vote_is_flagged_with_a_reason_and_a_note(
    page: Page, cast: Cast, faces: list[int]
) -> None:
    sign_in(page, "alice")
    page.goto("/p/faces/label/")
    face = shown(page)
    page.keyboard.press("0")
    face = shown(page, face)
    page.keyboard.press("f")
    page.get_by_label("A note for the curator").fill("a dog, 3 of them")
    page.keyboard.press("Enter")  # not an answer
    page.get_by_role("button", name="There is no face").focus()
    page.keyboard.press("2")
    face = shown(page, face)
    page.keyboard.press("p")
    page.get_by_role("heading", name="A pause").wait_for()
    page.keyboard.press("4")  # nothing is shown: nothing is answered
    page.get_by_role("button", name="Go on").click()
    assert shown(page) == face
    saved(page)
    told = Flag.objects.order_by("id").values_list("reason", "note")
    assert list(told) == [("cant_tell", ""), ("no_face", "a dog, 3 of them")]
    page.route("**/vote/", lambda route: route.fulfill(status=410, json={"detail": "gone"}))
    page.keyboard.press("4")
    page.get_by_text("Votes that came too late: 1.").wait_for()
    assert not Vote.objects.exists()
    told = {"is_right": False, "expected": "fear", "why": "The brows are drawn together."}
    page.unroute("**/vote/")
    page.route("**/vote/", lambda route: route.fulfill(json={"next": [], "feedback": told}))
    shown(page, face)
    page.keyboard.press("4")
    page.get_by_text("you said Happiness, the curators see Fear. The brows").wait_for()


def test_page_breaks_no_rule_and_fits_however_it_is_looked_at(
    page: Page, cast: Cast, faces: list[int]
) -> None:
    Image.objects.update(box=[20, 20, 80, 80], provenance={"face_of": "a photograph"})
    sign_in(page, "alice")
    page.goto("/p/faces/label/")
    face = shown(page)
    page.keyboard.press("1")
    shown(page, face)
    expect(page.locator("#stage .mark rect")).to_have_count(2)
    page.keyboard.press("h")
    help_, stage = page.locator("#help"), page.locator("#stage")
    expect(help_.locator("img")).to_have_count(21)
    expect(help_).to_contain_text("Corners of the mouth up")
    looks = ((1366, 800, "light"), (390, 800, "dark"), (683, 400, "light"), (342, 200, "dark"))
    for width, height, scheme in looks:  # the last two: enlarged to 200 % and 400 %
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce", forced_colors="none")  # type: ignore[arg-type]
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), width
        if height == 800:
            assert Axe().run(page, options=RULES).response["violations"] == []
            one, other = stage.bounding_box(), help_.bounding_box()
            assert one is not None
            assert other is not None
            beside = other["x"] >= one["x"] + one["width"]
            assert beside or other["y"] >= one["y"] + one["height"]
        low = "[...document.querySelectorAll('#choices button')].filter(b => b.offsetHeight < 44)"
        assert page.evaluate(f"{low}.length") == 0


def test_page_is_light(page: Page, cast: Cast, faces: list[int]) -> None:
    sign_in(page, "alice")
    sizes: list[int] = []
    page.on(
        "response",
        lambda r: sizes.append(len(r.body())) if "/images/" not in r.url and r.ok else None,
    )
    page.goto("/p/faces/label/")
    shown(page)
    assert sum(sizes) < 100_000, sum(sizes)
