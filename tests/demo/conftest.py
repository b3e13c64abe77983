"""One full demo dataset for all tests of a session."""

from __future__ import annotations

import pytest

from app.demo.build import DemoDataset, build_demo
from tests.fixtures.shared_folder import made_once


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoDataset:
    return build_demo(made_once(tmp_path_factory, "demo", lambda folder: build_demo(folder, processes=2)))
