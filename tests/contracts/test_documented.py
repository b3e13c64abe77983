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


_LAST = """
1.1.2 1.2.9 1.3.11 1.4.3 1.5.2 2.1.3 2.2.3 2.3.4 2.4.1 3.2.2 3.3.4 3.4.6 3.5.5 3.7.2 4.1.3 4.2.1 4.3.2 4.4.4 5.1.1 5.2.3
5.3.2 5.4.3 6.1.3 6.2.12 6.3.4 6.4.4 6.5.5 6.6.3 6.8.4 7.1.3 7.2.4 7.3.2 7.4.5 7.5.2 7.6.2 8.1.2 8.2.3 8.3.1 8.4.1 9.1.3
9.2.4 10.1.2 10.2.2 10.3.4 10.4.11 10.5.5 10.6.2 10.7.3 11.1.2 11.2.3 11.3.3 11.4.4 11.5.1 11.6.1 12.1.3 12.2.2 12.3.4
13.1.1 13.2.5 13.3.2 13.4.5 14.1.2 14.2.4 14.3.3 15.1.3 15.2.3 15.3.7 16.1.1 16.2.5 16.3.4 16.4.3 16.5.3 17.1.1 17.2.4
17.3.2
"""
"""The last item of each section of OWASP ASVS 5.0.0 on level 1 or 2; those before it are so too."""


def test_every_item_of_the_security_standard_is_answered_once() -> None:
    wanted = []
    for last in _LAST.split():
        section, _, number = last.rpartition(".")
        wanted += [f"{section}.{n}" for n in range(1, int(number) + 1)]
    assert len(wanted) == 253
    told = []
    for items, state in re.findall(r"^\| (\d[^|]*) \| [^|]* \| ([^|]*) \|", _security(), re.MULTILINE):
        assert re.match(r"\**(met|partly|not met|not applicable|L1 met|by whoever)", state), (items, state)
        if "(L3)" not in items:
            told += [item for part in items.split(", ") for item in _range(part)]
    assert sorted(told) == sorted(wanted)


def test_what_is_called_met_is_shown() -> None:
    """A row without evidence is one of what is not there."""
    rows = re.findall(r"^\| (\d[^|]*) \| [^|]* \| ([^|]*) \| ([^|]*)\|", _security(), re.MULTILINE)
    bare = [items for items, state, evidence in rows if state.startswith("met") and not evidence.strip()]
    assert bare == ["3.7.1"]


def _security() -> str:
    return (ROOT / "docs/security.md").read_text()


def _range(part: str) -> list[str]:
    """``6.5.1 - 6.5.5`` as its items."""
    first, _, last = part.partition(" - ")
    section, _, number = first.rpartition(".")
    return [f"{section}.{n}" for n in range(int(number), int((last or first).rpartition(".")[2]) + 1)]
