"""What the documents promise is there: settings, commands, files they point to."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from app.cli.main import make_parser
from app.settings import Settings
from workers import celery_app

ROOT = Path(__file__).parents[2]
_COMMAND = re.compile(r"(?:docker compose exec web )?(?:\.venv/bin/)?winnow (.*)")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXTRA = {"WINNOW_QUEUES", "WINNOW_PARENT"}
"""Read from the environment by workers; not fields of Settings."""


def test_every_setting_is_documented_and_no_other() -> None:
    table = re.findall(r"^\| `(WINNOW_[A-Z_]+)` \|", (ROOT / "docs/deployment.md").read_text(), re.MULTILINE)
    assert len(table) == len(set(table))
    assert set(table) == {f"WINNOW_{name.upper()}" for name in Settings.model_fields} | EXTRA
    source = Path(str(celery_app.__file__)).read_text()
    assert all(name in source for name in EXTRA)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} points to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_examples_exist(document: Path) -> None:
    """Each ``winnow ...`` line of an example is one that the parser takes."""
    for block in re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if found := _COMMAND.match(line):
                make_parser().parse_args(shlex.split(found[1], comments=True))
