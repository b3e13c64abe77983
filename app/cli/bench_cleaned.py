"""``winnow bench cleaned``: what ``CleanedDataset`` costs a training job, beside the bare dataset.

A dataset as large as ImageNet, whose items cost nothing, is cleaned with a version's zip: once with ids that are paths,
once with ids that are rows. Construction reads the zip, checks digests and compares given labels. An item of both
datasets is then asked for in random order, in turn.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import statistics
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.cleaned_dataset import CleanedDataset
from app.cli.bench_hash import alternate
from app.cli.environment import Subparsers
from app.domain.errors import InvalidInput
from app.domain.formats.manifest_csv import FINAL_COLUMNS, FinalRow, write_rows
from app.domain.formats.relabel_map import write_relabel_map
from app.domain.formats.removal_list import write_removal_list

_CLASSES = [f"n{number:08}" for number in range(1000)]
_KEPT = 4
"""Flagged samples that stay, for each that is removed: they stand in the final manifest, too."""


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("cleaned", help="time CleanedDataset beside the bare dataset")
    parser.add_argument("--items", type=int, default=1_281_167, metavar="N")
    parser.add_argument("--removed", type=int, default=30_000, metavar="N")
    parser.add_argument("--relabelled", type=int, default=15_000, metavar="N")
    parser.add_argument("--asked", type=int, default=500_000, metavar="N", help="items asked for in each repeat")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    figures = bench_cleaned(args.items, args.removed, args.relabelled, args.asked, args.repeats)
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def bench_cleaned(items: int, removed: int, relabelled: int, asked: int, repeats: int) -> dict[str, Any]:
    """Figures by kind of id: seconds to construct, peak bytes meanwhile, nanoseconds an item."""
    if min(removed, relabelled) < 0 or min(items, asked, repeats) < 1 or removed * (1 + _KEPT) + relabelled > items:
        raise InvalidInput(
            f"Of the items, {1 + _KEPT} times --removed and --relabelled are flagged: give more --items."
        )
    with TemporaryDirectory(prefix="winnow-bench-") as folder:
        return {
            "items": items, "removed": removed, "relabelled": relabelled, "repeats": repeats,
            **{
                kind: _measure(dataset, ids, Path(folder) / f"{kind}.zip", removed, relabelled, asked, repeats)
                for kind, dataset, ids in (("paths", _Paths(items), _Paths.id_of), ("rows", _Rows(items), str))
            },
        }  # fmt: skip


class _Rows:
    """A dataset whose items cost nothing; an item is (row, label)."""

    classes = _CLASSES

    def __init__(self, items: int) -> None:
        self.targets = [row * len(_CLASSES) // items for row in range(items)]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[int, int]:
        return row, self.targets[row]


class _Paths(_Rows):
    """The same with the paths that an ImageFolder has."""

    root = "/data/train"

    def __init__(self, items: int) -> None:
        super().__init__(items)
        self.samples = [
            (f"{self.root}/{_CLASSES[label]}/{_CLASSES[label]}_{row}.JPEG", label)
            for row, label in enumerate(self.targets)
        ]

    def id_of(self, row: int) -> str:
        return self.samples[row][0].removeprefix("/data/")


def _measure(
    dataset: _Rows, id_of: Callable[..., str], path: Path, removed: int, relabelled: int, asked: int, repeats: int
) -> dict[str, Any]:
    numbers = random.Random(21)  # noqa: S311 - repeatable, not secret
    flagged = numbers.sample(range(len(dataset)), removed * (1 + _KEPT) + relabelled)
    name = id_of if id_of is str else dataset.id_of  # type: ignore[attr-defined]
    write_version(path, dataset, [(row, name(row)) for row in flagged], removed, relabelled)

    def construct() -> CleanedDataset:
        return CleanedDataset.from_version(dataset, path, "train")

    seconds = [_seconds(construct) for _ in range(repeats)]
    tracemalloc.start()
    cleaned = construct()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows = [numbers.randrange(len(cleaned)) for _ in range(asked)]
    ours, bare = alternate(repeats, lambda: _ask(cleaned, rows), lambda: _ask(dataset, rows))
    each = [1e9 * part["median"] / asked for part, _ in (ours, bare)]
    return {
        "construct_seconds": seconds, "construct_median": statistics.median(seconds), "peak_bytes": peak,
        "kept_bytes": kept, "item_nanoseconds": each[0], "bare_nanoseconds": each[1],
        "overhead_nanoseconds": each[0] - each[1],
    }  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _ask(dataset: Any, rows: Sequence[int]) -> None:
    for row in rows:
        dataset[row]


def write_version(
    path: Path, dataset: _Rows, flagged: Sequence[tuple[int, str]], removed: int, relabelled: int
) -> None:
    """A zip with the files that are read from it: the first of the flagged are removed, the next relabelled."""
    actions = ["remove"] * removed + ["relabel"] * relabelled + ["keep"] * (len(flagged) - removed - relabelled)
    texts = [io.StringIO(newline="") for _ in range(3)]
    write_removal_list(texts[0], [id_ for _, id_ in flagged[:removed]])
    new = {id_: (dataset.targets[row] + 1) % len(_CLASSES) for row, id_ in flagged[removed : removed + relabelled]}
    write_relabel_map(texts[1], new)
    write_rows(
        texts[2],
        (
            FinalRow(id_, id_, _CLASSES[dataset.targets[row]], "mislabel", "0.93", reason="the model says otherwise",
                     user_action=action, split="train", explanation="unanimous of alice, bob")
            for (row, id_), action in zip(flagged, actions, strict=True)
        ),
        FINAL_COLUMNS,
    )  # fmt: skip
    names = ("bench_train_removal_list.txt", "bench_train_relabel_map.json", "bench_final_cleaning_manifest.csv")
    files = {name: text.getvalue().encode() for name, text in zip(names, texts, strict=True)}
    manifest = {
        "dataset": "bench", "version": 1, "digest": "", "label_coding": "index",
        "classes": {name: number for number, name in enumerate(_CLASSES)}, "splits": {"train": len(dataset)},
        "files": [{"name": name, "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()],
    }  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**files, "MANIFEST.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, data)


def describe(figures: dict[str, Any]) -> str:
    lines = [
        f"{figures['items']:,} items, {figures['removed']:,} removed, {figures['relabelled']:,} relabelled, "
        f"medians of {figures['repeats']}"
    ]
    for kind, words in (("paths", "ids are paths"), ("rows", "ids are rows")):
        part = figures[kind]
        lines.append(
            f"{words:<14} constructed in {part['construct_median']:.2f} s, at most {part['peak_bytes'] / 1e6:.0f} MB, "
            f"{part['kept_bytes'] / 1e6:.0f} MB after; an item {part['item_nanoseconds']:.0f} ns, "
            f"bare {part['bare_nanoseconds']:.0f} ns, {part['overhead_nanoseconds'] / 1000:.2f} us more"
        )
    return "\n".join(lines)
