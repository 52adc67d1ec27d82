"""The coders' tools in a browser: accept, nudge, drag, undo, one key an answer, codes typed."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import Page, Route

from annotation.faces.models import Coding, Sampled
from annotation.images.models import Image
from annotation.people import services as people
from annotation.people.models import Membership, Role
from annotation.study.faces import draw
from tests.conftest import PASSWORD, Cast
from tests.labelling.conftest import images_in as images_in

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def coder(cast: Cast) -> Membership:
    person = people.create_person("cody", PASSWORD)
    return people.join(cast.project, person, Role.CODER)


@pytest.fixture
def faces(cast: Cast, images_in: Any) -> list[Image]:
    """Six drawn faces with proposals, in which one point is off."""
    import cv2

    images = []
    for index, pk in enumerate(images_in(cast.project, 6)):
        face, image = draw(index, seed=1), Image.objects.get(pk=pk)
        name = image.stored_as()
        default_storage.delete(name)
        packed = cv2.imencode(".jpg", face.picture[..., ::-1])[1].tobytes()
        default_storage.save(name, ContentFile(packed))
        height, width = face.picture.shape[:2]
        points = face.landmarks.round(1).tolist()
        points[2] = [points[2][0] + 12, points[2][1]]
        box = [round(float(v), 1) for v in face.box]
        Image.objects.filter(pk=pk).update(
            width=width, height=height, box=box, proposed_landmarks=points, landmarks=None
        )
        image.refresh_from_db()
        images.append(image)
    return images


def open_tool(page: Page, part: str) -> str:
    page.goto("/sign-in/")
    page.fill("[name=username]", "cody")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/faces/**")
    page.goto(f"/p/faces/code/{part}/")
    return shown(page)


def shown(page: Page, other_than: str | None = None) -> str:
    page.wait_for_function(
        "old => { const now = document.getElementById('coding').dataset.shown;"
        " return now && now !== old }",
        arg=other_than,
    )
    return str(page.evaluate("document.getElementById('coding').dataset.shown"))


def hold_reading(route: Route, held: list[Route]) -> None:
    """Keeps the site's answer to a read of a face; what is stored goes through."""
    if route.request.method == "GET":
        held.append(route)
    else:
        route.continue_()


def said(uid: str, part: str) -> Any:
    return Coding.objects.get(image__uid=uid, part=part).said


def test_points_are_accepted_nudged_dragged_and_taken_back(
    page: Page, cast: Cast, coder: Membership, faces: list[Image]
) -> None:
    first = open_tool(page, "points")
    page.keyboard.press("Enter")  # all are right: one key
    second = shown(page, first)
    by_uid = {str(image.uid): image for image in faces}
    assert said(first, "points")["landmarks"] == by_uid[first].proposed_landmarks
    page.keyboard.press("3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("z")
    page.keyboard.press("Enter")
    third = shown(page, second)
    moved, proposed = said(second, "points")["landmarks"], by_uid[second].proposed_landmarks
    assert moved[2][0] < proposed[2][0] - 3
    assert moved[2][1] == proposed[2][1]  # undone
    assert moved[0] == proposed[0]
    mark = page.locator("[data-i='3']").bounding_box()
    assert mark is not None
    x, y = mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 30, y + 10, steps=4)
    page.mouse.up()
    page.keyboard.press("Enter")
    fourth = shown(page, third)
    dragged, before = said(third, "points")["landmarks"][3], by_uid[third].proposed_landmarks[3]
    assert dragged[0] < before[0]
    assert dragged[1] > before[1]
    page.keyboard.press("Backspace")  # back to the third face, as it was left
    assert shown(page, fourth) == third
    page.keyboard.press("4")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    shown(page, third)
    assert Coding.objects.get(image__uid=third).revision == 2


def test_another_coder_was_faster_is_told_and_nothing_is_lost(
    page: Page, cast: Cast, coder: Membership, faces: list[Image]
) -> None:
    from annotation.faces import coding

    cora = people.join(cast.project, people.create_person("cora", PASSWORD), Role.CODER)
    first = open_tool(page, "points")
    image = Image.objects.select_related("project").get(uid=first)
    theirs = {"landmarks": image.proposed_landmarks, "box": image.box}
    coding.save(image, cora, "points", theirs, revision=0)
    page.keyboard.press("2")
    page.keyboard.press("ArrowUp")
    held: list[Route] = []
    page.route(f"**/coding/points/{first}/", lambda route: hold_reading(route, held))
    page.keyboard.press("Enter")
    while not held:
        page.wait_for_timeout(20)
    keep = page.get_by_role("button", name="Keep mine too")
    assert keep.count() == 0  # what is not offered yet cannot be pressed in vain
    held[0].continue_()
    page.get_by_text("Another coder has coded this face meanwhile").wait_for()
    assert shown(page) == first
    assert Coding.objects.count() == 1
    keep.click()
    shown(page, first)
    assert Coding.objects.count() == 2


@pytest.mark.parametrize("part", ["points", "attributes", "units"])
def test_tool_breaks_no_rule_of_axe_and_fits_a_phone(
    part: str, page: Page, cast: Cast, coder: Membership, faces: list[Image]
) -> None:
    Sampled.objects.bulk_create(Sampled(image=image, expression=3) for image in faces)
    open_tool(page, part)
    if part == "units":
        page.locator("[data-unit='12']").click()
    for width, scheme in ((1366, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert Axe().run(page, options=RULES).response["violations"] == []
        low = (
            "[...document.querySelectorAll('#coding button')]"
            ".filter(b => b.offsetParent && b.offsetHeight < 44)"
        )
        assert page.evaluate(f"{low}.map(b => b.textContent)") == []


def test_attributes_take_one_key_each(
    page: Page, cast: Cast, coder: Membership, faces: list[Image]
) -> None:
    first = open_tool(page, "attributes")
    for key in ("f", "3", "c"):
        page.keyboard.press(key)
    second = shown(page, first)
    assert said(first, "attributes") == {"gender": 1, "age": 2, "race": 0}
    page.keyboard.press("m")
    page.keyboard.press("z")
    page.keyboard.press("4")
    page.keyboard.press("s")
    page.keyboard.press("u")
    shown(page, second)
    assert said(second, "attributes") == {"gender": 2, "age": 3, "race": 2}


def test_action_units_are_typed_or_switched(
    page: Page, cast: Cast, coder: Membership, faces: list[Image]
) -> None:
    Sampled.objects.bulk_create(Sampled(image=image, expression=3) for image in faces)
    first = open_tool(page, "units")
    page.keyboard.type("25 6b l12c")
    page.keyboard.press("Enter")
    second = shown(page, first)
    assert said(first, "units") == {"units": ["6B", "L12C", "25"]}
    page.keyboard.type("99")
    page.keyboard.press("Enter")
    page.get_by_text("AU99 is not on the list").wait_for()
    page.locator("#codes").fill("")
    page.locator("[data-unit='4']").click()
    page.locator("[data-unit='7']").click()
    page.locator("[data-unit='4']").click()
    page.get_by_role("button", name="Save, next").click()
    shown(page, second)
    assert said(second, "units") == {"units": ["7"]}


def test_intensity_and_side_have_buttons_beside_a_picture_of_the_unit(
    page: Page, cast: Cast, coder: Membership, faces: list[Image]
) -> None:
    Sampled.objects.bulk_create(Sampled(image=image, expression=3) for image in faces)
    first = open_tool(page, "units")
    card = page.get_by_label("The unit scored last")
    assert card.is_hidden()
    page.locator("[data-unit='12']").click()
    assert "Corners of the mouth up" in card.inner_text()
    assert "au-12" in str(card.locator("#moved").get_attribute("src"))
    card.get_by_role("button", name="C marked").click()
    card.get_by_role("button", name="left").click()
    page.locator("[data-unit='1']").click()
    card.get_by_role("button", name="B slight").click()
    card.get_by_role("button", name="D severe").click()
    card.get_by_role("button", name="right").click()
    card.get_by_role("button", name="right").click()  # again: both sides
    assert page.locator("#codes").input_value() == "L12C 1D"
    page.keyboard.press("z")  # takes back the last change
    assert page.locator("#codes").input_value() == "L12C R1D"
    page.locator("#codes").fill("4 25e")
    assert "25 Lips part" in card.inner_text()
    assert card.get_by_role("button", name="E maximum").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Enter")
    shown(page, first)
    assert said(first, "units") == {"units": ["4", "25E"]}
