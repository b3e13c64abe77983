"""The files of a version, each a function from the frozen content to text. Nothing here reads a database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TextIO

from app.domain.checks import sizes_by_class, sizes_by_split
from app.domain.consensus import How, Rule, State
from app.domain.formats.cleaning_summary import SummaryInput, write_cleaning_summary
from app.domain.formats.leaks_report import write_leaks_report
from app.domain.formats.manifest_csv import FINAL_COLUMNS, FinalRow, ManifestRow, write_rows
from app.domain.formats.relabel_map import LabelCoding, encode_label, write_relabel_map
from app.domain.formats.removal_list import write_removal_list
from app.domain.formats.spreadsheet_csv import write_spreadsheet_copy
from app.domain.merge import LeakSide, MergedSample, MergeRule, Policies
from app.domain.taxonomy import Decision
from app.services.leak_summary import report_row_from_json, write_version_leaks_summary

Outcome = dict[str, Any]
Writer = Callable[[TextIO, "Content"], int | None]


@dataclass(frozen=True)
class Content:
    """A frozen version: the snapshot, one outcome a sample by split and key, and the history until then."""

    snapshot: Mapping[str, Any]
    outcomes: Sequence[Outcome]
    number: int
    created_at: datetime
    note: str
    digest: str
    events: Sequence[Mapping[str, Any]]

    @property
    def dataset(self) -> str:
        return str(self.snapshot["dataset"])

    @property
    def class_sizes(self) -> dict[tuple[str, str], int]:
        return {(split, label): count for split, label, count in self.snapshot["class_sizes"]}

    @property
    def splits(self) -> list[str]:
        return sorted({split for split, _ in self.class_sizes})

    def keys(self, decision: Decision, split: str | None) -> list[str]:
        return [o["key"] for o in self.outcomes if o["decision"] == decision.value and split in (None, o["split"])]


def DELIVERABLES(content: Content) -> Iterator[tuple[str, Writer]]:  # noqa: N802 - reads as the table it is
    """Name and writer of every file of a version."""
    name = content.dataset
    machine: list[tuple[str, Writer]] = [
        (f"{name}_tagged_v{content.number}.csv", write_tagged),
        (f"{name}_final_cleaning_manifest.csv", write_final),
        (f"{name}_leaks_report.csv", write_leaks),
    ]
    for file_name, writer in machine:
        yield file_name, writer
        yield file_name.removesuffix(".csv") + ".spreadsheet.csv", partial(_spreadsheet, writer)
    yield f"{name}_leaks_report_summary.txt", write_version_leaks_summary
    for split in (None, *content.splits):
        prefix = f"{name}_{split}" if split else name
        yield f"{prefix}_removal_list.txt", partial(_removals, split)
        yield f"{prefix}_relabel_map.json", partial(_relabels, split)
    yield f"{name}_cleaning_summary.txt", write_summary
    yield "reviews.jsonl", write_events


def write_tagged(stream: TextIO, content: Content) -> int:
    """One row a flag, as it was imported, with what the reviewers made of its sample."""
    return write_rows(stream, (row for outcome in content.outcomes for row in _tagged_rows(outcome)))


def _tagged_rows(outcome: Outcome) -> Iterator[ManifestRow]:
    for flag in outcome["flags"]:
        yield ManifestRow(
            outcome["key"], outcome["key"], outcome["given_label"], flag["raw_issue_type"],
            _number(flag["confidence"]), flag["suggested_label"] or "", flag["reason"] or "", *_answer(outcome),
        )  # fmt: skip


def _answer(outcome: Outcome) -> tuple[str, str, str, str, str, str]:
    return (
        ",".join(outcome["tags"]), outcome["decision"] or "", outcome["new_label"] or "",
        ",".join(outcome["reviewers"]), outcome["reviewed_at"], " | ".join(outcome["notes"]),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def write_final(stream: TextIO, content: Content) -> int:
    """One row a sample: what counts, by which rule, and what it overruled."""
    return write_rows(stream, (_final_row(outcome) for outcome in content.outcomes), FINAL_COLUMNS)


def _final_row(outcome: Outcome) -> FinalRow:
    flags = outcome["flags"]
    confidences = [flag["confidence"] for flag in flags if flag["confidence"] is not None]
    suggested = next((flag["suggested_label"] for flag in flags if flag["suggested_label"]), "")
    return FinalRow(
        outcome["key"], outcome["key"], outcome["given_label"],
        ",".join(dict.fromkeys(flag["issue_type"] for flag in flags)), _number(max(confidences, default=None)),
        suggested, " | ".join(dict.fromkeys(flag["reason"] for flag in flags if flag["reason"])), *_answer(outcome),
        outcome["split"], outcome["how"] or outcome["state"], ",".join(outcome["by"]), outcome["rule"] or "",
        outcome["explanation"], " | ".join(outcome["conflicts"]),
    )  # fmt: skip


def write_leaks(stream: TextIO, content: Content) -> int:
    rows = [report_row_from_json(row) for row in content.snapshot["leak_rows"]]
    write_leaks_report(stream, rows)
    return len(rows)


def _spreadsheet(writer: Writer, stream: TextIO, content: Content) -> int:
    buffer = io.StringIO(newline="")
    writer(buffer, content)
    buffer.seek(0)
    return write_spreadsheet_copy(buffer, stream)


def _removals(split: str | None, stream: TextIO, content: Content) -> int:
    return write_removal_list(stream, content.keys(Decision.REMOVE, split))


def _relabels(split: str | None, stream: TextIO, content: Content) -> int:
    classes = dict(content.snapshot["classes"])
    coding = LabelCoding(content.snapshot["label_coding"])
    wanted = set(content.keys(Decision.RELABEL, split))
    labels = {
        outcome["key"]: encode_label(outcome["new_label"], coding, classes)
        for outcome in content.outcomes
        if outcome["key"] in wanted
    }
    return write_relabel_map(stream, labels)


def write_summary(stream: TextIO, content: Content) -> None:
    merged = [_merged(outcome) for outcome in content.outcomes]
    sizes, snapshot = content.class_sizes, content.snapshot
    given = SummaryInput(
        dataset=content.dataset,
        version=content.number,
        frozen_at=content.created_at.strftime("%Y-%m-%d %H:%M UTC"),
        author=snapshot["author"],
        policies=_policies(snapshot["policies"]),
        by_split=sizes_by_split(merged, sizes),
        by_class=sizes_by_class(merged, sizes),
        merged=merged,
        issues=snapshot["issues"],
        reviewed=snapshot["reviewed"],
        reviewers=snapshot["reviewers"],
        leaks=snapshot["leaks"],
        agreement=snapshot["agreement"],
        accepted=snapshot["accepted"],
        bulk=snapshot.get("bulk", ()),  # versions of before there were bulk decisions
    )
    write_cleaning_summary(stream, given)


def _policies(raw: Mapping[str, Any]) -> Policies:
    return Policies(**{**raw, "rule": Rule(raw["rule"]), "leak_side": LeakSide(raw["leak_side"])})


def _merged(o: Outcome) -> MergedSample:
    return MergedSample(
        o["key"], o["split"], o["given_label"], State(o["state"]), Decision(o["decision"]) if o["decision"] else None,
        o["new_label"], tuple(o["tags"]), How(o["how"]) if o["how"] else None, tuple(o["by"]),
        MergeRule(o["rule"]) if o["rule"] else None, o["explanation"], tuple(o["conflicts"]),
    )  # fmt: skip


def write_events(stream: TextIO, content: Content) -> int:
    """Every raw review, verdict and bulk decision, one JSON object a line, so that anyone can merge in another way."""
    for event in content.events:
        stream.write(json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n")
    return len(content.events)
