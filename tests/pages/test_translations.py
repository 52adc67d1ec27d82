"""Whatever an annotator reads is there in all five languages, and the browser's choice is heard."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.test import Client
from django.utils import translation

from frontend import messages
from tests.conftest import Cast
from tests.labelling.conftest import images_in as images_in

LANGUAGES = sorted(messages.LANGUAGES)
CSS = messages.ROOT / "frontend" / "static" / "css"
NAMES = re.compile(r"%\(\w+\)s|\{\w+\}|%s|%%")
PHYSICAL = re.compile(
    r"[{;\s](?:margin|padding|border)-(?:left|right)|text-align:\s*(?:left|right)"
)


@pytest.fixture(autouse=True)
def _own_language_again() -> Iterator[None]:
    """A request leaves its language behind in the thread."""
    with translation.override("en"):
        yield


@cache
def wanted() -> Catalog:
    return messages.gathered()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_an_annotators_pages_is_translated(language: str) -> None:
    assert len(wanted()) > 200
    assert messages.missing(messages.read(language), wanted()) == [], "run make messages"


def test_what_is_not_translated_would_be_named() -> None:
    catalog = Catalog(locale="de")
    catalog.add("Surprise", "Überraschung")
    catalog.add("Fear", "")
    named = messages.missing(catalog, wanted())
    assert "Surprise" not in named
    assert {"Fear", "Anger"} <= set(named)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    path = messages.LOCALE / language / "LC_MESSAGES" / "django.mo"
    assert path.read_bytes() == messages.compiled(messages.read(language)), "run make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_fill_in_the_same_things(language: str) -> None:
    for message in messages.read(language):
        if message.id:
            asked, said = message.id, message.string
            asked = asked if isinstance(asked, str) else asked[-1]
            said = said if isinstance(said, str) else said[-1]
            assert sorted(NAMES.findall(asked)) == sorted(NAMES.findall(said)), asked


@pytest.mark.parametrize(
    ("asked", "word"),
    [("de", "Anmelden"), ("fr-CH, en;q=0.5", "Se connecter"), ("es-MX", "Iniciar sesión"),
     ("zh-CN", "登录"), ("pl", "Sign in")],
)  # fmt: skip
def test_browsers_language_is_spoken(asked: str, word: str, cast: Cast) -> None:
    page = Client(headers={"accept-language": asked}).get("/sign-in/").content.decode()
    assert f"<h2>{word}</h2>" in page


def test_chosen_language_is_kept_and_reaches_the_script(cast: Cast, images_in: Any) -> None:
    images_in(cast.project, 2)
    client = cast.client(cast.alice)
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    page = client.get("/p/faces/label/", headers={"accept-language": "de"}).content.decode()
    assert '<html lang="zh-hans" dir="ltr">' in page
    assert 'data-word="惊讶"' in page
    assert 'data-saved="全部已保存"' in page


def test_style_sheets_know_no_left_and_right() -> None:
    for sheet in sorted(Path(CSS).glob("*.css")):
        assert not PHYSICAL.search(sheet.read_text("utf-8")), sheet.name
