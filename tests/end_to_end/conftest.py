"""A small demo dataset, drawn once for all tests of a session."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from app.demo.build import DemoDataset, build_demo
from app.demo.plan import Counts
from tests.fixtures.shared_folder import made_once

SMALL = Counts(
    train=70, test=34, mislabels=6, foreign=2, unusual=2, exact_copies=4, near_copies=3, blurred=2, softened=1,
    corrupt=3, copied=3, reencoded=3, pixel_identical=2, mirrored=2, cropped=2,
)  # fmt: skip


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> DemoDataset:
    def draw(folder: Path) -> None:
        build_demo(folder, processes=2, counts=SMALL)

    return build_demo(made_once(tmp_path_factory, "small-demo", draw), counts=SMALL)


@pytest.fixture(scope="session")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(image folder, export) of the real photos, where they lie beside the checkout."""
    data = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10"
    if not (data / "images.zip").is_file():
        pytest.skip(f"the real photos are not at {data}")

    def unpack(folder: Path) -> None:
        with zipfile.ZipFile(data / "images.zip") as archive:
            archive.extractall(folder)

    return made_once(tmp_path_factory, "cifar", unpack), data / "vl_export.csv"
