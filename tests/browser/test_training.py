"""The site trains, shows, exports and predicts, as a curator sees it in a browser."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from annotation.jobs.models import Job
from annotation.jobs.services import Claim, perform
from annotation.releases.models import Release
from tests.conftest import PASSWORD, Cast
from tests.runs.conftest import published, tiny  # noqa: F401 — fixtures
from tests.training.patterns import pattern

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


def face(label: int) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pattern(label, np.random.default_rng(8))).save(out, "PNG")
    return out.getvalue()


@pytest.mark.usefixtures("tiny")
def test_the_site_trains_shows_exports_and_predicts(
    cast: Cast,
    published: Release,  # noqa: F811
    page: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.export.save_pt2", lambda path, _: path.write_bytes(b"x"))
    sign_in(page, "carla")
    page.goto(f"/p/{cast.project.slug}/runs/")
    page.uncheck("text=demo")
    page.check("input[value=dlp]")
    page.fill("#seeds", "0-1")
    page.fill("#epochs", "3")
    page.click("text=Start")
    expect(page.locator("#run-state .badge")).to_have_text("Waiting")

    report, curves = Claim.report, list[bool]()

    def watched(claim: Claim, fraction: float, message: str = "") -> None:
        report(claim, fraction, message)
        if "epoch 2 of 3: loss" in message and not curves:
            expect(page.locator("#run-state .badge")).to_have_text("Running")
            expect(page.locator("figure svg").first).to_be_visible()
            curves.append(page.locator("text=Images per second").first.is_visible())

    monkeypatch.setattr("annotation.jobs.services.REPORT_INTERVAL_S", 0.0)
    monkeypatch.setattr(Claim, "report", watched)
    perform(Job.objects.get(kind="train").pk, "test")
    assert curves == [True]

    expect(page.locator("#run-state .badge")).to_have_text("Done")
    with page.expect_download() as download:
        page.click("a:text-is('model.onnx')")
    assert download.value.path().stat().st_size > 10_000
    page.set_input_files("#picture", {"name": "f.png", "mimeType": "image/png", "buffer": face(3)})
    expect(page.locator("#answer meter")).to_have_count(7)
    expect(page.locator("#answer figcaption")).to_have_text("Taken as it is")
    page.set_input_files("#picture", {"name": "f.png", "mimeType": "image/png", "buffer": b"no"})
    expect(page.locator("#answer .notice")).to_contain_text("not a JPEG, PNG or WebP image")

    page.goto(f"/p/{cast.project.slug}/runs/compare/")
    row: Any = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("±")
