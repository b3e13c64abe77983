"""Fixtures of all back-end tests, one topic a file in ``tests/fixtures``."""

from __future__ import annotations

pytest_plugins: list[str] = []
