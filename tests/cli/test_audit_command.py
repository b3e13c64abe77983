"""``make audit``: it tells what is known, and never takes silence for good news or for bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLEAN = {"name": "pillow", "version": "13.0.0", "vulns": []}
HOLED = {
    "name": "celery", "version": "5.7.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["5.7.1"], "description": "x"}],
}  # fmt: skip
SKIPPED = {"name": "odd", "skip_reason": "odd is not on the index"}


def audit(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run it with a pip-audit that is this script."""
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!{sys.executable}\nimport sys\nwritten = sys.argv[sys.argv.index('--output') + 1]\n{script}\n")
    tool.chmod(0o755)
    return subprocess.run(
        [sys.executable, ROOT / ".ci/audit.py"], env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def writes(*packages: dict[str, object], status: int) -> str:
    return f"open(written, 'w').write({json.dumps({'dependencies': packages})!r})\nsys.exit({status})"


def test_nothing_known_is_said_with_the_number_of_packages(tmp_path: Path) -> None:
    done = audit(tmp_path, writes(CLEAN, status=0))
    assert (done.returncode, done.stdout) == (0, "audit: 1 packages asked about, something is known of 0.\n")


def test_what_is_known_is_named_with_what_mends_it(tmp_path: Path) -> None:
    done = audit(tmp_path, writes(CLEAN, HOLED, SKIPPED, status=1))
    assert done.returncode == 1
    assert "audit: celery 5.7.0: PYSEC-1, CVE-1; mended in 5.7.1\n" in done.stdout
    assert "odd was not looked at" in done.stdout
    assert "2 packages asked about, something is known of 1" in done.stdout


@pytest.mark.parametrize(
    "script",
    [
        "sys.stderr.write('ERROR:pip_audit: could not connect\\n'); sys.exit(1)",
        "open(written, 'w').write('{\"depend'); sys.stderr.write('could not connect\\n'); sys.exit(1)",
        "open(written, 'w').write('{}'); sys.stderr.write('could not connect'); sys.exit(0)",
    ],
)
def test_without_an_answer_nothing_is_claimed_and_nothing_fails(tmp_path: Path, script: str) -> None:
    done = audit(tmp_path, script)
    assert done.returncode == 0
    assert done.stdout.startswith("audit: NOT DONE. pip-audit could not ask")
    assert "could not connect" in done.stdout
    assert "known of 0" not in done.stdout


def test_all_packages_that_are_installed_are_named_with_one_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    assert len(lines) > 100
    assert [line for line in lines if line.count("==") != 1] == []
