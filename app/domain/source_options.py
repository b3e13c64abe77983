"""What may be said of a source besides where it lies, by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import InvalidInput
from app.domain.sources import SourceKind

LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``is_file`` names a file, relative to the source's folder or absolute."""

    name: str
    text: str
    is_file: bool = False
    is_needed: bool = False


_SPLIT = Option("split", "the split that all of its images are of")
_CLASSES = Option("classes", "a file of class names, one a line, in the dataset's own order", is_file=True)

OPTIONS: Mapping[SourceKind, tuple[Option, ...]] = {
    SourceKind.FOLDER: (Option("split", "the folder holds class/file of this split alone"),),
    SourceKind.FLAT: (
        Option("split", "the split that all of its images are of", is_needed=True),
        Option("labels", "the file that names each image's label", is_file=True, is_needed=True),
        _CLASSES,
    ),
    SourceKind.MANIFEST: (
        Option("table", "the CSV, TSV or Parquet file", is_file=True, is_needed=True),
        Option("split", "the split of rows that name none"),
        Option("path_column", "the column of paths"),
        Option("label_column", "the column of labels"),
        Option("split_column", "the column of splits"),
        Option("id_column", "the column of ids that lists use; the path where there is none"),
        _CLASSES,
    ),
    SourceKind.HUGGING_FACE: (
        Option("split", "the split, where neither folders nor file names tell"),
        Option("image_column", "the column of images"),
        Option("label_column", "the column of labels"),
        _CLASSES,
    ),
    SourceKind.TAR: (Option("split", "the split, where the shards' names don't tell"), _CLASSES),
    SourceKind.COCO: (
        Option("annotations", "the JSON of images, annotations and categories", is_file=True, is_needed=True),
        Option("split", "the split that all of its images are of", is_needed=True),
        Option("images", "the folder below the source's that file names are relative to"),
    ),
}


def check_options(kind: SourceKind, options: Mapping[str, Any]) -> dict[str, str]:
    """The options without the empty ones.

    Raises:
        InvalidInput: the kind has no such option, or needs one that is missing.
    """
    known = {option.name: option for option in OPTIONS[kind]}
    given = {name: str(value).strip() for name, value in options.items() if value not in (None, "")}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        listed = ", ".join(known) or "none"
        raise InvalidInput(f"A source of {kind.label} has no option {', '.join(unknown)}. Its options are: {listed}.")
    for name, value in given.items():
        if len(value) > LONGEST or not value.isprintable():
            raise InvalidInput(f"The option {name} is one line of at most {LONGEST:,} characters.")
    for option in known.values():
        if option.is_needed and not given.get(option.name):
            raise InvalidInput(f"A source of {kind.label} needs the option {option.name}: {option.text}.")
    if "/" in given.get("split", "") or len(given.get("split", "")) > 100:
        raise InvalidInput("A split is a name of at most 100 characters without slashes, such as 'val'.")
    return given


def file_options(kind: SourceKind, options: Mapping[str, Any]) -> dict[str, str]:
    """Those options that name files."""
    names = [option.name for option in OPTIONS[kind] if option.is_file and options.get(option.name)]
    return {name: str(options[name]) for name in names}
