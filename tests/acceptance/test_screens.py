"""Every page of a site full of data, as each role finds it by following links, held to axe.

``SCREENS_DIR=DIR`` keeps a picture of every page in both widths and both colour schemes.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.exceptions import Resolver404
from playwright.sync_api import Browser, BrowserContext, Page

from tests.acceptance.conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WIDE, NARROW = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
LOOKS = {"wide-light": (WIDE, "light"), "narrow-dark": (NARROW, "dark")}
ALL_LOOKS = {**LOOKS, "wide-dark": (WIDE, "dark"), "narrow-light": (NARROW, "light")}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LINKS = "links => links.map(a => new URL(a.getAttribute('href'), location).pathname)"
NOT_LINKED = {
    "invitation": "opened by a secret link",
    "code-tool": "for coders, of whom the demonstration has none; tests/browser/test_coding.py",
    "qualification": "where a project asks for one; tests/learning",
    "qualification-try": "where a project asks for one; tests/learning",
    "takedown-outcome": "opened by the reference that a request gets; tests/takedowns",
    "takedowns-unmatched": "for staff; tests/takedowns",
    "near-copies": "where photographs look alike, and no two drawn faces do; tests/images",
    "collection": "the demonstration collects nothing from outside; tests/collecting/test_edges.py",
}
"""Pages that no page leads to, and why."""


@dataclass
class Visited:
    """Which pages were seen (their url names) and what was wrong with them."""

    names: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def pages(patterns: list[Any] | None = None, module: str = "annotation.pages") -> Iterator[str]:
    """The names of all addresses that answer GET with a page."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from pages(pattern.url_patterns, module)
        elif isinstance(pattern, URLPattern) and _is_page(pattern, module):
            yield str(pattern.name)


def _is_page(pattern: URLPattern, module: str) -> bool:
    methods = _methods(pattern.callback)
    return pattern.callback.__module__.startswith(module) and "GET" in methods


def _methods(view: Any) -> list[str]:
    """What ``require_http_methods`` was given; it keeps the list in its closure."""
    kept = [cell.cell_contents for cell in view.__closure__ or ()]
    return next((methods for methods in kept if isinstance(methods, list)), ["GET"])


@pytest.fixture(scope="module")
def seen(site: Site, chromium: Browser) -> Visited:
    """All three roles walked through the site."""
    visited = Visited()
    logins = json.loads((site.var / "demo-logins.json").read_text(encoding="utf-8"))
    looks = ALL_LOOKS if os.environ.get("SCREENS_DIR") else LOOKS
    for login in logins:
        context = chromium.new_context(base_url=f"http://127.0.0.1:{site.port}")
        page = context.new_page()
        page.goto("/sign-in/")
        look_at(page, "sign-in", "nobody", visited, looks)
        page.fill("[name=username]", login["username"])
        page.fill("[name=password]", login["password"])
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
        walk(context, login["role"], visited, looks)
        context.close()
    return visited


def walk(context: BrowserContext, role: str, visited: Visited, looks: dict[str, Any]) -> None:
    """Follow links from the start; one page of each kind."""
    page = context.new_page()
    page.on("pageerror", lambda error: visited.wrong.append(f"{role} {page.url}: {error}"))
    waiting, known = ["/", "/p/demonstration/"], set()
    while waiting:
        path = waiting.pop(0)
        name = name_of(path)
        if name is None or name in known:
            continue
        known.add(name)
        answer = page.goto(path)
        if answer is None or answer.status != 200:
            visited.wrong.append(f"{role} {path}: {answer and answer.status}")
            continue
        look_at(page, name, role, visited, looks)
        waiting += page.eval_on_selector_all("a[href]", LINKS)


def name_of(path: str) -> str | None:
    """The url name of a page of ours, else ``None``."""
    try:
        found = resolve(path)
    except Resolver404:
        return None
    return found.url_name if found.url_name in set(pages()) else None


def look_at(page: Page, name: str, role: str, visited: Visited, looks: dict[str, Any]) -> None:
    """axe in each look; wider than the screen is wrong too."""
    visited.names.add(name)
    for look, (viewport, scheme) in looks.items():
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_load_state("networkidle")
        if folder := os.environ.get("SCREENS_DIR"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{role}-{name}-{look}.png", full_page=True)
        where = f"{role} {name} {look}"
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            visited.wrong.append(f"{where}: wider than the screen")
        for violation in Axe().run(page, options=RULES).response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:2]]
            visited.wrong.append(f"{where}: {violation['id']}: {nodes}")


def test_no_page_fails_overflows_or_breaks_a_rule_of_axe(seen: Visited) -> None:
    assert not seen.wrong, "\n".join(seen.wrong)


def test_every_page_is_reached_by_links(seen: Visited) -> None:
    unseen = set(pages()) - seen.names - set(NOT_LINKED)
    assert not unseen, f"no page leads a role of the demonstration to {sorted(unseen)}"
