"""All formats, finding out which one an upload is, and opening it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.flagged import (
    cleanlab_studio,
    cleanvision,
    coco_results,
    datalab,
    fastdup,
    fiftyone,
    guide,
    imagededup,
    selfclean,
    visual_layer,
    vl_datasets,
)
from app.domain.formats.flagged.bundle import Bundle, open_bundle
from app.domain.formats.flagged.contract import Format, Rows
from app.domain.formats.flagged.json_items import JsonItems
from app.domain.formats.flagged.row_maker import RowMaker
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.flagged.tables import ParquetReader
from app.domain.formats.flagged.text import decode_text
from app.domain.formats.guide_columns import FlaggedColumns

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        guide, visual_layer, vl_datasets, fastdup, cleanvision, datalab, cleanlab_studio, fiftyone, imagededup,
        coco_results, selfclean,
    )
}  # fmt: skip
"""By the name that ``--format`` takes."""


@dataclass
class Export:
    """An opened export: take ``columns``, or else iterate over ``rows`` once; then read ``warnings``."""

    format: Format
    _rows: Rows
    _make: RowMaker
    _columns: Callable[[], FlaggedColumns | None]

    def rows(self) -> Iterator[FlaggedRow | RejectedRow]:
        return self._rows

    def columns(self) -> FlaggedColumns | None:
        """All rows at once; None for an export that has to be read row by row."""
        return self._columns()

    @property
    def warnings(self) -> list[str]:
        told = list(self._make.notes)
        if self._make.percent and not self._make.percent_used:
            told.append(f"'Confidence in percent' means nothing for {self.format.title} and was not used")
        return told


def find_format(name: str) -> Format:
    """A format by the name that people give.

    Raises:
        InvalidInput: there is none of that name; the message lists them.
    """
    if name not in FORMATS:
        raise InvalidInput(f"There is no format {name[:50]!r}. Choose one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def open_export(
    data: bytes, *, name: str = "The file", format: str = "", percent: bool = False, parquet: ParquetReader
) -> Export:
    """Open an upload as the format that it is, or as ``format`` where that is given.

    Raises:
        InvalidFile: it is none of the formats, or broken. Some breaks show only while the rows are read.
        InvalidInput: ``format`` is no format's name.
    """
    bundle = open_bundle(data, name, parquet)
    make = RowMaker(percent=percent)
    found = find_format(format) if format else recognise(bundle)
    quick = found.read_columns
    return Export(found, found.read(bundle, make), make, partial(quick, bundle, make) if quick else _no_columns)


def _no_columns() -> None:
    return None


def is_known(bundle: Bundle) -> bool:
    """Whether this is one of the formats."""
    return any(found.recognise(bundle) > 0 for found in FORMATS.values())


def recognise(bundle: Bundle) -> Format:
    """The format that is surest; of equally sure ones the first in the list.

    Raises:
        InvalidFile: none of them is.
    """
    certainties = {name: found.recognise(bundle) for name, found in FORMATS.items()}
    name = max(certainties, key=lambda name: certainties[name])
    if certainties[name] > 0:
        return FORMATS[name]
    if not bundle.is_zip and bundle.members[0].kind in ("csv", "other"):
        return FORMATS["guide"]  # says which columns it lacks
    for member in bundle.find(lambda member: member.kind == "json"):
        deque(JsonItems(decode_text(member.data, member.name), member.name, None), maxlen=0)  # says where it is broken
    titles = ", ".join(found.title for found in FORMATS.values())
    seen = "; ".join(f"{member.name} ({_described(bundle, index)})" for index, member in enumerate(bundle.members[:5]))
    raise InvalidFile(
        f"This is none of the exports that Winnow knows ({titles}). It holds {seen}. If it is a table, map its columns."
    )


def _described(bundle: Bundle, index: int) -> str:
    member = bundle.members[index]
    names = sorted(str(name) for name in (member.columns or member.keys) if name is not None)
    return f"{member.kind}: {', '.join(names[:12])[:200]}" if names else member.kind
