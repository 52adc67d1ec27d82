"""The words that annotators see, gathered for translators and compiled for Django.

``make messages`` brings the catalogues in ``locale/`` up to date and compiles them,
with nothing but Python: a site that is set up needs no gettext. What is missing in a catalogue is
listed. Pages of curators and researchers stay English.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from annotation import __version__

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "frontend" / "locale"
LANGUAGES = {"de": "de", "fr": "fr", "es": "es", "zh_Hans": "zh_Hans_CN"}
"""Folder and locale of each language (Django's ``zh-hans`` lives in ``zh_Hans``)."""
TEMPLATES = (
    "base", "project", "400", "403", "403_csrf", "404", "500", "errors/base", "home/annotator",
    "home/projects", "labelling/label", "labelling/words", "learning/blocks", "learning/consent",
    "learning/me", "learning/qualification", "learning/qualification_try", "learning/tutorial",
    "people/account", "people/invitation", "people/invitation_closed", "people/locked_out",
    "people/sign_in", "parts/language", "parts/letters", "parts/menu", "parts/messages",
    "parts/notices", "parts/snippet", "parts/theme",
)  # fmt: skip
"""The pages of annotators and what they are made of, without ``.html``."""
MODULES = (
    "annotation/pages/account.py", "annotation/pages/lessons.py", "annotation/pages/own.py",
    "annotation/pages/words.py", "annotation/learning/measures.py",
)  # fmt: skip
KEYWORDS = {
    "gettext": None, "gettext_lazy": None, "gettext_noop": None, "_": None, "ngettext": (1, 2),
    "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip


def sources() -> Iterator[tuple[str, str]]:
    """Name and Python text of everything that annotators see."""
    for name in TEMPLATES:
        path = ROOT / "frontend" / "templates" / f"{name}.html"
        yield str(path.relative_to(ROOT)), templatize(path.read_text("utf-8"))
    for name in MODULES:
        yield name, (ROOT / name).read_text("utf-8")


def gathered() -> Catalog:
    """Every message of the sources, in their order."""
    catalog = Catalog(charset="utf-8", project="Rafter", fuzzy=False)
    for name, text in sources():
        found = extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS)
        for _, message, _, context in found:
            catalog.add(message, locations=[(name, 0)], context=context)
    return catalog


def read(folder: str) -> Catalog:
    """The catalogue of a language as it is written; empty where there is none."""
    path = LOCALE / folder / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return Catalog(locale=LANGUAGES[folder], charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGES[folder])


def missing(catalog: Catalog, wanted: Catalog) -> list[str]:
    """The messages that have no translation, or one for too few numbers."""
    return [str(m.id) for m in wanted if m.id and not _is_said(catalog, m)]


def compiled(catalog: Catalog) -> bytes:
    """What Django reads."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def _is_said(catalog: Catalog, message: Message) -> bool:
    found = catalog.get(message.id, message.context)
    if found is None or found.fuzzy:
        return False
    said = found.string if isinstance(found.string, (tuple, list)) else (found.string,)
    n_wanted = catalog.num_plurals if message.pluralizable else 1
    return len(said) == n_wanted and all(said)


def main() -> None:
    wanted = gathered()
    for folder in LANGUAGES:
        catalog = read(folder)
        began = catalog.creation_date
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.creation_date = began  # so that a run which changes nothing writes the same bytes
        catalog.obsolete.clear()
        catalog.project, catalog.version = "Rafter", __version__
        catalog.header_comment = f"# What annotators see, in {catalog.locale.english_name}. MIT."
        catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
        place = LOCALE / folder / "LC_MESSAGES"
        place.mkdir(parents=True, exist_ok=True)
        with (place / "django.po").open("wb") as file:
            write_po(file, catalog, width=100, omit_header=False, include_lineno=False)
        (place / "django.mo").write_bytes(compiled(catalog))
        lacking = missing(catalog, wanted)
        print(f"{folder}: {len(wanted) - len(lacking)} of {len(wanted)}", *lacking, sep="\n  ")


if __name__ == "__main__":
    main()
