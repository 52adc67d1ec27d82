"""The documents speak of every command, setting and package; their links lead somewhere."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def everything() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


def test_every_command_is_documented() -> None:
    ours = {name for name, app in get_commands().items() if str(app).startswith("annotation")}
    assert ours
    missing = {name for name in ours if name not in everything()}
    assert not missing


def test_every_setting_read_from_the_environment_is_documented() -> None:
    source = (ROOT / "annotation" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    assert {"SECRET_KEY", "DATABASE_URL", "BROKER_URL"} <= names
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert not {name for name in names if f"`{name}`" not in text}


@pytest.mark.parametrize("package", ["annotation", "reliability", "training", "frontend"])
def test_every_package_has_its_page(package: str) -> None:
    assert (ROOT / package / "README.md").is_file()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), f"{path.name} → {target}"
