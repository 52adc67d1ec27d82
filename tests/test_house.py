"""Who may know whom, and what must never be loaded where."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"annotation", "reliability", "training", "frontend"}
HEAVY = ("torch", "sklearn", "matplotlib", "numba")


def modules(package: str) -> list[Path]:
    return [p for p in (ROOT / package).rglob("*.py") if "migrations" not in p.parts]


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a module imports, in its body or in its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in OURS}


def test_reliability_knows_nothing_else_of_ours() -> None:
    for path in modules("reliability"):
        assert all(name.split(".")[0] == "reliability" for name in ours(path)), path
        assert not any(name.split(".")[0] in ("django", "celery") for name in imports(path)), path


def test_training_knows_only_the_expressions_and_how_to_compile() -> None:
    for path in modules("training"):
        foreign = {n for n in ours(path) if n.split(".")[0] != "training"}
        allowed = {"reliability", "reliability.expressions"}
        allowed |= {"reliability.compiled", "reliability.compiled.njit"}
        assert all(n in allowed or n.startswith("reliability.expressions.") for n in foreign), path
        assert not any(name.split(".")[0] == "django" for name in imports(path)), path


def test_only_runs_know_training() -> None:
    for path in modules("annotation"):
        if "runs" not in path.parts:
            assert not any(name.split(".")[0] == "training" for name in ours(path)), path


def test_services_and_models_never_import_edges() -> None:
    edge = re.compile(r"annotation\.(\w+\.(tasks|api)|pages)(\.|$)")
    for path in modules("annotation"):
        if path.name in ("services.py", "queries.py", "models.py"):
            assert not any(edge.match(name) for name in ours(path)), path


@pytest.mark.parametrize("entry", ["annotation.wsgi", "annotation.celery"])
def test_web_and_default_worker_load_nothing_heavy(entry: str) -> None:
    """Importing PyTorch costs seconds and hundreds of megabytes in every process."""
    code = (
        f"import {entry}, sys, django; django.setup(); import annotation.urls;"
        "from annotation.jobs.kinds import KINDS;"
        "[kind.load() for kind in KINDS.values() if kind.queue == 'default'];"
        f"sys.exit(', '.join(n for n in {HEAVY!r} if n in sys.modules) or None)"
    )
    environment = {"PATH": "", "SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"loaded: {done.stderr[-500:]}"


def test_negative_control_of_the_import_rule(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from training import run\n")
    assert ours(bad) == {"training", "training.run"}


def test_modules_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for package in ("annotation", "reliability", "training")
        for path in modules(package)
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long, f"modules over 400 lines: {long}"
