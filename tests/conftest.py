"""Fixtures of all back-end tests, one topic a file in ``tests/fixtures``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

# Databases flush every commit to the disk, of which memory is the fastest; tests need no durability.
_MEMORY = Path("/dev/shm")
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# Winnow is started some hundred times: each start would compile its modules anew where nothing may be kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Side by side, each test process has one core: threads of libraries would only wait for each other's.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.databases",
    "tests.fixtures.datasets",
    "tests.fixtures.world",
    "tests.fixtures.findings",
    "tests.fixtures.web",
]
