"""Builds the demo dataset into a folder: images, the flagged export and the truth, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.demo.develop import Shot, develop
from app.demo.flags import FlagRow, flags_as_csv, make_flags
from app.demo.plan import Counts, Picture, make_plan
from app.demo.record import record_truth
from app.demo.truth import Truth, read_truth, truth_as_text
from app.domain.errors import InvalidInput

FULL = Counts()
IMAGES, EXPORT, TRUTH = "images", "demo_export.csv", "truth.json"


@dataclass(frozen=True, slots=True)
class DemoDataset:
    """A built demo: keys are paths below ``images``."""

    root: Path
    truth: Truth

    @property
    def images(self) -> Path:
        return self.root / IMAGES

    @property
    def export(self) -> Path:
        return self.root / EXPORT

    @property
    def truth_file(self) -> Path:
        return self.root / TRUTH


def build_demo(
    root: Path,
    *,
    seed: int = 7,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
    counts: Counts = FULL,
) -> DemoDataset:
    """Draws the dataset, or returns the one that is already there.

    It is made in a folder beside ``root`` and renamed when whole, so an interrupted build leaves no half.
    """
    if is_complete(root):
        return DemoDataset(root, read_truth(root / TRUTH))
    if root.exists() and any(root.iterdir()):
        raise InvalidInput(f"{root} holds something else than a demo dataset; name an empty or a new folder.")
    root.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        truth = _build_into(workshop, seed, processes, on_progress or _silent, counts)
        workshop.chmod(0o755)
        workshop.replace(root)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return DemoDataset(root, truth)


def is_complete(root: Path) -> bool:
    return (root / TRUTH).is_file() and (root / EXPORT).is_file() and (root / IMAGES).is_dir()


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _build_into(
    folder: Path, seed: int, processes: int, on_progress: Callable[[int, int], None], counts: Counts
) -> Truth:
    plan = make_plan(seed, counts)
    shots = develop(plan, seed, processes, on_progress)
    _write_images(folder / IMAGES, plan, shots)
    rows = make_flags(plan, shots, seed)
    truth = record_truth(plan, seed, _issue_types(rows))
    (folder / EXPORT).write_text(flags_as_csv(rows), encoding="utf-8")
    (folder / TRUTH).write_text(truth_as_text(truth), encoding="utf-8")
    return truth


def _write_images(images: Path, plan: Sequence[Picture], shots: Mapping[int, Shot]) -> None:
    for picture in plan:
        path = images / picture.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(shots[picture.number].content)


def _issue_types(rows: Sequence[FlagRow]) -> dict[str, list[str]]:
    types: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        types[row.key].append(row.issue_type)
    return types
