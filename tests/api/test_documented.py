"""The examples of ``docs/api.md``: each is run against a site, and answers as the page shows."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from annotation.agreements.models import Acceptance
from annotation.releases.models import Release
from annotation.webhooks.services import signature
from tests.conftest import Cast
from tests.releases.conftest import collection as collection
from tests.releases.conftest import estimated as estimated
from tests.releases.conftest import release as release

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "api.md"
BLOCK = re.compile(r"^```(sh|json|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    command: str
    answer: Any = None


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE.read_text("utf-8")) if found == kind]


def examples() -> list[Example]:
    """Every command of the page with the JSON that follows it, if any does."""
    found: list[Example] = []
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if kind == "sh":
            found.append(Example(text))
        elif kind == "json":
            found[-1] = Example(found[-1].command, json.loads(text))
    return found


def differences(told: Any, shown: Any, where: str = "") -> list[str]:
    """Where an answer is of another shape than the page shows; it may have more than that."""
    if type(told) is not type(shown) and None not in (told, shown):
        return [f"{where or 'answer'}: {type(told).__name__}, shown as {type(shown).__name__}"]
    if isinstance(shown, dict):
        missing = [f"{where}.{name} is not there" for name in shown if name not in told]
        there = [name for name in shown if name in told]
        return missing + [d for n in there for d in differences(told[n], shown[n], f"{where}.{n}")]
    if isinstance(shown, list) and shown:
        return differences(told[0], shown[0], f"{where}[0]") if told else [f"{where} is empty"]
    return []


@pytest.mark.django_db(transaction=True)
def test_every_example_of_the_page_answers_as_shown(
    cast: Cast, release: Release, live_server: Any, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("*** SKIPPED: no curl found ***")
    Acceptance.objects.all().delete()
    token = cast.token(cast.rafik, "researcher")["authorization"].removeprefix("Bearer ")
    named = os.environ | {"SITE": live_server.url, "TOKEN": token}
    assert len(examples()) >= 12
    wrong = []
    for command, shown in examples():
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=named, cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        if ran.returncode:
            wrong.append(f"{command}exit {ran.returncode}: {ran.stderr.decode()}")
        elif shown is not None:
            wrong += [f"{command}{d}" for d in differences(json.loads(ran.stdout), shown)]
    assert not wrong, "\n".join(wrong)


def test_negative_control_an_answer_of_another_shape_is_noticed() -> None:
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": "x"}]})
    assert differences({}, {"a": None})
    assert not differences({"a": 1, "c": 2}, {"a": 5})


def test_receiver_of_the_page_knows_a_genuine_message() -> None:
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(code, names)
    now, body = int(time.time()), b'{"event": "ping"}'
    is_genuine = names["is_genuine"]
    assert is_genuine("whsec_x", signature("whsec_x", body, now), body)
    assert not is_genuine("whsec_x", signature("whsec_x", body, now - 3600), body)
    assert not is_genuine("whsec_y", signature("whsec_x", body, now), body)
    assert not is_genuine("whsec_x", signature("whsec_x", body, now), body + b" ")
