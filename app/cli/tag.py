"""``winnow tag``: make the standard manifest, and a gallery to look at, of an export of flagged samples, without a
server or a database."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TextIO

from app.adapters.export_folder import read_export
from app.adapters.files import write_atomically
from app.cli.exit_status import status_of
from app.cli.export_format import add_format
from app.cli.gallery_pictures import pictures_below
from app.cli.progress import ProgressReporter
from app.domain.batch_tagging import manifest_row
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.flagged.contract import Format
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.manifest_csv import write_rows
from app.domain.formats.rejected_csv import write_rejected_rows
from app.domain.formats.review_gallery import MAX_SAMPLES, GalleryCount, write_review_gallery
from app.domain.formats.spreadsheet_csv import write_spreadsheet_copy
from app.services.open_flagged import open_flagged

Subparsers = argparse._SubParsersAction  # the type has no public name


def add_parser(subparsers: Subparsers[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        "tag",
        help="turn an export of flagged samples into the standard manifest",
        description="Turn an export of flagged samples into the standard manifest, one row a flag, with a "
        "copy for spreadsheet programs beside it and, where rows make no sense, a list of them.",
    )
    parser.add_argument(
        "--vl-export", "--vl_export", type=Path, required=True, metavar="FILE", help="the export, or its folder"
    )
    add_format(parser)
    parser.add_argument("--dataset", required=True, help="name of the dataset, for the gallery")
    parser.add_argument("--output", type=Path, required=True, metavar="CSV", help="the manifest to write")
    parser.add_argument(
        "--generate-html",
        "--generate_html",
        action="store_true",
        help="write <dataset>_review.html beside the manifest: a gallery that opens in any browser",
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="where the export's paths begin (default: the export's folder)"
    )
    parser.add_argument(
        "--confidence-in-percent",
        "--confidence_in_percent",
        action="store_true",
        help="the export writes confidence as 0 to 100",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Exit status: 0 only when all files are written, 2 where an argument or the export has to be changed, 1 for
    other failures."""
    return status_of("tag", partial(_tag, args))


@dataclass(frozen=True, slots=True)
class _Targets:
    """The files that a run may write."""

    manifest: Path
    spreadsheet: Path
    rejected: Path
    gallery: Path


@dataclass
class _Export:
    """What an export holds."""

    format: Format
    flagged: list[FlaggedRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def samples(self) -> int:
        return len({row.image_path or row.image_id for row in self.flagged})

    @property
    def by_issue_type(self) -> dict[str, int]:
        return dict(sorted(Counter(row.flag.issue_type.value for row in self.flagged).items()))


def _tag(args: argparse.Namespace) -> None:
    targets = _targets(args)
    export = _read(args)
    images = _image_folder(args)
    if export.rejected and not export.flagged:
        _write_rejected(targets, export)
        first = export.rejected[0]
        raise InvalidFile(
            f"None of the {len(export.rejected):,} rows of {args.vl_export} could be taken; no manifest was written. "
            f"{targets.rejected} lists them. Line {first.line}: {first.reason}"
        )
    files, count = _render(args, targets, export, images)
    for path, text in files:
        _write(path, text)
    _write_rejected(targets, export)
    _tell(args, targets, export, count)


def _targets(args: argparse.Namespace) -> _Targets:
    """Name the files, and find out before any work that they can't be written."""
    output: Path = args.output
    _check_dataset(args.dataset)
    if output.is_dir():
        raise InvalidInput(f"--output {output} is a folder; name a file in it.")
    targets = _Targets(
        output,
        output.with_name(f"{output.stem}.spreadsheet.csv"),
        output.with_name(f"{output.stem}_rejected_rows.csv"),
        output.with_name(f"{args.dataset}_review.html"),
    )
    paths = [targets.manifest, targets.spreadsheet, targets.rejected, targets.gallery]
    if len(set(paths)) < len(paths):
        raise InvalidInput(f"--output {output} has the name of another file that is written; choose another.")
    if args.vl_export.resolve() in [path.resolve() for path in paths]:
        raise InvalidInput(f"--output {output} would overwrite the export; choose another name.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"The folder of --output {output} cannot be made: {error.strerror}.") from error
    if not os.access(output.parent, os.W_OK):
        raise InvalidInput(f"The folder of --output {output} cannot be written to.")
    return targets


def _check_dataset(name: str) -> None:
    if not name.strip() or name.startswith(".") or len(name) > 100 or not name.isprintable() or {"/", "\\"} & {*name}:
        raise InvalidInput(f"--dataset {name!r} is no name for files: use letters, digits, dots, dashes, underscores.")


def _read(args: argparse.Namespace) -> _Export:
    data = read_export(args.vl_export)
    source = open_flagged(data, args.vl_export.name, format=args.format, percent=args.confidence_in_percent)
    export = _Export(source.format)
    for row in source.rows():
        if isinstance(row, FlaggedRow):
            export.flagged.append(replace(row, flag=row.whole_flag(), others=()))
        else:
            export.rejected.append(row)
    export.warnings = source.warnings
    if not export.flagged and not export.rejected:
        export.warnings.append("The export has a header and no rows: nothing is flagged.")
    if export.flagged and not any(row.image_id for row in export.flagged):
        export.warnings.append("The export has no image_id: the path stands for it in the manifest.")
    return export


def _image_folder(args: argparse.Namespace) -> Path:
    folder: Path = args.images or args.vl_export.parent
    if not folder.is_dir():
        raise InvalidInput(f"--images {folder} is not a folder.")
    return folder.resolve()


def _render(
    args: argparse.Namespace, targets: _Targets, export: _Export, images: Path
) -> tuple[list[tuple[Path, str]], GalleryCount | None]:
    """Make all files before the first is written. The manifest comes last: where it is, the others are."""
    manifest = _text(lambda stream: write_rows(stream, map(manifest_row, export.flagged)))
    spreadsheet = _text(lambda stream: write_spreadsheet_copy(io.StringIO(manifest, newline=""), stream))
    files = [(targets.spreadsheet, spreadsheet), (targets.manifest, manifest)]
    if not args.generate_html:
        return files, None
    page = io.StringIO(newline="")
    with closing(ProgressReporter()) as progress:
        shown = min(export.samples, MAX_SAMPLES)
        thumbnail = pictures_below(images, lambda asked: progress("pictures", asked, shown))
        count = write_review_gallery(page, export.flagged, thumbnail, dataset=args.dataset)
    return [(targets.gallery, page.getvalue()), *files], count


def _text(write: Callable[[TextIO], object]) -> str:
    stream = io.StringIO(newline="")
    write(stream)
    return stream.getvalue()


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda stream: stream.write(text.encode()))


def _write_rejected(targets: _Targets, export: _Export) -> None:
    if not export.rejected:
        # One from an earlier run would blame rows that are fine by now.
        targets.rejected.unlink(missing_ok=True)
        return
    _write(targets.rejected, _text(lambda stream: write_rejected_rows(stream, export.rejected)))


def _tell(args: argparse.Namespace, targets: _Targets, export: _Export, count: GalleryCount | None) -> None:
    if args.json:
        print(json.dumps(_as_json(args, targets, export, count), indent=2))
        return
    print(f"Read as {export.format.title}. {export.format.scores}")
    print(f"{len(export.flagged):,} flags on {export.samples:,} samples: {targets.manifest}")
    for issue, number in export.by_issue_type.items():
        print(f"  {issue:<10} {number:>9,}")
    print(f"For spreadsheet programs: {targets.spreadsheet}")
    if count is not None:
        print(f"Gallery of {_gallery_text(count)}: {targets.gallery}")
    for warning in export.warnings:
        print(f"winnow tag: {warning}", file=sys.stderr)
    if export.rejected:
        print(f"winnow tag: {len(export.rejected):,} rows were rejected: {targets.rejected}", file=sys.stderr)


def _gallery_text(count: GalleryCount) -> str:
    text = f"{count.shown:,} samples" if count.shown == count.total else f"{count.shown:,} of {count.total:,} samples"
    return f"{text} ({count.without_picture:,} without a picture)" if count.without_picture else text


def _as_json(
    args: argparse.Namespace, targets: _Targets, export: _Export, count: GalleryCount | None
) -> dict[str, object]:
    return {
        "dataset": args.dataset,
        "format": export.format.name,
        "scores_read": export.format.scores,
        "manifest": str(targets.manifest),
        "spreadsheet": str(targets.spreadsheet),
        "rejected_rows": str(targets.rejected) if export.rejected else None,
        "gallery": str(targets.gallery) if count else None,
        "flags": len(export.flagged),
        "samples": export.samples,
        "rejected": len(export.rejected),
        "by_issue_type": export.by_issue_type,
        "gallery_samples": count.shown if count else None,
        "without_picture": count.without_picture if count else None,
        "warnings": export.warnings,
    }
