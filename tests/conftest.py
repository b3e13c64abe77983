"""Fixtures of all back-end tests, one topic a file in ``tests/fixtures``."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.databases",
    "tests.fixtures.datasets",
    "tests.fixtures.world",
    "tests.fixtures.web",
]
