"""One full demo dataset for all tests of a session."""

from __future__ import annotations

import pytest

from app.demo.build import DemoDataset, build_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoDataset:
    return build_demo(tmp_path_factory.mktemp("demo") / "dataset", processes=2)
