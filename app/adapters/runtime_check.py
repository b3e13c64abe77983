"""Asking the model runtime what it can use, in a process of its own: loading it takes seconds and much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

_SECONDS = 120
_PROGRAM = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "version": torch.__version__,
    "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else [],
}))
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """``version`` is None where the runtime can't be loaded; ``error`` then says why."""

    version: str | None
    gpus: list[str]
    error: str | None = None


def read_runtime() -> Runtime:
    """Load torch in a child and ask it for GPUs."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Runtime(None, [], f"loading it took more than {_SECONDS} s")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"the process ended with status {done.returncode}"]
        return Runtime(None, [], lines[-1])
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return Runtime(told["version"], told["gpus"])
