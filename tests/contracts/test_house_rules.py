"""Rules of the house that no other tool keeps."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from app.settings import Settings
from app.web.render import templates

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for folder in ("app", "workers", "winnow") for path in (ROOT / folder).rglob("*.py"))
PAGES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js"))


def test_imports_go_only_where_they_may():
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter is missing: run make setup"
    told = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is_for(name):
    assert (Settings.model_fields[name].description or "").endswith(".")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_template_parses(path):
    environment: Environment = templates()
    environment.get_template(str(path.relative_to(ROOT / "templates")))


def test_no_module_is_longer_than_three_hundred_lines():
    alone = ROOT / "app" / "cleaned_dataset.py"  # one file by purpose: docs/decisions/0028
    modules = [path for path in MODULES if path != alone]
    long = {str(p.relative_to(ROOT)): n for p in modules if (n := len(p.read_text().splitlines())) > 300}
    assert long == {}


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS], ids=lambda path: path.name)
def test_no_text_becomes_markup_unescaped(path):
    text = path.read_text()
    assert not re.search(r"\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(", text)
    assert not re.search(r"\|\s*safe\b|Markup\(|autoescape false", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_holds_what_its_policy_forbids(path):
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=\"|javascript:|https?://", text)
    for tag in re.findall(r"<script[^>]*>", text):
        assert "src=" in tag or 'type="application/json"' in tag


def test_every_engine_uses_one_sqlite_library():
    """Two libraries in one process do not see each other's locks (app/db/sqlite_library.py)."""
    folders = ("app", "workers", "migrations", "tests", "docs")
    modules = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    own = ROOT / "app" / "db" / "sqlite_library.py"
    makes = re.compile(r"\bcreate_engine\(|^\s*(import|from) sqlite3\b", re.MULTILINE)
    assert [str(path) for path in modules if path not in (own, Path(__file__)) and makes.search(path.read_text())] == []
