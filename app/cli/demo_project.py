"""The demo project: a generated dataset with known faults, imported like any other."""

from __future__ import annotations

import sys
from pathlib import Path

from app.cli.import_ import import_file, make_project
from app.cli.local_actor import ensure_owner
from app.cli.progress import ProgressReporter
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.demo.build import DemoDataset, build_demo
from app.settings import Settings

NAME = "Demo"
SOURCE = "demo detector"


def draw_demo(folder: Path, processes: int) -> DemoDataset:
    """Draw the dataset, or find it drawn already."""
    progress = ProgressReporter()
    try:
        return build_demo(
            folder, processes=processes, on_progress=lambda done, total: progress("drawing the demo", done, total)
        )
    finally:
        progress.close()


def set_up_demo(settings: Settings, database: Database) -> None:
    """Make the demo project in an empty database; do nothing in any other."""
    with database.reading() as session:
        if projects_repository.count_projects(session):
            return
    print("Setting up the demo project (once, under a minute).", file=sys.stderr)
    dataset = draw_demo(settings.folder("demo") / "drawings", min(2, settings.processes))
    ensure_owner(database)
    slug = make_project(settings, database, NAME, dataset.images)
    import_file(settings, database, slug, dataset.export, SOURCE)
