"""``winnow coco``: a COCO annotation file without what a removal list names, and with the labels of a relabel map.

In the lists an id alone (139) is an image's, annotation/908 an annotation's. A relabel map names annotations only, and
gives the name or the id of a category.
"""

from __future__ import annotations

import argparse
import io
import json
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from app.adapters.files import write_atomically
from app.cli.environment import Subparsers
from app.cli.exit_status import status_of
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.coco import CocoLists, check_coco, clean_coco, split_ids
from app.domain.formats.relabel_map import read_relabel_map
from app.domain.formats.removal_list import read_removal_list


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("coco", help="apply lists to a COCO annotation file", description=__doc__)
    parser.add_argument("--annotations", type=Path, required=True, metavar="JSON", help="the original file")
    parser.add_argument("--removal-list", "--removal_list", type=Path, metavar="TXT")
    parser.add_argument("--relabel-map", "--relabel_map", type=Path, metavar="JSON")
    parser.add_argument("--output", type=Path, required=True, metavar="JSON", help="the cleaned file")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("coco", partial(_clean, args))


def _clean(args: argparse.Namespace) -> None:
    if args.removal_list is None and args.relabel_map is None:
        raise InvalidInput("Give --removal-list, --relabel-map or both.")
    if args.output.exists() and args.output.samefile(args.annotations):
        raise InvalidInput("--output is the original file. Name another.")
    before = _load(args.annotations)
    after = clean_coco(before, _lists(args))
    check_coco(after)
    data = json.dumps(after, ensure_ascii=False, separators=(",", ":")).encode()
    write_atomically(args.output, lambda stream: stream.write(data))
    told = _counts(before, after)
    print(json.dumps({"output": str(args.output), **told}) if args.json else _describe(args.output, told))


def _load(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InvalidFile(f"{path} is not JSON: {error}.") from None
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which JSON does not have")


def _lists(args: argparse.Namespace) -> CocoLists:
    removed = read_removal_list(_text(args.removal_list)) if args.removal_list else []
    relabelled = read_relabel_map(_text(args.relabel_map)) if args.relabel_map else {}
    if not removed and not relabelled:
        raise InvalidInput("The lists name nothing: the output would be the original.")
    return split_ids(removed, relabelled)


def _text(path: Path) -> io.StringIO:
    try:
        return io.StringIO(path.read_bytes().decode(), newline="")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path} is not text in UTF-8: {error}.") from None


def _counts(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    given = {x["id"]: x["category_id"] for x in before["annotations"]}
    return {
        "images": len(after["images"]),
        "images_removed": len(before["images"]) - len(after["images"]),
        "annotations": len(after["annotations"]),
        "annotations_removed": len(before["annotations"]) - len(after["annotations"]),
        "annotations_relabelled": sum(given[x["id"]] != x["category_id"] for x in after["annotations"]),
    }


def _describe(output: Path, told: dict[str, int]) -> str:
    return (
        f"{output}: {told['images']:,} images ({told['images_removed']:,} removed), "
        f"{told['annotations']:,} annotations ({told['annotations_removed']:,} removed, "
        f"{told['annotations_relabelled']:,} relabelled)"
    )
