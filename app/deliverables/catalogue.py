"""Every file that a version hands out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from app.deliverables.content import VersionContent
from app.deliverables.dataset_card import write_dataset_card
from app.deliverables.dataset_class import write_dataset_class
from app.deliverables.deliverable import Deliverable, TextWriter, text
from app.deliverables.gallery import write_version_gallery
from app.deliverables.history import write_events
from app.deliverables.leaks import write_leaks, write_version_leaks_summary
from app.deliverables.lists import write_relabels, write_removals
from app.deliverables.manifests import TableForTwo, write_final, write_tagged
from app.deliverables.report.page import write_report
from app.deliverables.slides.deck import write_slides
from app.deliverables.summary import write_summary
from app.deliverables.summary_json import write_summary_json


def deliverables(content: VersionContent) -> Iterator[Deliverable]:
    """Name and writer of every file of a version, in the order in which they are written."""
    name = content.dataset
    machine: list[tuple[str, TextWriter]] = [
        (f"{name}_tagged_v{content.number}.csv", write_tagged),
        (f"{name}_final_cleaning_manifest.csv", write_final),
        (f"{name}_leaks_report.csv", write_leaks),
    ]
    for file_name, writer in machine:
        table = TableForTwo(writer)
        yield text(file_name, table.write)
        yield text(file_name.removesuffix(".csv") + ".spreadsheet.csv", table.write_spreadsheet)
    yield text(f"{name}_leaks_report_summary.txt", write_version_leaks_summary)
    for split in [*([None] if content.has_combined_lists else []), *content.splits]:
        prefix = f"{name}_{split}" if split else name
        yield text(f"{prefix}_removal_list.txt", partial(write_removals, split))
        yield text(f"{prefix}_relabel_map.json", partial(write_relabels, split))
    yield text(f"{name}_cleaning_summary.txt", write_summary)
    yield text(f"{name}_cleaning_summary.json", write_summary_json)
    yield Deliverable(f"{name}_cleaning_report.html", write_report, has_pictures=True)
    yield Deliverable(f"{name}_slides.pptx", write_slides, has_pictures=True)
    yield Deliverable(f"{name}_review.html", write_version_gallery, has_pictures=True)
    yield text("reviews.jsonl", write_events)
    yield text(f"{name}_dataset_card.md", write_dataset_card)
    yield Deliverable("cleaned_dataset.py", write_dataset_class)
