"""``winnow leaks``: search two folders of images for pictures that are in both, without a server or a
database."""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.exit_status import status_of
from app.cli.image_folders import ImageFolder, open_folders
from app.cli.progress import ProgressReporter
from app.domain.errors import InvalidInput
from app.domain.formats.leaks_report import LeakReportRow, report_row, sort_rows, write_leaks_report
from app.domain.formats.leaks_summary import LeaksSummary, write_leaks_summary
from app.domain.leaks import (
    DEFAULT_MAX_DISTANCE,
    DEFAULT_METHODS,
    DEFAULT_MIN_SIMILARITY,
    MIN_SCORE,
    SMALLEST_CROP,
    LeakCandidate,
    MatchMethod,
)

if TYPE_CHECKING:
    from workers.engines.leak_run import LeakRunResult

Subparsers = argparse._SubParsersAction  # the type has no public name


def add_parser(subparsers: Subparsers[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        "leaks",
        help="find images of the test folder that are in the train folder too",
        description="Find images of the test folder that are in the train folder too, or duplicates inside "
        "one folder. Writes a report, a summary beside it and, where files cannot be read, a list of them.",
    )
    _add_required(parser)
    _add_search_options(parser)
    _add_running_options(parser)
    parser.set_defaults(run=run)
    return parser


def _add_required(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the dataset, for the summary")
    parser.add_argument("--train-dir", "--train_dir", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--test-dir", "--test_dir", type=Path, metavar="DIR", help="left out: look inside the train folder"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="CSV", help="the report to write")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=[*DEFAULT_METHODS],
        metavar="METHOD",
        help=f"any of {', '.join(MatchMethod)}, with spaces or commas between them "
        f"(default: {' '.join(DEFAULT_METHODS)}); verified seeks copies however they were changed, and checks the "
        "candidates of all methods on their pixels",
    )


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--phash-threshold",
        "--phash_threshold",
        type=int,
        default=DEFAULT_MAX_DISTANCE,
        metavar="BITS",
        help="largest pHash distance of a perceptual candidate (default %(default)s)",
    )
    parser.add_argument(
        "--semantic-threshold",
        "--semantic_threshold",
        type=float,
        default=DEFAULT_MIN_SIMILARITY,
        metavar="COSINE",
        help="smallest cosine similarity of a semantic candidate (default %(default)s)",
    )
    parser.add_argument(
        "--min-score",
        "--min_score",
        type=float,
        default=MIN_SCORE,
        metavar="SCORE",
        help="smallest score, 0 to 1, at which a verified pair is accepted (default %(default)s)",
    )
    parser.add_argument(
        "--smallest-crop",
        "--smallest_crop",
        type=float,
        default=SMALLEST_CROP,
        metavar="SHARE",
        help="seek crops down to this share of a side; 1 seeks none and is the fastest (default %(default)s)",
    )
    parser.add_argument(
        "--include-rejected",
        "--include_rejected",
        action="store_true",
        help="report pairs too that the check of the pixels rejected",
    )


def _add_running_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch-size", "--batch_size", type=int, default=32, metavar="N")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default %(default)s)")
    parser.add_argument(
        "--weights",
        type=Path,
        default=os.environ.get("WINNOW_WEIGHTS") or None,
        metavar="PATH",
        help="weights of the network (default: WINNOW_WEIGHTS, else what torchvision downloads)",
    )
    parser.add_argument(
        "--model",
        default=os.environ.get("WINNOW_MODEL") or "resnet50",
        help="the network for semantic candidates, any of torchvision's classifiers (default %(default)s)",
    )
    parser.add_argument(
        "--vectors",
        type=Path,
        metavar="NPZ",
        help="embeddings from any other network instead: keys (names as in the report) and vectors, a row each",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where fingerprints are kept, so that another search over the same folders reads only what changed "
        "(default: winnow in the user's cache folder)",
    )
    parser.add_argument("--no-cache", "--no_cache", action="store_true", help="read every image anew and keep nothing")
    parser.add_argument("--processes", type=int, metavar="N", help="default: one for each core")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 only when the report is written, 2 where an argument has to be changed, 1 for other
    failures."""
    return status_of("leaks", partial(_search_and_write, args))


def _search_and_write(args: argparse.Namespace) -> None:
    methods = parse_methods(args.methods)
    _check_numbers(args, methods)
    train, test = open_folders(args.train_dir, args.test_dir)
    output = _prepare_output(args.output)
    result, images = _search(args, methods, train, test)
    rows = sort_rows(_row(candidate, train, test or train) for candidate in result.candidates)
    summary = _summary(args, methods, images, result)
    _write_files(output, rows, summary, result)
    _tell(args, output, rows, result)


def parse_methods(words: list[str]) -> list[MatchMethod]:
    """Methods in their usual order, however they were separated or repeated."""
    names = {name.strip().lower() for word in words for name in word.split(",") if name.strip()}
    if unknown := sorted(names - set(MatchMethod)):
        raise InvalidInput(f"Unknown method {', '.join(unknown)}. Choose from {', '.join(MatchMethod)}.")
    return [method for method in MatchMethod if method in names]


def _check_numbers(args: argparse.Namespace, methods: list[MatchMethod]) -> None:
    from workers.engines.leak_run import check_parameters

    check_parameters(methods, args.phash_threshold, args.semantic_threshold)
    for name, value in (("--min_score", args.min_score), ("--smallest_crop", args.smallest_crop)):
        if not 0 < value <= 1:
            raise InvalidInput(f"{name} must be above 0 and at most 1, not {value}.")
    if args.batch_size < 1:
        raise InvalidInput(f"--batch_size must be at least 1, not {args.batch_size}.")
    if args.processes is not None and args.processes < 1:
        raise InvalidInput(f"--processes must be at least 1, not {args.processes}.")


def _prepare_output(output: Path) -> Path:
    """Find out before the search, not after it, that the report cannot be written."""
    if output.is_dir():
        raise InvalidInput(f"--output {output} is a folder; name a file in it.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"The folder of --output {output} cannot be made: {error.strerror}.") from error
    if not os.access(output.parent, os.W_OK):
        raise InvalidInput(f"The folder of --output {output} cannot be written to.")
    return output


def _search(
    args: argparse.Namespace, methods: list[MatchMethod], train: ImageFolder, test: ImageFolder | None
) -> tuple[LeakRunResult, dict[str, int]]:
    from workers.engines.decoding import ImageRef
    from workers.engines.leak_run import EmbeddingSource, run_leaks

    train_refs = [ImageRef(key, path) for key, path in train.list_images()]
    test_refs = [ImageRef(key, path) for key, path in test.list_images()] if test else None
    with closing(ProgressReporter()) as progress:
        result = run_leaks(
            train_refs,
            test_refs,
            methods,
            max_distance=args.phash_threshold,
            min_similarity=args.semantic_threshold,
            embeddings=EmbeddingSource(args.model, args.weights, args.device, args.batch_size, args.vectors),
            processes=args.processes,
            progress=progress,
            min_score=args.min_score,
            include_rejected=args.include_rejected,
            smallest_crop=args.smallest_crop,
            cache=None if args.no_cache else cache_folder(args.cache, train, test),
        )
    images = {train.name: len(train_refs)}
    return result, {**images, test.name: len(test_refs)} if test and test_refs else images


def cache_folder(chosen: Path | None, train: ImageFolder, test: ImageFolder | None) -> Path:
    """A folder of its own for each pair of image folders, below the one chosen or the user's cache folder."""
    root = chosen or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "winnow"
    places = "\n".join(str(folder.path) for folder in (train, test) if folder)
    return root / "fingerprints" / hashlib.sha256(os.fsencode(places)).hexdigest()[:20]


def _row(candidate: LeakCandidate, train: ImageFolder, test: ImageFolder) -> LeakReportRow:
    return report_row(
        candidate,
        train_label=train.label_of(candidate.train_image),
        test_label=test.label_of(candidate.test_image),
        train_split=train.name,
        test_split=test.name,
    )


def _summary(
    args: argparse.Namespace, methods: list[MatchMethod], images: dict[str, int], result: LeakRunResult
) -> LeaksSummary:
    parameters: dict[str, object] = {"methods": " ".join(methods)}
    if MatchMethod.PERCEPTUAL in methods:
        parameters["pHash threshold (bits)"] = args.phash_threshold
    if MatchMethod.SEMANTIC in methods:
        parameters["semantic threshold (cosine)"] = args.semantic_threshold
        own = f"{args.model}, {args.weights.name if args.weights else 'weights of torchvision'}"
        parameters["embeddings"] = args.vectors.name if args.vectors else own
    if MatchMethod.VERIFIED in methods:
        parameters["smallest score"] = args.min_score
        parameters["smallest crop (share of a side)"] = args.smallest_crop
    problems = Counter(problem.status.value for problem in result.problems)
    return LeaksSummary(args.dataset, parameters, images, problems)


def summary_path(output: Path) -> Path:
    return output.with_name(f"{output.stem}_summary.txt")


def problems_path(output: Path) -> Path:
    return output.with_name(f"{output.stem}_problems.csv")


def _write_files(output: Path, rows: list[LeakReportRow], summary: LeaksSummary, result: LeakRunResult) -> None:
    from app.adapters.files import text_replaced_atomically

    with text_replaced_atomically(output) as stream:
        write_leaks_report(stream, rows)
    with text_replaced_atomically(summary_path(output)) as stream:
        write_leaks_summary(stream, summary, rows)
    if not result.problems:
        # One from an earlier run would blame files that are fine by now.
        problems_path(output).unlink(missing_ok=True)
        return
    with text_replaced_atomically(problems_path(output)) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("image", "problem", "message"))
        writer.writerows((problem.key, problem.status.value, problem.message) for problem in result.problems)


def _tell(args: argparse.Namespace, output: Path, rows: list[LeakReportRow], result: LeakRunResult) -> None:
    if args.json:
        told = {
            "dataset": args.dataset,
            "report": str(output),
            "summary": str(summary_path(output)),
            "problems": str(problems_path(output)) if result.problems else None,
            "counts": result.counts,
            "label_conflicts": len({(r.train_image, r.test_image) for r in rows if r.label_conflict}),
            "seconds": {step: round(seconds, 3) for step, seconds in result.timings.items()},
        }
        print(json.dumps(told, indent=2))
        return
    counts = result.counts
    print(f"{counts['candidates']:,} candidates, {counts['images_affected']:,} images affected: {output}")
    if result.problems:
        print(f"{counts['problems']:,} images could not be read: {problems_path(output)}")
