"""What is known to be wrong with the packages that ``constraints.txt`` names, asked by pip-audit.

Ends with status 1 where something is known, and with 0 where nothing is, or where nobody could be asked: it then says
so plainly. pip-audit is taken from the path, or put into an environment of its own beside the checkout.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / ".venv-audit"
VERSION = "2.10.1"
SECONDS = 300


def find_tool() -> str | None:
    """The command, or None where it is not there and can't be fetched."""
    known = shutil.which("pip-audit") or shutil.which("pip-audit", path=str(OWN / "bin"))
    if known is not None:
        return known
    try:
        venv.create(OWN, with_pip=True, clear=True)
        install = [OWN / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, f"pip-audit=={VERSION}"], check=True, timeout=SECONDS, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"audit: NOT DONE. pip-audit is not installed and could not be fetched ({_short(error)}).")
        return None
    return str(OWN / "bin" / "pip-audit")


def ask(tool: str) -> list[dict[str, Any]] | None:
    """The packages with what is known of each, or None where nobody could be asked."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "found.json"
        command = [
            tool, "--requirement", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip",
            "--progress-spinner", "off", "--timeout", "15", "--format", "json", "--output", str(written),
        ]  # fmt: skip
        try:
            told = subprocess.run(command, timeout=SECONDS, capture_output=True, text=True)
            packages: list[dict[str, Any]] = json.loads(written.read_text())["dependencies"]
        except subprocess.TimeoutExpired as error:
            print(f"audit: NOT DONE. Nobody answered ({_short(error)}).")
        except (OSError, ValueError, KeyError):
            # Its status is 1 for either: only what it wrote tells findings from failures.
            lines = told.stderr.strip().splitlines() or ["it said nothing"]
            print(
                f"audit: NOT DONE. pip-audit could not ask what is known (status {told.returncode}: {lines[-1][:300]})."
            )
        else:
            return packages
    return None


def report(packages: list[dict[str, Any]]) -> int:
    skipped = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    for package in skipped:
        print(f"audit: {package['name']} was not looked at: {package['skip_reason']}")
    for package in bad:
        for known in package["vulns"]:
            mended = ", ".join(known.get("fix_versions", [])) or "no version yet"
            names = ", ".join([known["id"], *known.get("aliases", [])])
            print(f"audit: {package['name']} {package['version']}: {names}; mended in {mended}")
    print(f"audit: {len(packages) - len(skipped)} packages asked about, something is known of {len(bad)}.")
    return 1 if bad else 0


def _short(error: Exception) -> str:
    said = getattr(error, "stderr", None)
    lines = said.decode(errors="replace").strip().splitlines() if isinstance(said, bytes) else []
    return (lines[-1] if lines else str(error))[:300]


def main() -> int:
    tool = find_tool()
    packages = ask(tool) if tool else None
    return report(packages) if packages is not None else 0


if __name__ == "__main__":
    sys.exit(main())
