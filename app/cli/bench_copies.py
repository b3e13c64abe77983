"""``winnow bench copies``: which changes of a photo leak search sees through.

Copies of some photos, changed in fifteen ways, are hidden: the photos are the train set, the copies the test set.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.environment import Subparsers
from app.cli.exit_status import status_of
from app.domain.leaks import DEFAULT_METHODS, LeakCandidate, MatchMethod, Transform

if TYPE_CHECKING:
    from app.cli.made_copies import MadeCopy


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("copies", help="hide changed copies of photos among them and see which are found")
    parser.add_argument("photos_folder", type=Path, metavar="PHOTOS_FOLDER", help="searched with the folders in it")
    parser.add_argument(
        "--photos", type=int, default=100, metavar="N", help="how many to make copies of (default %(default)s)"
    )
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("bench copies", partial(_measure, args))


def _measure(args: argparse.Namespace) -> None:
    figures = bench_copies(args.photos_folder, args.photos, processes=args.processes)
    print(json.dumps(figures, indent=2) if args.json else describe(figures))


def bench_copies(photos_folder: Path, photos: int = 100, *, processes: int = 2) -> dict[str, Any]:
    """Recall of each change, precision over all accepted pairs, and what the pairs of each change are called."""
    from app.cli.made_copies import list_photos, make_copies
    from workers.engines.leak_run import run_leaks

    train = list_photos(photos_folder)
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        copies = make_copies(train, photos, Path(folder))
        result = run_leaks(train, [copy.ref for copy in copies], DEFAULT_METHODS, processes=processes)
    accepted = accepted_pairs(result.candidates)
    originals = {copy.ref.key: copy.original for copy in copies}
    right = sum(originals[test_image] == train_image for test_image, train_image in accepted)
    return {
        "photos": len(train),
        "copies": len(copies),
        "changes": measure_changes(copies, accepted),
        "recall": right / len(copies),
        "accepted_pairs": len(accepted),
        "precision": right / len(accepted) if accepted else None,
        "seconds": result.timings,
    }


def accepted_pairs(candidates: Iterable[LeakCandidate]) -> dict[tuple[str, str], Transform | None]:
    """Test and train image of each pair, and what links them; a verified pair's word counts most."""
    ordered = sorted(candidates, key=lambda candidate: candidate.method is MatchMethod.VERIFIED)
    return {(c.test_image, c.train_image): c.transform for c in ordered}


def measure_changes(
    copies: Sequence[MadeCopy], accepted: dict[tuple[str, str], Transform | None]
) -> list[dict[str, Any]]:
    names = dict.fromkeys(copy.change for copy in copies)
    return [_measure_change(name, [copy for copy in copies if copy.change == name], accepted) for name in names]


def _measure_change(
    name: str, copies: Sequence[MadeCopy], accepted: dict[tuple[str, str], Transform | None]
) -> dict[str, Any]:
    pairs = [(copy.ref.key, copy.original) for copy in copies]
    found = [pair for pair in pairs if pair in accepted]
    called = Counter(str(accepted[pair]) for pair in found)
    return {
        "change": name,
        "copies": len(pairs),
        "recall": len(found) / len(pairs),
        "transforms": dict(called.most_common()),
    }


def describe(figures: dict[str, Any]) -> str:
    lines = [f"{'change':<24}{'recall':>8}   most often called"]
    for row in figures["changes"]:
        most = next(iter(row["transforms"].items()), None)
        words = f"{most[0]} ({most[1]} of {sum(row['transforms'].values())})" if most else "-"
        lines.append(f"{row['change']:<24}{row['recall']:>8.3f}   {words}")
    precision = "-" if figures["precision"] is None else f"{figures['precision']:.4f}"
    seconds = ", ".join(f"{step} {taken:.1f}" for step, taken in figures["seconds"].items())
    return "\n".join(
        [
            *lines,
            f"{'all':<24}{figures['recall']:>8.3f}",
            f"{figures['copies']:,} copies among {figures['photos']:,} photos: "
            f"{figures['accepted_pairs']:,} pairs accepted, precision {precision}",
            f"seconds: {seconds}",
        ]
    )
